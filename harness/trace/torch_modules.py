"""Traces a torch module: its named parts as they run, beside the reference's values of the same tensors.

- onnx2torch gives one part for each ONNX node, in their order; onnx2pytorch names the part of each node in `mapping`.
  The reference is the ONNX file's meaning in float64.
- The parts of other modules, ours among them, have the names of layers. The reference is the oracle.

A tensor is known by its identity: a part's inputs are the reference's tensors if they are outputs of parts that are
known, or inputs of the module.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.torch_artifact import open_module
from harness.results.evidence import Node
from harness.spec import Array, Spec
from harness.trace import noise
from harness.trace.names import layers_of
from harness.trace.noise import Measured
from harness.trace.onnx_evaluation import Evaluation, Step
from harness.trace.trace import INPUT, Trace, measured
from harness.trace.truth import measured_truth, outputs_of
from harness.units import UNIT


@dataclass(frozen=True)
class Part:
    """A named part of a module: the node of the reference that it stands for, and the names of its output tensors."""

    name: str
    outputs: tuple[str, ...]
    place: int = 0
    layer: str = ""


class Told:
    """The reference of parts that stand for ONNX nodes. Nodes are evaluated as parts ask for them, in their order."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._steps: Iterator[Step] = evaluation.steps()
        self._step = Step(-1)
        self.faults: dict[str, None] = {}

    def of(self, part: Part) -> tuple[Mapping[str, Any], Mapping[str, Measured]]:
        """What the reference has at the inputs and at the outputs of a part; nothing for one that comes too late."""
        feeds: dict[str, Any] = {}
        while self._step.place < part.place:
            self._step = next(self._steps)
            self.faults |= dict.fromkeys(filter(None, [self._step.fault]))
            feeds |= self._step.feeds  # a part may do the work of the nodes before its own
        return (feeds, self._step.values) if self._step.place == part.place else ({}, {})


class Known:
    """The reference of parts that are layers: all tensors at once."""

    def __init__(self, tensors: Mapping[str, Measured]) -> None:
        self.tensors = tensors
        self.faults: dict[str, None] = {}

    def of(self, part: Part) -> tuple[Mapping[str, Any], Mapping[str, Measured]]:
        """All tensors, and those at the outputs of a part."""
        return {name: each.value for name, each in self.tensors.items()}, {
            name: self.tensors[name] for name in part.outputs if name in self.tensors
        }


def trace(
    artifact: Path,
    inputs: Mapping[str, Array],
    *,
    source: Path | None = None,
    spec: Spec | None = None,
    weights: Mapping[str, Array] | None = None,
) -> Trace:
    """Trace a module that was saved whole, on these inputs in their order.

    `source` is the ONNX file that it was converted from; without one, the layers of `spec` with these weights are the
    reference. *local* is the error of a part fed the reference's inputs, *propagated* that of what it gives in the
    module's own run. Raises whatever loading and running the module raises.
    """
    import torch

    module = open_module(artifact).eval()
    parts, reference = _reference(module, inputs, source, spec, weights or {})
    recorder = _Recorder(module, parts, reference)
    with torch.no_grad():
        plain = _listed(module(*_arguments(inputs)))
        arguments = _arguments(inputs)
        for name, argument in zip(inputs, arguments, strict=True):
            recorder.know(argument, name, f"{INPUT}{name}")
        with recorder:
            watched = _listed(module(*arguments))
    notes = dict(reference.faults)
    if [_array(one).tobytes() for one in plain] != [_array(one).tobytes() for one in watched]:
        notes["with hooks the outputs are others than without"] = None
    return Trace("torch", tuple(recorder.nodes), "; ".join(notes), compared=_compared(recorder.nodes, parts, reference))


def _compared(nodes: Sequence[Node], parts: Sequence[Part], reference: Told | Known) -> dict[str, float]:
    """The largest error of each layer of which every part was measured; of an ONNX file without layers, of nodes."""
    owners = {part.name: part.layer for part in parts}
    if isinstance(reference, Told):
        owners |= {part.name: part.layer or reference.evaluation.ids[part.place] for part in parts}
    errors: dict[str, list[float | None]] = {}
    for node in nodes:
        if owner := owners.get(node.id.partition("#")[0]):
            errors.setdefault(owner, []).append(node.local)
    known = {owner: [error for error in each if error is not None] for owner, each in errors.items()}
    return {owner: max(each) for owner, each in known.items() if len(each) == len(errors[owner])}


def answer(
    artifact: Path,
    inputs: Mapping[str, Array],
    source: Path | None = None,
    spec: Spec | None = None,
    weights: Mapping[str, Array] | None = None,
) -> dict[str, Any]:
    """A trace as plain data, the answer of a worker."""
    return trace(artifact, inputs, source=source, spec=spec, weights=weights).to_plain()


def _arguments(inputs: Mapping[str, Array]) -> list[Any]:
    import torch

    return [torch.from_numpy(np.array(value)) for value in inputs.values()]


def _listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, list | tuple) else [result]


def _array(value: Any) -> Array:
    return np.asarray(value.detach().cpu().numpy()) if hasattr(value, "detach") else np.zeros(0)


def _reference(
    module: Any, inputs: Mapping[str, Array], source: Path | None, spec: Spec | None, weights: Mapping[str, Array]
) -> tuple[list[Part], Told | Known]:
    """The parts of a module, and their reference."""
    if source is not None:
        import onnx

        model = onnx.load(str(source))
        names = [] if spec is None else [layer.owner for layer in spec.layers]
        evaluation = Evaluation(model, inputs, layers=names)
        if parts := _of_onnx(module, model.graph.node, evaluation.layers):
            return parts, Told(evaluation)
    children = [name for name, _ in module.named_children()]
    if spec is None:
        return [Part(name, (name,)) for name in children], Known({})
    tensors = measured_truth(spec, weights, inputs)
    calls = {layer.owner: layer for layer in reversed(spec.layers)}
    named = layers_of(children, list(calls))
    parts = [
        Part(name, tuple(outputs_of(calls[layer], {key: each.value for key, each in tensors.items()})), layer=layer)
        if layer
        else Part(name, (name,))
        for name, layer in zip(children, named, strict=True)
    ]
    return parts, Known(tensors)


def _of_onnx(module: Any, nodes: Sequence[Any], layers: Sequence[str]) -> list[Part]:
    """The parts that stand for ONNX nodes; none for a module of another converter."""
    if hasattr(module, "graph") and hasattr(module.graph, "nodes"):  # torch.fx, by onnx2torch
        names = [node.target for node in module.graph.nodes if node.op == "call_module"]
        converted = list(nodes)
    elif hasattr(module, "mapping") and hasattr(module, "onnx_model"):  # onnx2pytorch, which has left out nodes
        converted = list(module.onnx_model.graph.node)
        names = [module.mapping[node.output[0]] for node in converted]
    else:
        return []
    places = {node.output[0]: place for place, node in enumerate(nodes)}
    if len(names) != len(converted) or any(node.output[0] not in places for node in converted):
        return []
    # a part may do the work of the normalisation behind it, of which nothing is left: what it gives is no ONNX tensor
    folded = {
        node.input[0]
        for name, node in zip(names, converted, strict=True)
        if node.op_type == "BatchNormalization" and type(getattr(module, name, None)).__name__ == "Identity"
    }
    parts = []
    for name, node in zip(names, converted, strict=True):
        place = places[node.output[0]]
        parts.append(Part(name, () if node.output[0] in folded else tuple(node.output), place, layers[place]))
    return parts


class _Function:
    """A function that is a part of a module, called as one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.forward = function

    @staticmethod
    def extra_repr() -> str:
        return ""


class _WatchedPartial(partial):  # type: ignore[type-arg]
    """A partial that tells of its calls; onnx2pytorch looks what it is a partial of."""

    watch: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        output = super().__call__(*args, **kwargs)
        self.watch(None, args, kwargs, output)
        return output


def _watched(function: Callable[..., Any], watch: Callable[..., Any]) -> Callable[..., Any]:
    """A function that tells of its calls."""
    if isinstance(function, partial):
        twin = _WatchedPartial(function.func, *function.args, **function.keywords)
        twin.watch = watch
        return twin

    def call(*args: Any, **kwargs: Any) -> Any:
        output = function(*args, **kwargs)
        watch(None, args, kwargs, output)
        return output

    return call


class _Recorder:
    """Hooks on the parts of a module. A context manager: on leaving, the hooks go."""

    def __init__(self, module: Any, parts: Sequence[Part], reference: Told | Known) -> None:
        self.reference = reference
        self.nodes: list[Node] = []
        self.places: dict[str, int] = {}
        modules = dict(module.named_modules())
        self._module = module
        self._parts = [(part, modules[part.name]) for part in parts if part.name in modules]
        self._functions = {
            part.name: (part, function)
            for part in parts
            if part.name not in modules and callable(function := getattr(module, part.name, None))
        }
        self._fixed = {id(each) for each in (*module.parameters(), *module.buffers())}
        self._known: dict[int, tuple[Any, str, str]] = {}
        self._hooks: list[Any] = []
        self._is_measuring = False
        self._calls: dict[str, int] = {}

    def know(self, tensor: Any, name: str, ident: str) -> None:
        """Remember that a tensor is the reference's tensor of a name, made by a node."""
        self._known[id(tensor)] = weakref.ref(tensor), name, ident

    def _recall(self, tensor: Any) -> tuple[str, str] | None:
        """The name of a tensor and the node that made it; None if it is not known."""
        reference, name, ident = self._known.get(id(tensor), (None, "", ""))
        return (name, ident) if reference is not None and reference() is tensor else None

    def __enter__(self) -> _Recorder:
        shared: dict[int, list[Part]] = {}
        for part, module in self._parts:
            shared.setdefault(id(module), []).append(part)
        for part, module in self._parts:
            if shared[id(module)][0] is part:
                self._hooks.append(
                    module.register_forward_hook(self._hook(shared[id(module)], module), with_kwargs=True)
                )
        for name, (part, function) in self._functions.items():
            setattr(self._module, name, _watched(function, self._hook([part], _Function(function))))
        return self

    def __exit__(self, *error: object) -> None:
        for name, (_, function) in self._functions.items():
            setattr(self._module, name, function)
        for hook in self._hooks:
            hook.remove()

    def _hook(self, parts: Sequence[Part], module: Any) -> Callable[..., None]:
        calls = iter(parts)

        def hook(_: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Any) -> None:
            if not self._is_measuring:
                self._record(next(calls, parts[-1]), module, args, kwargs, _listed(output))

        return hook

    def _record(self, part: Part, module: Any, args: Any, kwargs: Any, outputs: list[Any]) -> None:
        feeds, expected = self.reference.of(part)
        count = self._calls[part.name] = self._calls.get(part.name, 0) + 1
        ident = part.name if count == 1 else f"{part.name}#{count}"
        sources = [made for each in _tensors((args, kwargs)) if (made := self._recall(each)) is not None]
        node = Node(
            id=ident,
            op=_name_of(module),
            layer=part.layer,
            sources=tuple(dict.fromkeys(maker for _, maker in sources)),
            attributes={"settings": text} if (text := module.extra_repr()[:80]) else {},
            shape=tuple(outputs[0].shape) if hasattr(outputs[0], "shape") else None,
        )
        true = [expected.get(name) for name in part.outputs]
        local = self._local(module, (args, dict(kwargs)), feeds, true)
        errors = [
            noise.units(_array(value), each.value, each.unit)
            for value, each in zip(outputs, true, strict=False)
            if each is not None and each.unit is not None
        ]
        self.nodes.append(measured(node, local=local, propagated=max(errors, default=None)))
        for value, name in zip(outputs, part.outputs, strict=False):
            if hasattr(value, "detach"):
                self.know(value, name, ident)

    def _local(
        self, module: Any, arguments: Any, feeds: Mapping[str, Any], true: Sequence[Measured | None]
    ) -> float | None:
        """The error of a part fed the reference's inputs; None where some input is not known, or it does not run."""
        try:
            args, kwargs = self._fed(arguments, feeds)
            self._is_measuring = True
            given = _listed(module.forward(*args, **kwargs))
        except Exception:
            return None
        finally:
            self._is_measuring = False
        coarsest = _rounding([*_tensors((args, kwargs)), *given])
        errors = [
            noise.units(_array(value), each.value, each.own) * UNIT / coarsest
            for value, each in zip(given, true, strict=False)
            if each is not None and each.own is not None
        ]
        return max(errors, default=None)

    def _fed(self, value: Any, feeds: Mapping[str, Any]) -> Any:
        """Arguments with the reference's values. Raises KeyError for a tensor that is neither known nor a weight."""
        import torch

        if isinstance(value, list | tuple):
            return type(value)(self._fed(each, feeds) for each in value)
        if isinstance(value, dict):
            return {key: self._fed(each, feeds) for key, each in value.items()}
        if not isinstance(value, torch.Tensor) or id(value) in self._fixed:
            return value
        known = self._recall(value)
        true = feeds[known[0] if known else ""]
        with np.errstate(all="ignore"):
            return torch.from_numpy(np.array(true)).to(value.dtype)


def _name_of(module: Any) -> str:
    function = module.forward if isinstance(module, _Function) else None
    if function is None:
        return type(module).__name__
    return str(getattr(getattr(function, "func", function), "__name__", type(function).__name__))


def _rounding(tensors: Sequence[Any]) -> float:
    """The largest relative error of one rounding of these tensors: that of half precision, where some have it."""
    kinds = (str(getattr(each, "dtype", "")).removeprefix("torch.") for each in tensors)
    return max(noise.HALF.get(kind, UNIT) for kind in ("float32", *kinds))


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors in arguments."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif hasattr(value, "detach"):
        yield value
