"""Deliver a network of MATLAB as PyTorch or ONNX and compare it with a reference (`parity convert`, `parity check`).

The reference is the documentation of the layers, which the oracle computes in this process, or the activations that
MATLAB computed, if the file holds some. Workers read the file and run PyTorch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.judge.compare import Comparison, compare, worst
from harness.matlab.layers.inputs import STATISTICS
from harness.matlab.layouts import RANKS, TO_MATLAB, from_matlab
from harness.matlab.readers.toolbox import Network, RecordedSample
from harness.models.bounds import (
    FEW,
    SIZES,
    Cost,
    Plan,
    Probe,
    Shapes,
    Sizes,
    TooLarge,
    affordable_runs,
    cost_of,
    declared_sizes,
    plan_given,
    runs_for,
)
from harness.models.bounds import plan as plan_of
from harness.models.experiment import Experiment, experiment, on_given
from harness.models.given import Given
from harness.models.reference import ConversionError, golden_of, times
from harness.models.sensitivity import sensitivity
from harness.models.stimuli import drawn
from harness.oracle import part
from harness.outcomes import Outcome
from harness.patterns import few
from harness.spec import Array, Exactness, Golden, Input, Spec, source_of
from harness.workers.pool import WorkerFailure, Workers
from harness.workers.protocol import Call, Failure

LIMIT = 900.0
"""Seconds that writing or running a network may take."""
PROBED = 64
"""Steps of a sequence at which the shapes of a sample's tensors are worked out: PyTorch takes them one by one."""
REFERENCE = "the documented semantics of the layers"


@dataclass(frozen=True)
class Delivered:
    """Files of a conversion, and the comparison of their outputs with a reference; None if they were not judged.

    `judged` says on which samples, and what they can tell, or why not. `hidden` are layers of which no compared tensor
    tells anything: they are not judged.
    """

    paths: tuple[Path, ...]
    comparison: Comparison | None
    reference: str
    judged: str
    hidden: tuple[str, ...] = ()


class Watch:
    """What a conversion says while it runs; this one says nothing."""

    def written(self, paths: Sequence[Path]) -> None:
        """The files are written."""

    def begins(self, plan: Plan) -> None:
        """Judging begins."""

    def goes_on(self) -> None:
        """One of the plan's runs, with the exact one `runs + 1`, is over."""

    def ends(self) -> None:
        """Judging is over."""


@dataclass(frozen=True)
class LayerCheck:
    """One layer of our PyTorch against its reference, and the largest error over the reference's largest magnitude."""

    layer: str
    kind: str
    comparison: Comparison
    relative: float


def deliver(
    network: Network,
    target: str,
    folder: Path,
    workers: Workers,
    *,
    title: str = "",
    watch: Watch | None = None,
    given: Given | None = None,
) -> Delivered:
    """Write the files, then run them on given or drawn inputs and judge, within the bounds of `harness.models.bounds`.

    Raises ConversionError before anything is written if the network cannot be computed.
    """
    watch = watch or Watch()
    plan = _plan(network.spec, network.weights, workers, given)
    network = replace(network, card=replace(network.card, title=title))
    paths = _write(workers, target, network, folder)
    watch.written(paths)
    if isinstance(plan, TooLarge):
        return Delivered(paths, None, REFERENCE, f"not judged: too large: {plan}")
    watch.begins(plan)
    try:
        judged = _judged(plan, network, _Target(target, folder, workers), watch, given)
    except MemoryError:
        return Delivered(paths, None, REFERENCE, f"not judged: {plan} did not fit into the memory of this machine")
    finally:
        watch.ends()
    reference = f"{REFERENCE} that the layout declares" if network.dialect == "declared" else REFERENCE
    how = f", {given}" if given is not None else ", a smaller size than the declared one" * plan.smaller
    on = f"{plan}{how}{judged.said}"
    return Delivered(paths, judged.comparison, reference, on, judged.hidden)


def _plan(spec: Spec, weights: Mapping[str, Array], workers: Workers, given: Given | None) -> Plan | TooLarge:
    """How to judge. Raises ConversionError with the first layer that cannot be computed."""
    if given is not None:
        cost = _cost_of(spec, weights, given.arrays, workers)
        sizes = tuple(given.arrays[item.name].shape for item in spec.inputs)
        if cost is not None:
            return plan_given(spec, sizes, cost)
        golden_of(spec, weights, given.arrays, runs=0)
        return Plan(sizes, runs_for(spec), Cost(0.0, 0))
    chosen = plan_of(spec, weights, _probe(spec, weights, workers))
    if chosen is None:  # whose fault that is, the oracle knows
        sizes = declared_sizes(spec, 2, SIZES[0])
        golden_of(spec, weights, drawn(spec, weights, sizes), runs=0)
        return Plan(sizes, runs_for(spec), Cost(0.0, 0))
    return chosen


def _probe(spec: Spec, weights: Mapping[str, Array], workers: Workers) -> Probe:
    """The shapes of the program's tensors; None also where PyTorch refuses the program."""

    def probe(sizes: Sequence[Sizes]) -> Sequence[Shapes | None]:
        plain = [[list(shape) for shape in one] for one in sizes]
        try:
            return list(_call(workers, "torch", "shapes", spec, dict(weights), plain))
        except ConversionError:
            return [None] * len(sizes)

    return probe


@dataclass(frozen=True)
class _Target:
    """The files of a conversion: what they are written for, their folder, and who runs them."""

    name: str
    folder: Path
    workers: Workers


@dataclass(frozen=True)
class _Judged:
    """A comparison, its sensitivity in words, and the hidden layers."""

    comparison: Comparison
    said: str = ""
    hidden: tuple[str, ...] = ()


def _judged(plan: Plan, network: Network, target: _Target, watch: Watch, given: Given | None) -> _Judged:
    """The comparison of the delivered files or, at a smaller size, of files written for that size.

    A layer that the outputs hide is compared at the layer's own output.
    """
    workers, folder = target.workers, target.folder
    with tempfile.TemporaryDirectory(prefix="parity-smaller-") as scratch:
        if plan.smaller:
            network, folder = resized(network, plan.sizes), Path(scratch)
            _write(workers, target.name, network, folder)
        spec, weights = network.spec, network.weights
        if given is not None:
            this = on_given(spec, weights, given.arrays, runs=plan.runs, most=plan.changed, after=watch.goes_on)
        else:
            this = experiment(spec, weights, plan.sizes, runs=plan.runs, most=plan.changed, after=watch.goes_on)
        try:
            outputs = [_outputs(workers, target.name, folder, stimulus.inputs) for stimulus in this.stimuli]
        except ConversionError as error:
            return _Judged(Comparison(Outcome.INVALID, f"the files were written and do not run: {error}"))
    comparisons = [compare(stimulus.golden, values) for stimulus, values in zip(this.stimuli, outputs, strict=True)]
    comparison = worst(comparisons)
    if comparison.outcome in (Outcome.DRIFT, Outcome.DIVERGENT, Outcome.MALFORMED):
        inputs = this.stimuli[comparisons.index(comparison)].inputs
        more = _first_deviation(network, inputs, workers, plan.runs)
        comparison = replace(comparison, message=comparison.message + more)
    if this.sensitivity.hidden and comparison.outcome.passes:
        return _inside(this, comparison, network, target, plan.runs)
    return _Judged(comparison, f"; {this}", this.sensitivity.hidden)


def _inside(this: Experiment, comparison: Comparison, network: Network, target: _Target, runs: int) -> _Judged:
    """The worst comparison of the outputs and of each hidden layer's own output."""
    hidden, inputs = this.sensitivity.hidden, this.stimuli[0].inputs
    wide = replace(network.spec, outputs=hidden)
    golden = golden_of(wide, network.weights, inputs, runs=min(runs, FEW))
    checks = _by_layer(wide, network.weights, inputs, golden, target.workers, target=target.name)
    located = [
        replace(check.comparison, message=f"layer {check.layer!r} ({check.kind}): {check.comparison.message}")
        for check in checks
    ]
    left = sensitivity(wide, network.weights, inputs, golden, only=hidden).hidden
    seen = [name for name in hidden if name not in left]
    said = f"; {this}" + f"; {few(seen)} compared one by one" * bool(seen)
    return _Judged(worst([comparison, *located]), said, left)


def resized(network: Network, sizes: Sizes) -> Network:
    """The network for inputs of these sizes: statistics of the size of an input are cut to their first rows and
    columns. The other weights of a network that runs at this size do not depend on it."""
    spec, weights = network.spec, network.weights
    shapes = {item.name: shape[1:] for item, shape in zip(spec.inputs, sizes, strict=True)}
    inputs = tuple(
        replace(item, shape=tuple(None if n is None else m for n, m in zip(item.shape, shapes[item.name], strict=True)))
        for item in spec.inputs
    )
    cut = dict(weights)
    for layer in spec.layers:
        for name, value in part(weights, layer.name).items():
            shape = shapes.get(layer.inputs[0], ())
            if name in STATISTICS and value.ndim == len(shape) > 1:  # spatial axes, then channels
                cut[f"{layer.name}/{name}"] = value[tuple(slice(n) for n in shape[1:])]
    return replace(network, spec=replace(spec, inputs=inputs), weights=cut)


def _first_deviation(network: Network, inputs: Mapping[str, Array], workers: Workers, runs: int) -> str:
    """Name the first layer at which the PyTorch program deviates, as the end of a message."""
    weights = network.weights
    wide = replace(network.spec, outputs=tuple(layer.name for layer in network.spec.layers))
    try:
        golden = golden_of(wide, weights, inputs, runs=min(runs, FEW))
        checks = _by_layer(wide, weights, inputs, golden, workers)
    except ConversionError:
        return ""
    first = next((check for check in checks if not check.comparison.outcome.passes), None)
    return "" if first is None else f"; the first layer that deviates is {first.layer!r} ({first.kind})"


def check_sample(
    spec: Spec, weights: Mapping[str, Array], sample: RecordedSample, workers: Workers
) -> list[LayerCheck]:
    """Our PyTorch against MATLAB's activations, layer by layer, in the network's order. Raises ConversionError."""
    if len(sample.inputs) != len(spec.inputs):
        raise ConversionError(
            "the sample does not fit the network",
            expected=f"{len(spec.inputs)} inputs",
            came=f"{len(sample.inputs)}",
            advice="Export the network again, with one input for each input layer.",
        )
    inputs = {
        item.name: _sample_input(item, array, form)
        for item, array, form in zip(spec.inputs, sample.inputs, sample.formats, strict=True)
    }
    names = [layer.name for layer in spec.layers if layer.name in sample.activations]
    if not names:
        raise ConversionError(
            "the sample has no activations of layers of this network",
            expected="names of its layers",
            came=", ".join(sample.activations) or "none",
        )
    wide = replace(spec, outputs=tuple(names))
    runs = _runs_for_sample(spec, weights, inputs, workers)
    golden = golden_of(wide, weights, inputs, runs=runs)
    truth, misfits = {}, {}
    for name in names:
        value = np.asarray(sample.activations[name], dtype=np.float64)
        shaped = _shaped(value, golden.expected[name])
        if shaped is None:
            ours = [golden.expected[name].shape[axis] for axis in TO_MATLAB[golden.expected[name].ndim]]
            misfits[name] = f"the file's activation is {list(value.shape)}; expected {ours} in MATLAB's layout"
        truth[name] = golden.expected[name] if shaped is None else shaped
    return [
        replace(check, comparison=Comparison(Outcome.MALFORMED, misfits[check.layer]), relative=np.inf)
        if check.layer in misfits
        else check
        for check in _by_layer(wide, weights, inputs, replace(golden, expected=truth), workers)
    ]


def _runs_for_sample(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], workers: Workers) -> int:
    """Noisy runs that a sample of this size affords."""
    cost = _cost_of(spec, weights, inputs, workers)
    return FEW if cost is None else affordable_runs(spec, cost)


def _cost_of(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], workers: Workers) -> Cost | None:
    """The cost of computing the network on these inputs; None if PyTorch does not run it.

    Sequences are probed at a part of their length, step by step as PyTorch does, and their cost grows with it.
    """
    whole = [inputs[item.name].shape for item in spec.inputs]
    part_of = [(n, min(rest[0], PROBED), *rest[1:]) if len(rest) == 2 else (n, *rest) for n, *rest in whole]
    (shapes,) = _probe(spec, weights, workers)([tuple(part_of)])
    if shapes is None:
        return None
    cost = cost_of(spec, weights, shapes)
    longer = max(full[1] / cut[1] if len(full) == 3 else 1.0 for full, cut in zip(whole, part_of, strict=True))
    return Cost(cost.exact * longer, int(cost.memory * longer))


def not_compared(spec: Spec, sample: RecordedSample) -> list[str]:
    """Activations that `check_sample` does not compare: pooling's indices and sizes, and layers not in the network."""
    known = {layer.name for layer in spec.layers}
    return [name for name in sample.activations if name not in known]


def _by_layer(
    wide: Spec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    golden: Golden,
    workers: Workers,
    *,
    target: str = "torch",
) -> list[LayerCheck]:
    """What we write for a target against a golden that has the output of each layer; each layer is judged alone."""
    with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
        _write(workers, target, Network("", wide, weights), Path(folder))
        outputs = _outputs(workers, target, Path(folder), inputs)
    kinds = {layer.name: layer.kind for layer in wide.layers}
    checks = []
    for name, value in zip(wide.outputs, outputs, strict=True):
        truth = golden.expected[name]
        one = Golden({name: truth}, {name: golden.noise[name]}, Exactness.COMPUTES, channel_axis=1)
        peak = float(np.abs(truth).max(initial=0.0)) or 1.0
        worst = float(np.abs(value - truth).max(initial=0.0)) if value.shape == truth.shape else np.inf
        checks.append(LayerCheck(name, kinds[source_of(name)], compare(one, [value]), worst / peak))
    return checks


def _sample_input(item: Input, array: Array, form: str) -> Array:
    """An input of a sample in our layout."""
    expected = times(("N", *("T" if n is None else n for n in item.shape)))
    came = f"{list(array.shape)} of format {form!r}"
    if form not in RANKS or array.ndim > RANKS[form]:
        raise ConversionError(
            "the size or the format does not fit",
            where=f"the sample's input for {item.name}",
            expected=f"{expected} in one of the formats {', '.join(RANKS)}",
            came=came,
        )
    value = from_matlab(array, form).astype(item.dtype)
    shape = value.shape[1:]
    fits = len(shape) == len(item.shape) and all(n in (None, m) for n, m in zip(item.shape, shape, strict=True))
    if not fits:
        raise ConversionError(
            "the size does not fit",
            where=f"the sample's input for {item.name}",
            expected=expected,
            came=f"{times(value.shape)}, from {came}",
        )
    return value


def _shaped(value: Array, like: Array) -> Array | None:
    """MATLAB's activation in our layout; None where it does not fit. MATLAB drops only dimensions of size 1."""
    forms = {2: "CB", 3: "CBT", 4: "SSCB", 5: "SSSCB"}
    if value.size == like.size:
        if like.ndim == 2 and value.ndim > 2:  # a fully connected layer of a DAGNetwork leaves 1 x 1 x C x N
            return value.reshape(-1, like.shape[0], order="F").T
        shape = [like.shape[axis] for axis in TO_MATLAB[like.ndim]]
        if value.ndim <= like.ndim and list(value.shape) == shape[: value.ndim]:
            return from_matlab(value, forms[like.ndim])
        if like.ndim == 3 and like.shape[0] == 1:  # one sequence, C x T
            return from_matlab(value.reshape(value.shape[0], 1, -1), "CBT")
    return None


def _write(workers: Workers, target: str, network: Network, folder: Path) -> tuple[Path, ...]:
    """Write the files of a target and return their paths. Raises ConversionError."""
    plain = network.card.to_json()
    return tuple(
        map(Path, _call(workers, "torch", "deliver", target, network.spec, dict(network.weights), folder, plain))
    )


def _outputs(workers: Workers, target: str, folder: Path, inputs: Mapping[str, Array]) -> list[Array]:
    name = "onnxruntime" if target == "onnx" else "torch"
    return list(_call(workers, name, "outputs", target, folder, dict(inputs)))


def _call(workers: Workers, worker: str, function: str, *arguments: Any) -> Any:
    """Call a function of `harness.models.deliver` in a worker. Raises ConversionError."""
    try:
        answer = workers[worker].request(Call(f"harness.models.deliver:{function}", arguments), LIMIT)
    except WorkerFailure as failure:
        raise ConversionError(f"{failure} {failure.log[-300:]}".strip()) from None
    if isinstance(answer.value, Failure):
        raise ConversionError(answer.value.sentence[:1000])
    return answer.value
