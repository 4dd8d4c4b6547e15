"""From a `.mat` file to a delivered network and the verdict on it: what `parity convert` and `parity check` do.

Reading and PyTorch each happen in a process of their own; this one computes what the layers' documentation says
(the oracle) and compares. Where the file holds activations that MATLAB computed, those are the truth instead.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.compare import Verdict, compare
from harness.draw.inputs import LAWS
from harness.matlab.layouts import from_matlab
from harness.matlab.toolbox import Sample
from harness.oracle import evaluate
from harness.oracle.noise import RUNS, measure
from harness.spec import Array, Golden, Input, Spec, source_of
from harness.wire import pack_all, unpack
from harness.workers import WorkerFailure, Workers

LIMIT = 900.0
"""Seconds that writing or running a network may take."""
MANY = 40
"""Layers from which the noise is measured with fewer runs: each walks the whole network in double precision."""
PACKAGES = {"torch": "torch", "onnx": "onnxruntime"}


class ConversionError(ValueError):
    """A network that was read and cannot be delivered: says why."""


@dataclass(frozen=True)
class Delivered:
    """Files of a conversion, and the verdict on what they compute."""

    paths: tuple[Path, ...]
    verdict: Verdict
    reference: str
    """What the outputs were compared with."""


@dataclass(frozen=True)
class LayerCheck:
    """One layer of a sample: the verdict on our PyTorch and the largest error relative to MATLAB's largest value."""

    layer: str
    kind: str
    verdict: Verdict
    relative: float


def deliver(
    spec: Spec, weights: Mapping[str, Array], target: str, folder: Path, workers: Workers, *, title: str = ""
) -> Delivered:
    """Write the files, run them on drawn inputs and judge. Raises ConversionError."""
    source = np.random.Generator(np.random.PCG64(0))
    inputs = {item.name: _drawn(item, spec, weights, source) for item in spec.inputs}
    golden = golden_of(spec, weights, inputs)
    paths = _call(workers, "torch", "deliver", target, spec.to_json(), pack_all(weights), str(folder), title)
    verdict = compare(golden, _outputs(workers, target, folder, inputs))
    return Delivered(tuple(Path(path) for path in paths), verdict, "the documented semantics of the layers")


def golden_of(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> Golden:
    """What the network should give, by the oracle, with the noise of float32."""
    expected = evaluate(spec, weights, inputs)
    runs = RUNS if len(spec.layers) < MANY else 4
    return Golden(expected, measure(spec, weights, inputs, expected, runs=runs), "computes", channel_axis=1)


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


def check_sample(spec: Spec, weights: Mapping[str, Array], sample: Sample, workers: Workers) -> list[LayerCheck]:
    """Our PyTorch against MATLAB's own activations, layer by layer, in the network's order. Raises ConversionError."""
    activations = sample.activations
    if len(sample.inputs) != len(spec.inputs):
        raise ConversionError(f"the sample has {len(sample.inputs)} inputs, the network {len(spec.inputs)}")
    given = {
        item.name: from_matlab(array, form).astype(item.dtype)
        for item, array, form in zip(spec.inputs, sample.inputs, sample.formats, strict=True)
    }
    held = [layer.name for layer in spec.layers if layer.name in activations]
    if not held:
        raise ConversionError("the sample has no activations of layers of this network")
    wide = replace(spec, outputs=tuple(held))
    golden = golden_of(wide, weights, given)
    expected = {name: np.asarray(activations[name], dtype=np.float64) for name in held}
    truth = {name: _shaped(value, golden.expected[name], name) for name, value in expected.items()}
    with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
        _call(workers, "torch", "deliver", "torch", wide.to_json(), pack_all(weights), folder, "")
        got = _outputs(workers, "torch", Path(folder), given)
    kinds = {layer.name: layer.kind for layer in spec.layers}
    found = []
    for name, value in zip(held, got, strict=True):
        one = Golden({name: truth[name]}, {name: golden.noise[name]}, "computes", channel_axis=1)
        peak = float(np.abs(truth[name]).max(initial=0.0)) or 1.0
        worst = float(np.abs(value - truth[name]).max(initial=0.0)) if value.shape == truth[name].shape else np.inf
        found.append(LayerCheck(name, kinds[source_of(name)], compare(one, [value]), worst / peak))
    return found


def _shaped(value: Array, like: Array, name: str) -> Array:
    """MATLAB's activation in our layout: dropped dimensions are those of size 1."""
    forms = {2: "CB", 3: "CBT", 4: "SSCB", 5: "SSSCB"}
    if value.size == like.size:
        if like.ndim == 2 and value.ndim > 2:  # a fully connected layer of a DAGNetwork leaves 1 x 1 x C x N
            return value.reshape(-1, like.shape[0], order="F").T
        shape = [like.shape[axis] for axis in _matlab_axes(like.ndim)]
        if value.ndim <= like.ndim and list(value.shape) == shape[: value.ndim]:
            return from_matlab(value, forms[like.ndim])
        if like.ndim == 3 and like.shape[0] == 1:  # one sequence, C x T
            return from_matlab(value.reshape(value.shape[0], 1, -1), "CBT")
    raise ConversionError(f"layer {name!r}: MATLAB's activation is {list(value.shape)}, ours {list(like.shape)}")


def _matlab_axes(rank: int) -> tuple[int, ...]:
    from harness.matlab.layouts import TO_MATLAB

    return TO_MATLAB[rank]


def _outputs(workers: Workers, target: str, folder: Path, inputs: Mapping[str, Array]) -> list[Array]:
    name = "onnxruntime" if target == "onnx" else "torch"
    return [unpack(value) for value in _call(workers, name, "outputs", target, str(folder), pack_all(inputs))]


def _call(workers: Workers, worker: str, function: str, *arguments: Any) -> Any:
    request = {"op": "call", "function": f"harness.matlab.deliver:{function}", "arguments": list(arguments)}
    try:
        answer = workers[worker].request(request, LIMIT)
    except WorkerFailure as failure:
        raise ConversionError(f"{failure} {failure.log[-300:]}".strip()) from None
    if not answer["ok"]:
        raise ConversionError(f"{answer['error']}: {answer['message']}"[:1000])
    return answer["value"]
