"""Two files that claim to be one network: a network of MATLAB and another model, or activations (`check --against`).

The documented semantics of the `.mat`'s layers, computed in double precision, are the reference, and the noise of
float32 the unit, as in every other check. An ONNX file is compared at every node that has the name of a layer, and at
its outputs; a Keras or torch model at its outputs; a `.mat` of activations at each layer that it names. If the outputs
differ, the same files are tried with one thing changed (`trials`): an exporter that subtracts the mean twice, channels
in another order. What makes them equal is the answer. Otherwise the tensors inside the other model, whatever their
names, show the layers in which the two part.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.judge.compare import Comparison, compare
from harness.matlab.matfile.read import read_mat
from harness.matlab.readers.toolbox import Network, RecordedSample
from harness.models import conversion, predict
from harness.models.axes import common, laid_out, turn
from harness.models.bounds import Sizes
from harness.models.conversion import LayerCheck
from harness.models.deliver import without_normalization
from harness.models.experiment import Stimulus, experiment, on_given, part_of
from harness.models.given import Given
from harness.models.layers_apart import by_layer, first_apart, identifier, of_layers
from harness.models.reference import ConversionError, golden_of
from harness.models.sensitivity import Sensitivity, sensitivity
from harness.outcomes import Outcome
from harness.patterns import few
from harness.spec import Array, Golden
from harness.workers.pool import WorkerFailure, Workers
from harness.workers.protocol import Call, Failure

LIMIT = 900.0
"""Seconds that one run of the other model may take."""
RUNS = 4
"""Noisy runs of the reference."""
MOST = 4
"""Normalising nodes of an ONNX file that are left out in all combinations."""
Inputs = Sequence[Array]
Tensors = Mapping[str, Array]


@dataclass(frozen=True)
class Pair:
    """Whether two files are one network. `layers` has a check for each layer with a counterpart, `unmatched` names the
    others; `equal_if` says what has to be changed to make the outputs equal, empty if nothing that was tried does.
    `sensitivity` says which layers the compared tensors hide. `notes` are liberties taken with the other file."""

    comparison: Comparison
    layers: tuple[LayerCheck, ...]
    unmatched: tuple[str, ...]
    equal_if: str = ""
    sensitivity: Sensitivity | None = None
    notes: tuple[str, ...] = ()

    @property
    def hidden(self) -> tuple[str, ...]:
        """Layers of which no compared tensor tells anything."""
        return () if self.sensitivity is None else self.sensitivity.hidden

    @property
    def apart(self) -> tuple[str, ...]:
        """Layers whose own tensors do not agree."""
        return tuple(check.layer for check in self.layers if not check.comparison.outcome.passes)


@dataclass(frozen=True)
class Trial:
    """One thing changed: in words, and how to run the other model then."""

    words: str
    run: Callable[[], Sequence[Array]]


def check_pair(
    network: Network, other: Path, workers: Workers, *, trust: bool = False, given: Given | None = None
) -> Pair:
    """The pair on given or drawn inputs; a `.mat` of activations holds its own.

    Raises ConversionError where the files cannot be compared, PredictionError where the other one cannot run.
    """
    if other.suffix.lower() == ".mat":
        return _against_activations(network, other, workers)
    with tempfile.TemporaryDirectory(prefix="parity-pair-") as folder:
        model = _Onnx(other, workers, Path(folder)) if other.suffix.lower() == ".onnx" else _Whole(other, trust)
        return _against_model(network, model, given)


def _against_model(network: Network, model: _Onnx | _Whole, given: Given | None) -> Pair:
    """The pair on what is given, or on inputs on which the compared tensors hide no layer, as far as such are found."""
    sizes = model.sizes(network)
    names = [layer.name for layer in network.spec.layers]
    wide = replace(network.spec, outputs=tuple(dict.fromkeys((*names, *network.spec.outputs))))
    compared = network.spec.outputs
    if given is not None:
        model.check(given.arrays)
        this = on_given(wide, network.weights, given.arrays, runs=RUNS, compared=compared, channels=True)
    else:
        this = experiment(wide, network.weights, sizes, runs=RUNS, compared=compared, channels=True)
    pairs = [_on(stimulus, network, model) for stimulus in this.stimuli]
    pair = max(pairs, key=lambda each: each.comparison.rank)
    layers = [
        max(checks, key=lambda each: each.comparison.rank) for checks in zip(*(p.layers for p in pairs), strict=True)
    ]
    felt = this.sensitivity
    if felt.hidden and all(check.comparison.outcome.passes for check in layers):  # else they vouch for nothing
        seen = tuple(dict.fromkeys((*network.spec.outputs, *(check.layer for check in layers))))
        stimulus = this.stimuli[0]
        golden = part_of(stimulus.golden, seen)
        felt = replace(
            felt,
            hidden=sensitivity(wide, network.weights, stimulus.inputs, golden, only=felt.hidden, channels=True).hidden,
        )
    equal_if = "" if pair.comparison.outcome.passes or felt.hidden else _equal_if(network, this.stimuli, model)
    if not pair.comparison.outcome.passes and not equal_if:
        worst = this.stimuli[pairs.index(pair)]
        layers += _without_names(network, worst, model, [check.layer for check in layers])
    places = {name: place for place, name in enumerate(names)}
    layers.sort(key=lambda check: places[check.layer])
    unmatched = tuple(name for name in pair.unmatched if name not in {check.layer for check in layers})
    return replace(
        pair, layers=tuple(layers), unmatched=unmatched, sensitivity=felt, notes=model.notes, equal_if=equal_if
    )


def _on(stimulus: Stimulus, network: Network, model: _Onnx | _Whole) -> Pair:
    """The pair on the inputs of one stimulus."""
    outputs, tensors = model.run(_arrays(network, stimulus))
    comparison = _compared(part_of(stimulus.golden, network.spec.outputs), outputs)
    if model.normalizing:
        readers = (layer.name for layer in network.spec.layers if layer.inputs[0] == network.spec.inputs[0].name)
        tensors = {next(readers): tensors[model.normalizing[-1]], **tensors}
    layers, unmatched = by_layer(network, stimulus.golden, of_layers(network, tensors, model.depths))
    return Pair(comparison, tuple(layers), tuple(unmatched))


def _without_names(
    network: Network, stimulus: Stimulus, model: _Onnx | _Whole, known: Sequence[str]
) -> list[LayerCheck]:
    """The layers in which the networks part, as far as the file has no tensor of their names."""
    within = model.within(_arrays(network, stimulus))
    if not within:
        return []
    found = first_apart(network, stimulus.golden, [*stimulus.inputs.values(), *within])
    return [check for check in found if check.layer not in known]


def _arrays(network: Network, stimulus: Stimulus) -> list[Array]:
    """The inputs in the network's order."""
    return [stimulus.inputs[item.name] for item in network.spec.inputs]


def _compared(golden: Golden, outputs: Sequence[Array]) -> Comparison:
    """Outputs of another framework, turned to our order of axes where theirs is another one."""
    if len(outputs) != len(golden.expected):
        wanted, came = len(golden.expected), len(outputs)
        return Comparison(Outcome.MALFORMED, f"expected {wanted} outputs, the other model has {came}")
    turned = [
        turn(np.asarray(value, np.float32), expected.shape)
        for value, expected in zip(outputs, golden.expected.values(), strict=True)
    ]
    return compare(golden, turned)


def _equal_if(network: Network, stimuli: Sequence[Stimulus], model: _Onnx | _Whole) -> str:
    """The first single change that makes the outputs equal, on all stimuli: on one of them, the outputs may hide a
    layer. Empty if none of the changes that are tried does."""
    goldens = [part_of(stimulus.golden, network.spec.outputs) for stimulus in stimuli]
    for same_trials in zip(*(trials(model, _arrays(network, stimulus)) for stimulus in stimuli), strict=True):
        try:
            compared = [_compared(golden, trial.run()) for golden, trial in zip(goldens, same_trials, strict=True)]
        except (ConversionError, predict.PredictionError):  # a change that does not fit this model
            continue
        if all(each.outcome.passes for each in compared):
            return same_trials[0].words
    return _bare(network, model, _arrays(network, stimuli[0]))


def trials(model: _Onnx | _Whole, inputs: Inputs) -> Iterator[Trial]:
    """Changes of the other model, and of its input, from the simplest one."""
    for count in range(1, len(model.normalizing) + 1):
        for names in combinations(model.normalizing[:MOST], count):
            plural = "s" * (count > 1)
            words = f"without node{plural} {' and '.join(names)} of the other file"
            yield Trial(words, lambda names=names: model.run(inputs, names)[0])  # type: ignore[misc]
    for words, change in CHANGES.items():
        changed = [change(value) for value in inputs]
        if all(a.shape == b.shape for a, b in zip(changed, inputs, strict=True)):
            yield Trial(words, lambda changed=changed: model.run(changed)[0])  # type: ignore[misc]


CHANGES: Mapping[str, Callable[[Array], Array]] = {
    "with the channels of the other model's input reversed (RGB against BGR)": lambda x: (
        np.ascontiguousarray(x[:, ::-1]) if x.ndim > 3 else x
    ),
    "with height and width of the other model's input exchanged": lambda x: (
        np.ascontiguousarray(np.swapaxes(x, 2, 3)) if x.ndim > 3 else x
    ),
    "with the other model's input divided by 255": lambda x: x / np.float32(255),
    "with the other model's input multiplied by 255": lambda x: x * np.float32(255),
}


def _bare(network: Network, model: _Onnx | _Whole, inputs: Inputs) -> str:
    """Whether the other model equals the network without the normalisation of its input layers, on inputs on which the
    outputs of that network hide no layer."""
    normalizing = [layer.name for layer in network.spec.layers if "Normalization" in layer.config]
    if not normalizing:
        return ""
    spec, weights = without_normalization(network.spec, network.weights)
    named = {item.name: value for item, value in zip(spec.inputs, inputs, strict=True)}
    golden = golden_of(spec, weights, named, runs=RUNS)
    if sensitivity(spec, weights, named, golden).hidden:
        return ""
    for names in ((), *([tuple(model.normalizing)] if model.normalizing else [])):
        if _compared(golden, model.run(inputs, names)[0]).outcome.passes:
            more = f" and without node {' and '.join(names)} of the other file" * bool(names)
            return f"without the normalisation of layer {' and '.join(normalizing)} of the .mat{more}"
    return ""


class _Onnx:
    """An ONNX file: every node can be seen, and normalising nodes can be left out."""

    def __init__(self, path: Path, workers: Workers, folder: Path) -> None:
        self.path, self.workers = path.absolute(), workers
        mended = folder.absolute() / path.name
        flattened = self._call("flattened", mended)
        self.notes: tuple[str, ...] = ()
        if flattened:
            self.path = mended
            self.notes = (
                f"the other file has Gemm nodes on more axes than the two that ONNX allows ({few(flattened)}): "
                "what they read is flattened, as old exporters mean it",
            )
        seen = self._call("facts")
        self.inputs = [(str(name), tuple(shape)) for name, shape in seen["inputs"]]
        self.outputs: list[str] = list(seen["outputs"])
        self.normalizing: tuple[str, ...] = tuple(seen["normalizing"])
        self.depths: Mapping[str, int] = seen["depths"]

    def _call(self, function: str, *arguments: Any) -> Any:
        try:
            request = Call(f"harness.models.onnx_graph:{function}", (self.path, *arguments))
            answer = self.workers["onnxruntime"].request(request, LIMIT)
        except WorkerFailure as failure:
            raise ConversionError(f"{failure} {failure.log[-300:]}".strip(), where=self.path) from None
        if isinstance(answer.value, Failure):
            raise ConversionError(f"cannot be run: {answer.value.sentence[:500]}", where=self.path)
        return answer.value

    def sizes(self, network: Network) -> Sizes:
        """Sizes of the network's inputs that the file takes too. Raises ConversionError where there are none."""
        items = network.spec.inputs
        if len(items) != len(self.inputs):
            came = f"{len(self.inputs)} in {self.path}"
            raise ConversionError("the numbers of inputs differ", expected=f"{len(items)}", came=came)
        return tuple(_size(item.shape, shape, name) for item, (name, shape) in zip(items, self.inputs, strict=True))

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Raise ConversionError for inputs that the file does not take, such as more samples than one."""
        for (name, shape), value in zip(self.inputs, arrays.values(), strict=True):
            laid = laid_out(value, shape).shape
            if len(laid) != len(shape) or any(n not in (None, m) for n, m in zip(shape, laid, strict=True)):
                raise ConversionError(
                    "it does not take inputs of the size that was given",
                    where=f"{self.path}, input {name!r}",
                    expected=f"{['?' if n is None else n for n in shape]}",
                    came=f"{list(value.shape)}",
                    advice="Files of MATLAB's exporter may take one sample only: give as many as the file takes.",
                )

    def run(self, inputs: Inputs, without: Sequence[str] = ()) -> tuple[list[Array], Tensors]:
        """Outputs in the file's order, and every tensor by name."""
        named = {name: laid_out(value, shape) for (name, shape), value in zip(self.inputs, inputs, strict=True)}
        tensors = self._call("tensors", named, list(without), True)
        return [tensors[name] for name in self.outputs], tensors

    def within(self, inputs: Inputs) -> list[Array]:
        """Every tensor."""
        return list(self.run(inputs)[1].values())


class _Whole:
    """A Keras or torch model: the tensors inside have no names."""

    normalizing: tuple[str, ...] = ()
    depths: Mapping[str, int] = MappingProxyType({})
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, trust: bool) -> None:
        self.path, self.trust = path, trust
        self.runtime = predict.plugin_for(path)

    def check(self, arrays: Mapping[str, Array]) -> None:
        """Nothing: what the model takes is not known before it runs."""

    def sizes(self, network: Network) -> Sizes:
        """One sample of the declared size, 16 for sizes that are open."""
        return tuple((1, *(16 if n is None else n for n in item.shape)) for item in network.spec.inputs)

    def run(self, inputs: Inputs, without: Sequence[str] = ()) -> tuple[list[Array], Tensors]:
        """Outputs in the model's order; Keras has channels last."""
        with Workers((self.runtime,)) as workers:
            return predict.predict(self.path, self._arrays(inputs), workers, trust=self.trust), {}

    def within(self, inputs: Inputs) -> list[Array]:
        """Every tensor that the model makes, as far as its framework tells."""
        with Workers((self.runtime,)) as workers:
            return predict.tensors_within(self.path, self._arrays(inputs), workers, trust=self.trust)

    def _arrays(self, inputs: Inputs) -> dict[str, Array]:
        torch = self.path.suffix.lower() in (*predict.PICKLES, *predict.PROGRAMS)
        return {
            f"x{k}": np.moveaxis(value, 1, -1) if value.ndim > 3 and not torch else value
            for k, value in enumerate(inputs, start=1)
        }


def _size(ours: Sequence[int | None], theirs: Sequence[int | None], name: str) -> tuple[int, ...]:
    """The size of an input that both files take. Raises ConversionError where there is none."""
    size = common(ours, theirs)
    if size is None:
        raise ConversionError(
            "the sizes of the inputs differ: these are not one network",
            where=f"input {name!r} of the other file",
            expected=f"{['N', *('?' if n is None else n for n in ours)]}",
            came=f"{['?' if n is None else n for n in theirs]}",
        )
    return size


def _against_activations(network: Network, path: Path, workers: Workers) -> Pair:
    """A `.mat` with the variable `x` (or the input layer's name) and activations under the names of layers."""
    variables = read_mat(path)
    layers = {identifier(layer.name): layer.name for layer in network.spec.layers}
    inputs = []
    for item in network.spec.inputs:
        reader = next((layer.name for layer in network.spec.layers if item.name in layer.inputs), item.name)
        names = (item.name, "x", "X", "input", identifier(reader))
        name = next((name for name in names if isinstance(variables.get(name), np.ndarray)), None)
        if name is None:
            raise ConversionError(
                "the input is absent",
                where=path,
                expected=f"a variable {' or '.join(names[:2])} with what MATLAB fed to layer {reader!r}",
                came=", ".join(variables) or "no variables",
                advice="Save it beside the activations: save('-v7', file, 'x', 'conv1', ...).",
            )
        inputs.append(variables.pop(name))
    formats = tuple({1: "CB", 2: "CBT", 3: "SSCB", 4: "SSSCB"}[len(item.shape)] for item in network.spec.inputs)
    named = {
        layers.get(identifier(name), name): value
        for name, value in variables.items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    sample = RecordedSample(tuple(inputs), formats, named)
    checks = conversion.check_sample(network.spec, network.weights, sample, workers)
    seen = {check.layer for check in checks}
    worst = max(checks, key=lambda one: one.comparison.rank)
    message = f"layer {worst.layer!r} ({worst.kind}): {worst.comparison.message}"
    unmatched = [layer.name for layer in network.spec.layers if layer.name not in seen]
    return Pair(replace(worst.comparison, message=message), tuple(checks), tuple(unmatched))
