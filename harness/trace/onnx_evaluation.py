"""The meaning of an ONNX file: its nodes one after the other in float64, with the noise unit of each value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.spec import Array
from harness.trace import noise
from harness.trace.names import layers_of_nodes, named_layers
from harness.trace.onnx_nodes import ACROSS, Reference, inputs_of
from harness.trace.trace import FAULT, unique

NOT_ROUNDED = {"Resize": (1, 2), "Upsample": (1,), "Range": (0, 1, 2), "Pad": (2,), "OneHot": (1, 2), "Dropout": (1,)}
"""Float inputs, by number, that are no data but parameters, as scales of sizes are."""
MOVES = {"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
"""Operators that only move the values of their first input."""
SIZES = {"Shape", "Size"}
"""Operators that give sizes of their input."""
Values = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What the node at a place gets and gives, by tensor.

    `apart` is the error of the file's meaning, in noise units, where a layer ends; None elsewhere. `fault` says why
    there are no values.
    """

    place: int
    feeds: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, noise.Measured] = field(default_factory=dict)
    apart: float | None = None
    fault: str = ""


class Evaluation:
    """Evaluates a model on these inputs. Values are dropped after their last use.

    `truth` are the outputs of layers by their names, `outputs` those of the model: where a tensor ought to be one of
    them, this is the reference, and the nodes behind go on from it.
    """

    def __init__(
        self,
        model: Any,
        inputs: Mapping[str, Array],
        truth: Mapping[str, Sequence[Array]] | None = None,
        outputs: Sequence[Array] = (),
        layers: Collection[str] = (),
    ) -> None:
        self.model = model
        self.truth = truth or {}
        self.ids = unique(node.name or next(filter(None, node.output), node.op_type) for node in model.graph.node)
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        parts = model.graph.node, self.ids, self.constants, layers or self.truth
        self.layers = layers_of_nodes(*parts)
        """The layer of each node. Those of nodes without a name of their own may change while `steps` go on."""
        self._guessed = [not name for name in named_layers(*parts)]
        self._guesses = tuple(self.layers)
        self._handed: dict[str, str] = {}
        self._source = np.random.Generator(np.random.PCG64(0))
        self._exact: Values = {name: _wide(value) for name, value in inputs.items()}
        self._runs: list[Values] = [
            {name: noise.perturbed(value, self._source) for name, value in self._exact.items()}
            for _ in range(noise.RUNS)
        ]
        self._last = {name: place for place, node in enumerate(model.graph.node) for name in inputs_of(node)}
        self._missing: set[str] = set()
        self._anchors = self._ends(outputs)
        self.compared: dict[str, float] = {}
        """The largest error of each layer of which an output was compared with the truth so far, in noise units."""

    def _ends(self, outputs: Sequence[Array]) -> dict[str, tuple[Array, ...]]:
        """What a tensor ought to be, by name: an output of the model, or one of a layer that the tensor alone leaves.

        A tensor that others of its layer are made of, as a shape or a state, is none of its outputs, unless they are
        the same values in another order of axes; nor is one that only sizes of the inputs decide, as a first state.
        """
        graph = self.model.graph
        nodes = list(zip(self.layers, graph.node, strict=True))
        makers = {name: (layer, node) for layer, node in nodes for name in node.output}
        leaving: dict[str, dict[str, set[str]]] = {}
        data = _made_of_data(graph)
        for layer, node in nodes:
            for name in inputs_of(node):
                owner = makers[name][0] if name in makers else layer
                if owner != layer and name in data:
                    leaving.setdefault(owner, {}).setdefault(name, set()).add(layer)
        for item in graph.output:
            if item.name in makers:
                leaving.setdefault(makers[item.name][0], {}).setdefault(item.name, set())
        ends: dict[str, tuple[Array, ...]] = {}
        order = {layer: place for place, layer in enumerate(self.truth)}
        for layer, names in leaving.items():
            if layer in self.truth:
                roots = {name: _root(name, layer, makers) for name in names}
                last = set(roots.values()) - {name for root in roots.values() for name in _made_of(root, layer, makers)}
                # what a layer only moves, and one before it reads, is no end: another node computes both layers
                early = {
                    name
                    for name, readers in names.items()
                    if makers.get(roots[name], ("",))[0] != layer
                    and any(order.get(reader, -1) < order[layer] for reader in readers)
                }
                if len(last) <= len(self.truth[layer]):
                    here = {name for name, root in roots.items() if root in last} - early
                    ends |= dict.fromkeys(here, tuple(self.truth[layer]))
        self._anchored_layers = {makers[name][0] for name in ends}
        return ends | {item.name: (each,) for item, each in zip(graph.output, outputs, strict=False)}

    def steps(self) -> Iterator[Step]:
        """Evaluate the nodes in their order. What a step holds may be looked at until the next one is asked for."""
        for place, node in enumerate(self.model.graph.node):
            yield self._step(place, node)
            for name in (*inputs_of(node), *node.output):
                if self._last.get(name, place) == place:
                    for values in (self._exact, *self._runs):
                        values.pop(name, None)

    def value(self, name: str) -> Any:
        """The value of a tensor that some node still needs, or of a constant, in float64. Raises KeyError."""
        return self._in(self._exact, name)

    def _in(self, run: Values, name: str) -> Any:
        import onnx

        return run[name] if name in run else _wide(onnx.numpy_helper.to_array(self.constants[name]))

    def _step(self, place: int, node: Any) -> Step:
        names = inputs_of(node)
        if lacking := next((name for name in names if name not in self._exact and name not in self.constants), None):
            self._missing |= set(node.output) - {""}
            reason = "is not measured" if lacking in self._missing else "cannot run: no node makes it"
            return Step(place, fault=f"what depends on {lacking!r} {reason}")
        feeds = {name: self.value(name) for name in names}
        try:
            reference = Reference(self.model, node)
            exact = reference(feeds)
        except Exception as error:
            self._missing |= set(node.output) - {""}
            return Step(place, feeds, fault=f"no reference for {node.op_type} ({self.ids[place]}): {short(error)}")
        noisy = [
            self._evaluated(reference, {name: self._rounded(node, name, run) for name in names}) for run in self._runs
        ]
        fixed = {node.input[at] for at in NOT_ROUNDED.get(node.op_type, ()) if at < len(node.input)}
        alone = [
            self._evaluated(
                reference,
                {
                    name: value if name in fixed else noise.perturbed(value, self._source)
                    for name, value in feeds.items()
                },
            )
            for _ in range(noise.RUNS)
        ]
        values, worst = {}, None
        for name, evaluated in exact.items():
            value, apart = self._anchored(place, name, evaluated, [run[name] for run in alone if name in run])
            worst = apart if worst is None else max(worst, apart or 0.0)
            for run, results in zip(self._runs, noisy, strict=True):
                run[name] = noise.beside(value, results.get(name, evaluated), evaluated)
                if np.shape(run[name]) != np.shape(value):
                    run[name] = noise.perturbed(value, self._source)
            self._exact[name] = value
            values[name] = noise.Measured(
                value,
                self._unit(value, [run[name] for run in self._runs]),
                self._unit(value, [noise.beside(value, run[name], evaluated) for run in alone if name in run]),
            )
        return Step(place, feeds, values, worst)

    @staticmethod
    def _unit(value: Any, runs: Sequence[Any]) -> Array | None:
        return noise.unit_of(value, runs, ACROSS) if isinstance(value, np.ndarray) else None

    def _rounded(self, node: Any, name: str, run: Values) -> Any:
        """A value of a perturbed run; a constant with one rounding of each element, unless it is a parameter."""
        value = self._in(run, name)
        if name in run or any(
            name == node.input[at] for at in NOT_ROUNDED.get(node.op_type, ()) if at < len(node.input)
        ):
            return value
        return noise.perturbed(value, self._source)

    def _evaluated(self, reference: Reference, feeds: Mapping[str, Any]) -> Values:
        """The outputs on these values, rounded once more; none if the evaluator does not take them."""
        try:
            return {name: noise.perturbed(value, self._source) for name, value in reference(feeds).items()}
        except Exception:
            return {}

    def _anchored(self, place: int, name: str, value: Any, runs: Sequence[Any]) -> tuple[Any, float | None]:
        """The truth at the end of a layer, and the error of the file's meaning there; else the value, and None."""
        if name not in self._anchors or not noise.is_float(value):
            return value, None
        if not any(noise.laid_out(wanted, value) is not None for wanted in self._anchors[name]):
            if self._hand_on(place, name):
                return value, None
        elif name in self._handed:
            self._keep(place, self._handed[name])

        def apart(other: Array) -> float:
            return noise.units(
                value, other, noise.unit_of(other, [noise.beside(other, run, value) for run in runs], ACROSS)
            )

        true = [each for wanted in self._anchors[name] if (each := noise.laid_out(wanted, value)) is not None]
        best = min(true, key=apart, default=None)
        error = float("inf") if best is None else apart(best)
        if best is not None and error <= FAULT:
            self._note(self.layers[place], error)
            return best, error
        # a converter may have made one node of two layers, under the name of the first
        merged = [
            (layer, fitting)
            for layer, other in self._merged(self.layers[place])
            if (fitting := noise.laid_out(other, value)) is not None
        ]
        layer, nearest = min(merged, key=lambda each: apart(each[1]), default=("", None))
        if nearest is not None and apart(nearest) <= FAULT:
            self._note(layer, apart(nearest))
            self._note(self.layers[place], apart(nearest))
            return nearest, None
        if best is not None:
            if nearest is not None and apart(nearest) < error:
                best, error = nearest, apart(nearest)
                if value.ndim > 1 and any(
                    apart(noise.channels_scaled(nearest, value, axis)) <= FAULT for axis in (1, -1)
                ):
                    self.layers[place] = layer  # a scale and a shift of each channel are what a normalisation does
            self._note(self.layers[place], error)
            return best, error
        if any(each.size == value.size for _, each in self._merged(self.layers[place])):
            return value, None
        shaped = [each for wanted in self._anchors[name] for each in noise.reshaped(wanted, value)]
        best = min(shaped, key=apart, default=None)
        if best is None:
            return noise.likest(self._anchors[name], value), error
        error = apart(best)
        if error > FAULT >= apart(noise.in_the_order_of(best, value)):
            return value, None  # the same numbers, in an order that nobody knows
        self._note(self.layers[place], error)
        return best, error

    def _hand_on(self, place: int, name: str) -> bool:
        """Whether another tensor may be the output of this tensor's layer: one behind it that nodes without a name of
        their own make. Such nodes are then of this layer, up to the first tensor of a fitting size."""
        layer = self.layers[place]
        if name in self._handed:
            return any(place < at for at in self._handed_places(layer))
        behind, met = [], {name}
        for at, node in enumerate(self.model.graph.node):
            if self._guessed[at] and not met.isdisjoint(inputs_of(node)) and node.op_type not in SIZES:
                behind.append(at)
                met |= set(node.output)
        for at in behind:
            self.layers[at] = layer
            self._handed |= dict.fromkeys(self.model.graph.node[at].output, layer)
            self._anchors |= dict.fromkeys(self.model.graph.node[at].output, self._anchors[name])
        return bool(behind)

    def _handed_places(self, layer: str) -> list[int]:
        """The nodes that were handed to a layer."""
        nodes = enumerate(self.model.graph.node)
        return [at for at, node in nodes if any(self._handed.get(name) == layer for name in node.output)]

    def _keep(self, place: int, layer: str) -> None:
        """End a layer at this node: those behind it that were handed to the layer are not judged by it."""
        for at in self._handed_places(layer):
            if at > place:
                self.layers[at] = self._guesses[at]
                for name in self.model.graph.node[at].output:
                    del self._handed[name], self._anchors[name]

    def _note(self, layer: str, error: float) -> None:
        self.compared[layer] = max(error, self.compared.get(layer, 0.0))

    def _merged(self, layer: str) -> list[tuple[str, Array]]:
        """The layers behind a layer that end nowhere in the graph, each with each of its outputs."""
        order = list(self.truth)
        behind = order[order.index(layer) + 1 :] if layer in self.truth else order
        ending_nowhere = (other for other in behind if other not in self._anchored_layers)
        return [(other, each) for other in ending_nowhere for each in self.truth[other]]


def _made_of_data(graph: Any) -> set[str]:
    """The tensors that values of the inputs decide, not their sizes alone."""
    met = {item.name for item in graph.input}
    for node in graph.node:
        if node.op_type not in SIZES and not met.isdisjoint(inputs_of(node)):
            met |= set(node.output)
    return met


def _root(name: str, layer: str, makers: Mapping[str, tuple[str, Any]]) -> str:
    """The tensor whose values a layer moves to this one; it may come from another layer."""
    while name in makers and makers[name][0] == layer and makers[name][1].op_type in MOVES:
        name = makers[name][1].input[0]
    return name


def _made_of(end: str, layer: str, makers: Mapping[str, tuple[str, Any]]) -> set[str]:
    """The tensors of a layer that a tensor of it is made of."""
    met: set[str] = set()
    waiting = [end]
    while waiting:
        owner, node = makers.get(waiting.pop(), ("", None))
        new = set() if node is None or owner != layer else set(inputs_of(node)) - met
        met |= new
        waiting += new
    return met - {end}


def _wide(value: Array) -> Array:
    return value.astype(np.float64) if value.dtype.kind == "f" else value


def short(error: Exception) -> str:
    """Class and beginning of the message of an exception."""
    return f"{type(error).__name__}: {str(error)[:120]}"
