"""From a `.mat` file to a delivered network and the comparison of it: what `parity convert` and `parity check` do.

Reading and PyTorch each happen in a process of their own; this one computes what the layers' documentation says
(the oracle) and compares. Where the file holds activations that MATLAB computed, those are the truth instead.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.draw.inputs import LAWS
from harness.errors import InputError
from harness.judge.compare import Comparison, compare
from harness.matlab.layouts import RANKS, TO_MATLAB, from_matlab
from harness.matlab.readers.toolbox import RecordedSample
from harness.oracle import evaluate, part, walk
from harness.oracle.noise import RUNS, measure
from harness.outcomes import Outcome
from harness.spec import Array, Exactness, Golden, Input, Spec, source_of
from harness.workers.pool import WorkerFailure, Workers
from harness.workers.protocol import Call, Failure

LIMIT = 900.0
"""Seconds that writing or running a network may take."""
MANY = 40
"""Layers from which the noise is measured with fewer runs: each walks the whole network in double precision."""
PACKAGES = {"torch": "torch", "onnx": "onnxruntime"}


class ConversionError(InputError):
    """A network that was read and cannot be delivered: says why."""


@dataclass(frozen=True)
class Delivered:
    """Files of a conversion, and the comparison of what they compute with a reference."""

    paths: tuple[Path, ...]
    comparison: Comparison
    reference: str
    """What the outputs were compared with."""


@dataclass(frozen=True)
class LayerCheck:
    """One layer of a sample: how our PyTorch compares, and the largest error relative to MATLAB's largest value."""

    layer: str
    kind: str
    comparison: Comparison
    relative: float


def deliver(
    spec: Spec, weights: Mapping[str, Array], target: str, folder: Path, workers: Workers, *, title: str = ""
) -> Delivered:
    """Write the files, run them on drawn inputs and judge. Raises ConversionError, and then nothing is written."""
    source = np.random.Generator(np.random.PCG64(0))
    inputs = {item.name: _drawn(item, spec, weights, source) for item in spec.inputs}
    golden = golden_of(spec, weights, inputs)
    paths = _call(workers, "torch", "deliver", target, spec, dict(weights), folder, title)
    try:
        comparison = compare(golden, _outputs(workers, target, folder, inputs))
    except ConversionError as error:
        comparison = Comparison(Outcome.INVALID, f"the files were written and do not run: {error}")
    if comparison.outcome in (Outcome.DIVERGENT, Outcome.MALFORMED):
        comparison = replace(comparison, message=comparison.message + _first_deviation(spec, weights, inputs, workers))
    return Delivered(tuple(Path(path) for path in paths), comparison, "the documented semantics of the layers")


def golden_of(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Golden:
    """What the network should give, by the oracle, with the noise of float32. Raises ConversionError."""
    try:
        expected = evaluate(spec, weights, inputs)
    except Exception as error:  # what NumPy raises where sizes do not fit is of no one kind
        raise ConversionError(_what_fails(spec, weights, inputs, error)) from None
    runs = RUNS if len(spec.layers) < MANY else 4
    return Golden(expected, measure(spec, weights, inputs, expected, runs=runs), Exactness.COMPUTES, channel_axis=1)


def _what_fails(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], error: Exception) -> str:
    """Names the layer that cannot be computed, and what it gets: the first with which the layers so far fail."""

    def so_far(count: int) -> Spec:
        return replace(spec, layers=spec.layers[:count], outputs=(spec.layers[count - 1].name,))

    def fails(count: int) -> bool:
        try:
            evaluate(so_far(count), weights, inputs)
        except Exception:
            return True
        return False

    counts = range(1, len(spec.layers) + 1)
    at = bisect_left(counts, True, key=fails)
    if at == len(counts):
        return f"the network cannot be computed: {type(error).__name__}: {error}"
    layer = spec.layers[at]
    made = walk(so_far(at), weights, inputs) if at else inputs
    given = ", ".join(" x ".join(map(str, np.shape(made[name]))) for name in layer.inputs if name in made)
    held = ", ".join(f"{key} {' x '.join(map(str, value.shape))}" for key, value in part(weights, layer.owner).items())
    return (
        f"layer {layer.name!r} ({layer.kind}) cannot be computed: its input is {given}, its weights are "
        f"{held or 'none'}; expected sizes that fit ({type(error).__name__}: {error})"
    )


def _first_deviation(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], workers: Workers) -> str:
    """Where the PyTorch program first leaves the documented semantics, as the end of a message."""
    wide = replace(spec, outputs=tuple(layer.name for layer in spec.layers))
    try:
        golden = golden_of(wide, weights, inputs)
        found = _by_layer(wide, weights, inputs, golden, workers)
    except ConversionError:
        return ""
    first = next((one for one in found if not one.comparison.outcome.passes), None)
    return "" if first is None else f"; the first layer that deviates is {first.layer!r} ({first.kind})"


def _drawn(item: Input, spec: Spec, weights: Mapping[str, Array], source: np.random.Generator) -> Array:
    """Two samples; a statistic of the input layer, where there is one, says where the data lie."""
    shape = (2, *(5 if n is None else n for n in item.shape))
    if item.dtype != "float32":
        words = [value.shape[1] for name, value in weights.items() if name.endswith("/Weights")]
        return source.integers(0, max(words, default=2) + 1, shape).astype(item.dtype)
    readers = [layer.name for layer in spec.layers if item.name in layer.inputs]
    means = [weights[f"{name}/Mean"] for name in readers if f"{name}/Mean" in weights]
    spread = float(np.abs(means[0]).max()) if means and means[0].size else 0.0
    values = LAWS["main"](shape, source)
    return (spread + values * max(1.0, spread / 3)).astype(np.float32)


def check_sample(
    spec: Spec, weights: Mapping[str, Array], sample: RecordedSample, workers: Workers
) -> list[LayerCheck]:
    """Our PyTorch against MATLAB's own activations, layer by layer, in the network's order. Raises ConversionError."""
    if len(sample.inputs) != len(spec.inputs):
        raise ConversionError(f"the sample has {len(sample.inputs)} inputs, the network {len(spec.inputs)}")
    given = {
        item.name: _given(item, array, form)
        for item, array, form in zip(spec.inputs, sample.inputs, sample.formats, strict=True)
    }
    held = [layer.name for layer in spec.layers if layer.name in sample.activations]
    if not held:
        raise ConversionError("the sample has no activations of layers of this network")
    wide = replace(spec, outputs=tuple(held))
    golden = golden_of(wide, weights, given)
    truth, misfits = {}, {}
    for name in held:
        value = np.asarray(sample.activations[name], dtype=np.float64)
        shaped = _shaped(value, golden.expected[name])
        if shaped is None:
            ours = [golden.expected[name].shape[axis] for axis in TO_MATLAB[golden.expected[name].ndim]]
            misfits[name] = f"the file's activation is {list(value.shape)}; expected {ours} in MATLAB's layout"
        truth[name] = golden.expected[name] if shaped is None else shaped
    return [
        replace(found, comparison=Comparison(Outcome.MALFORMED, misfits[found.layer]), relative=np.inf)
        if found.layer in misfits
        else found
        for found in _by_layer(wide, weights, given, replace(golden, expected=truth), workers)
    ]


def not_compared(spec: Spec, sample: RecordedSample) -> list[str]:
    """Activations of a sample that `check_sample` leaves out: indices and sizes of pooling, layers left out."""
    known = {layer.name for layer in spec.layers}
    return [name for name in sample.activations if name not in known]


def _by_layer(
    wide: Spec, weights: Mapping[str, Array], given: Mapping[str, Array], golden: Golden, workers: Workers
) -> list[LayerCheck]:
    """Our PyTorch against a golden of many layers, each judged alone."""
    with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
        _call(workers, "torch", "deliver", "torch", wide, dict(weights), Path(folder), "")
        got = _outputs(workers, "torch", Path(folder), given)
    kinds = {layer.name: layer.kind for layer in wide.layers}
    found = []
    for name, value in zip(wide.outputs, got, strict=True):
        truth = golden.expected[name]
        one = Golden({name: truth}, {name: golden.noise[name]}, Exactness.COMPUTES, channel_axis=1)
        peak = float(np.abs(truth).max(initial=0.0)) or 1.0
        worst = float(np.abs(value - truth).max(initial=0.0)) if value.shape == truth.shape else np.inf
        found.append(LayerCheck(name, kinds[source_of(name)], compare(one, [value]), worst / peak))
    return found


def _given(item: Input, array: Array, form: str) -> Array:
    """An input of a sample in our layout."""
    wanted = " x ".join(("N", *("T" if n is None else str(n) for n in item.shape)))
    if form not in RANKS or array.ndim > RANKS[form]:
        raise ConversionError(
            f"the sample's input for {item.name} is {list(array.shape)} of format {form!r}; "
            f"expected {wanted} in one of the formats {', '.join(RANKS)}"
        )
    value = from_matlab(array, form).astype(item.dtype)
    shape = value.shape[1:]
    fits = len(shape) == len(item.shape) and all(n in (None, m) for n, m in zip(item.shape, shape, strict=True))
    if not fits:
        raise ConversionError(
            f"the sample's input for {item.name} is {list(array.shape)} of format {form!r}, here "
            f"{' x '.join(map(str, value.shape))}; expected {wanted}"
        )
    return value


def _shaped(value: Array, like: Array) -> Array | None:
    """MATLAB's activation in our layout, None where it does not fit: dropped dimensions are those of size 1."""
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


def _outputs(workers: Workers, target: str, folder: Path, inputs: Mapping[str, Array]) -> list[Array]:
    name = "onnxruntime" if target == "onnx" else "torch"
    return list(_call(workers, name, "outputs", target, folder, dict(inputs)))


def _call(workers: Workers, worker: str, function: str, *arguments: Any) -> Any:
    """What a function of `harness.models.deliver` returns in a worker. Raises ConversionError."""
    try:
        answer = workers[worker].request(Call(f"harness.models.deliver:{function}", arguments), LIMIT)
    except WorkerFailure as failure:
        raise ConversionError(f"{failure} {failure.log[-300:]}".strip()) from None
    if isinstance(answer.value, Failure):
        raise ConversionError(answer.value.sentence[:1000])
    return answer.value
