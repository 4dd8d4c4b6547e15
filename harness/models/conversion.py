"""Deliver a network of MATLAB as PyTorch or ONNX and compare it with a reference (`parity convert`, `parity check`).

The reference is the documentation of the layers, which the oracle computes in this process, or the activations that
MATLAB computed, if the file holds some. Workers read the file and run PyTorch.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Mapping, Sequence
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
"""Layers from which fewer runs measure the noise: each run computes the whole network in double precision."""
PACKAGES = {"torch": "torch", "onnx": "onnxruntime"}


class ConversionError(InputError):
    """A network that was read and cannot be delivered."""


@dataclass(frozen=True)
class Delivered:
    """Files of a conversion, and the comparison of their outputs with a reference."""

    paths: tuple[Path, ...]
    comparison: Comparison
    reference: str


@dataclass(frozen=True)
class LayerCheck:
    """One layer of our PyTorch against its reference, and the largest error over the reference's largest magnitude."""

    layer: str
    kind: str
    comparison: Comparison
    relative: float


def deliver(
    spec: Spec, weights: Mapping[str, Array], target: str, folder: Path, workers: Workers, *, title: str = ""
) -> Delivered:
    """Write the files, run them on drawn inputs and judge. Raises ConversionError before anything is written."""
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
    """The network's outputs by the oracle, with the noise of float32. Raises ConversionError."""
    try:
        expected = evaluate(spec, weights, inputs)
    except Exception as error:  # NumPy raises several kinds where sizes do not fit
        raise _failing_layer(spec, weights, inputs, error) from None
    runs = RUNS if len(spec.layers) < MANY else 4
    return Golden(expected, measure(spec, weights, inputs, expected, runs=runs), Exactness.COMPUTES, channel_axis=1)


def _failing_layer(
    spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], error: Exception
) -> ConversionError:
    """The error that names the first layer that cannot be computed, and the sizes of its inputs and weights."""

    def first(count: int) -> Spec:
        """The network of the first `count` layers."""
        return replace(spec, layers=spec.layers[:count], outputs=(spec.layers[count - 1].name,))

    def fails(count: int) -> bool:
        try:
            evaluate(first(count), weights, inputs)
        except Exception:
            return True
        return False

    cause = f"{type(error).__name__}: {error}"
    counts = range(1, len(spec.layers) + 1)
    at = bisect_left(counts, True, key=fails)
    if at == len(counts):
        return ConversionError(f"the network cannot be computed: {cause}")
    layer = spec.layers[at]
    tensors = walk(first(at), weights, inputs) if at else inputs
    read = ", ".join(_times(np.shape(tensors[name])) for name in layer.inputs if name in tensors)
    arrays = ", ".join(f"{key} {_times(value.shape)}" for key, value in part(weights, layer.owner).items())
    return ConversionError(
        f"cannot be computed ({cause})",
        where=f"layer {layer.name!r} ({layer.kind})",
        expected="sizes that fit each other",
        came=f"an input of {read}, and the weights {arrays or 'none'}",
    )


def _times(shape: Sequence[object]) -> str:
    return " x ".join(map(str, shape))


def _first_deviation(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], workers: Workers) -> str:
    """Name the first layer at which the PyTorch program deviates, as the end of a message."""
    wide = replace(spec, outputs=tuple(layer.name for layer in spec.layers))
    try:
        golden = golden_of(wide, weights, inputs)
        checks = _by_layer(wide, weights, inputs, golden, workers)
    except ConversionError:
        return ""
    first = next((check for check in checks if not check.comparison.outcome.passes), None)
    return "" if first is None else f"; the first layer that deviates is {first.layer!r} ({first.kind})"


def _drawn(item: Input, spec: Spec, weights: Mapping[str, Array], source: np.random.Generator) -> Array:
    """Two drawn samples, around the mean of the input layer if it has one; 5 for open sizes, indices for words."""
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
    golden = golden_of(wide, weights, inputs)
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


def not_compared(spec: Spec, sample: RecordedSample) -> list[str]:
    """Activations that `check_sample` does not compare: pooling's indices and sizes, and layers not in the network."""
    known = {layer.name for layer in spec.layers}
    return [name for name in sample.activations if name not in known]


def _by_layer(
    wide: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], golden: Golden, workers: Workers
) -> list[LayerCheck]:
    """Our PyTorch against a golden that has the output of each layer; each layer is judged alone."""
    with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
        _call(workers, "torch", "deliver", "torch", wide, dict(weights), Path(folder), "")
        outputs = _outputs(workers, "torch", Path(folder), inputs)
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
    expected = _times(("N", *("T" if n is None else n for n in item.shape)))
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
            came=f"{_times(value.shape)}, from {came}",
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
