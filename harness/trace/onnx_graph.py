"""Traces an ONNX file: node by node in float64, beside what ONNX Runtime gives for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.results.evidence import Node
from harness.spec import Array, Spec
from harness.trace import noise
from harness.trace.fused import Fused, fused
from harness.trace.onnx_evaluation import Evaluation, Step, short
from harness.trace.onnx_nodes import inputs_of, run_alone, session_of, tapped
from harness.trace.trace import FAULT, INPUT, Trace, measured
from harness.trace.truth import by_layer, truth_of
from harness.units import UNIT

HELD = 32 << 20
"""Bytes of reference values that may wait for what ONNX Runtime gives there; one node's values may be more."""


def trace(
    artifact: Path,
    inputs: Mapping[str, Array],
    *,
    truth: Mapping[str, Sequence[Array]] | None = None,
    outputs: Sequence[Array] = (),
    reference: Path | None = None,
) -> Trace:
    """Trace an ONNX file on these inputs.

    The reference is the file's own meaning in float64, or that of the file `reference`, whose nodes must be the same in
    number and names of outputs. `truth` are the outputs of layers by their names, `outputs` those of the model: where a
    tensor ought to be one of them, this is the reference, and the nodes behind go on from it. So a file that says
    something other than its model has its fault in the layer in which that begins.

    *local* compares ONNX Runtime's node alone, fed the reference's inputs, with the reference, *propagated* its own run
    of the whole file. Raises whatever reading the file raises.
    """
    import onnx

    model = onnx.load(str(artifact))
    told = model if reference is None else onnx.load(str(reference))
    evaluation = Evaluation(told, inputs, truth, outputs)
    runs = _Runs(model, inputs)
    nodes = skeleton(model, evaluation)
    types = element_types(model)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    notes: dict[str, None] = {}
    waiting: list[Step] = []
    for step in evaluation.steps():
        notes |= dict.fromkeys(filter(None, [step.fault]))
        local = _local(model, step, types, constants)
        arrays = [each.value for each in step.values.values() if isinstance(each.value, np.ndarray)]
        known = replace(nodes[step.place], layer=evaluation.layers[step.place])
        nodes[step.place] = replace(measured(known, local=local), shape=arrays[0].shape if arrays else None)
        nodes[step.place] = measured(nodes[step.place], local=step.apart)
        waiting.append(replace(step, feeds={}))
        if (
            sum(each.value.nbytes for one in waiting for each in one.values.values() if noise.is_float(each.value))
            > HELD
        ):
            _propagate(nodes, waiting, runs)
            waiting = []
    _propagate(nodes, waiting, runs)
    plain = Trace("onnx", tuple(nodes))
    found = None if plain.first_fault is not None else runs.fused()
    if found is not None:
        nodes[found.place] = measured(nodes[found.place], local=found.error)
        notes |= {_told(found, nodes): None}
    else:
        notes |= dict.fromkeys(runs.notes())
    optimiser = None if found is None else found.optimiser
    return Trace("onnx", tuple(nodes), "; ".join(notes), optimiser, evaluation.compared)


def _told(found: Fused, nodes: Sequence[Node]) -> str:
    """What is fused wrongly, in words."""
    first, *others = (nodes[place].layer or nodes[place].id for place in (found.place, *found.others))
    partners = " and ".join(repr(name) for name in dict.fromkeys(others) if name != first)
    done = f"fuses it with {partners}" if partners else "optimises it"
    by = f" ({found.optimiser})" if found.optimiser else ""
    return f"{first!r} is right alone and wrong where ONNX Runtime {done}{by}"


def answer(
    artifact: Path,
    inputs: Mapping[str, Array],
    spec: Spec | None = None,
    weights: Mapping[str, Array] | None = None,
    outputs: Sequence[Array] = (),
    reference: Path | None = None,
    tensors: Mapping[str, Array] | None = None,
) -> dict[str, Any]:
    """A trace as plain data, the answer of a worker. The truth is that of `spec` with these weights, or its `tensors`
    by name."""
    truth: Mapping[str, Sequence[Array]] = {}
    if spec is not None:
        truth = truth_of(spec, weights or {}, inputs) if tensors is None else by_layer(spec, tensors)
    return trace(artifact, inputs, truth=truth, outputs=outputs, reference=reference).to_plain()


def skeleton(model: Any, evaluation: Evaluation) -> list[Node]:
    """The nodes of a model without errors, with the ids and layers of its evaluation."""
    makers = {name: ident for ident, node in zip(evaluation.ids, model.graph.node, strict=True) for name in node.output}
    inputs = {item.name for item in model.graph.input} - {tensor.name for tensor in model.graph.initializer}
    return [
        Node(
            id=ident,
            op=node.op_type,
            layer=layer,
            sources=tuple(
                f"{INPUT}{name}" if name in inputs else makers[name]
                for name in inputs_of(node)
                if name in inputs or name in makers
            ),
            attributes=_attributes(node),
        )
        for ident, layer, node in zip(evaluation.ids, evaluation.layers, model.graph.node, strict=True)
    ]


def _local(model: Any, step: Step, types: Mapping[str, int], constants: Mapping[str, Any]) -> float | None:
    """The error of a node in ONNX Runtime, fed what the reference has there; None where it does not run alone."""
    import onnx

    node = model.graph.node[step.place]
    feeds = dict(step.feeds)
    feeds |= {name: onnx.numpy_helper.to_array(constants[name]) for name in inputs_of(node) if name in constants}
    if not step.values or not all(isinstance(value, np.ndarray | np.generic) for value in feeds.values()):
        return None
    try:
        given = run_alone(model, node, {name: feeds[name] for name in inputs_of(node)}, types, constants)
    except Exception:
        return None
    expected = [step.values[name] for name in node.output if name]
    errors = [
        noise.units(value, each.value, each.own)
        for value, each in zip(given, expected, strict=True)
        if each.own is not None
    ]
    if not errors:
        return None
    kinds = {onnx.TensorProto.DataType.Name(types.get(name, 0)).lower() for name in (*inputs_of(node), *node.output)}
    coarsest = max(noise.HALF.get(kind, UNIT) for kind in kinds)
    return max(errors) * UNIT / coarsest


def _propagate(nodes: list[Node], steps: Sequence[Step], runs: _Runs) -> None:
    """Put the propagated error into the nodes of these steps."""
    units = {name: each.unit for step in steps for name, each in step.values.items() if each.unit is not None}
    actual = runs.of(units)
    for step in steps:
        for name, each in step.values.items():
            if name in actual and each.unit is not None:
                error = noise.units(actual[name], each.value, each.unit)
                nodes[step.place] = measured(nodes[step.place], propagated=error)


class _Runs:
    """ONNX Runtime's own runs of the whole model: as it is, and with taps and all optimisations off."""

    def __init__(self, model: Any, inputs: Mapping[str, Array]) -> None:
        self.model = model
        self.inputs = inputs
        self.trouble = ""
        self.outputs: dict[str, Any] = {}
        self.with_taps: dict[str, tuple[Any, Array]] = {}
        self.scales: dict[str, float] = {}
        try:
            self.outputs = self._run(model, None, optimised=True)
        except Exception as error:
            self.trouble = f"ONNX Runtime does not run the file: {short(error)}"

    def _run(self, model: Any, names: Sequence[str] | None, *, optimised: bool) -> dict[str, Any]:
        session = session_of(model.SerializeToString(), optimised=optimised)
        wanted = list(names) if names is not None else [item.name for item in session.get_outputs()]
        accepted = {item.name for item in session.get_inputs()}
        feeds = {name: value for name, value in self.inputs.items() if name in accepted}
        return dict(zip(wanted, session.run(wanted, feeds), strict=True))

    def of(self, units: Mapping[str, Array]) -> dict[str, Any]:
        """The values of these tensors, given with their noise units: outputs as ONNX Runtime gives them, others from
        taps."""
        if not units:
            return {}
        try:
            values = self._run(tapped(self.model, list(units)), list(units), optimised=False)
        except Exception as error:
            self.trouble = self.trouble or f"taps cannot be set: {short(error)}"
            values = {}
        ends = {item.name for item in self.model.graph.output}
        self.with_taps |= {name: (value, units[name]) for name, value in values.items() if name in ends}
        self.scales |= {name: float(np.max(units[name], initial=0.0)) for name in values}
        return {**values, **{name: self.outputs[name] for name in units if name in self.outputs}}

    def fused(self) -> Fused | None:
        """What an optimisation breaks, found without taps; None if none changes an output."""
        with suppress(Exception):  # ONNX Runtime raises several kinds
            return next(
                (found for name in self._disturbed() if (found := fused(self.model, self.inputs, name, self.scales))),
                None,
            )
        return None

    def notes(self) -> Iterator[str]:
        """What is to be told: no run, or taps that change the outputs."""
        if self.trouble:
            yield self.trouble
        for name, apart in self._disturbed().items():
            if name in self.outputs:
                yield (
                    f"with taps and without optimisations the output {name!r} is another, by {apart:.3g} noise units: "
                    "an optimisation of ONNX Runtime is at fault"
                )

    def _disturbed(self) -> dict[str, float]:
        """The outputs that taps change, or bring about, and by how many noise units."""
        apart = {}
        for name, (value, unit) in self.with_taps.items():
            given = self.outputs.get(name)
            if given is None:
                apart[name] = float("inf")
            elif {np.shape(value), given.shape} == {unit.shape} and given.dtype.kind in "fiub":
                apart[name] = noise.units(given, value.astype(np.float64), unit)
        return {name: error for name, error in apart.items() if not error <= FAULT}


def element_types(model: Any) -> dict[str, int]:
    """The element type of each tensor, as far as ONNX infers it."""
    import onnx

    typed = model
    with suppress(Exception):  # a file that ONNX cannot infer, or of more than 2 GiB
        typed = onnx.shape_inference.infer_shapes(model)
    graph = typed.graph
    known = {item.name: item.type.tensor_type.elem_type for item in (*graph.input, *graph.output, *graph.value_info)}
    return known | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _attributes(node: Any) -> dict[str, str]:
    """Short texts of a node's attributes."""
    import onnx

    texts = {}
    for attribute in node.attribute:
        if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            texts[attribute.name] = "a graph"
            continue
        if attribute.type == onnx.AttributeProto.TENSOR:
            value = onnx.numpy_helper.to_array(attribute.t)
            texts[attribute.name] = str(value.tolist())[:80] if value.size <= 16 else f"{value.dtype} {value.shape}"
            continue
        value = onnx.helper.get_attribute_value(attribute)
        texts[attribute.name] = (value.decode(errors="replace") if isinstance(value, bytes) else str(value))[:80]
    return texts
