"""What the layers of a network of MATLAB must give by their documentation, and which layer cannot be computed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from harness.errors import InputError
from harness.matlab.layers import kind_of
from harness.oracle import evaluate, part, walk
from harness.oracle.noise import measure
from harness.spec import Array, Exactness, Golden, Input, Layer, Spec


class ConversionError(InputError):
    """A network that was read and cannot be delivered."""


def golden_of(
    spec: Spec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    *,
    runs: int,
    after: Callable[[], None] = lambda: None,
) -> Golden:
    """The network's outputs by the oracle, with the noise of float32. Raises ConversionError, MemoryError."""
    try:
        expected = evaluate(spec, weights, inputs)
    except MemoryError:
        raise
    except Exception as error:  # NumPy raises several kinds where sizes do not fit
        raise _failing_layer(spec, weights, inputs, error) from None
    after()
    noise = measure(spec, weights, inputs, expected, runs=runs, after=after) if runs else {}
    return Golden(expected, noise, Exactness.COMPUTES, channel_axis=1)


def _failing_layer(
    spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], error: Exception
) -> ConversionError:
    """The error that names the first layer that cannot be computed, and the sizes of its inputs and weights."""

    def first(count: int) -> Spec:
        """The network of the first `count` layers."""
        return replace(spec, layers=spec.layers[:count], outputs=(spec.layers[count - 1].name,))

    def fails(count: int) -> bool:
        return not _computes(first(count), weights, inputs)

    cause = f"{type(error).__name__}: {error}"
    counts = range(1, len(spec.layers) + 1)
    at = bisect_left(counts, True, key=fails)
    if at == len(counts):
        return ConversionError(f"the network cannot be computed: {cause}")
    layer = spec.layers[at]
    tensors = walk(first(at), weights, inputs) if at else inputs
    read = ", ".join(times(np.shape(tensors[name])) for name in layer.inputs if name in tensors)
    arrays = ", ".join(f"{key} {times(value.shape)}" for key, value in part(weights, layer.owner).items())
    given = {name: tensors[name] for name in layer.inputs if name in tensors}
    return ConversionError(
        f"cannot be computed ({cause})",
        where=f"layer {layer.name!r} ({layer.kind})",
        expected="sizes that fit each other",
        came=f"an input of {read}, and the weights {arrays or 'none'}",
        advice=_other_axes(spec, layer, part(weights, layer.owner), given),
    )


def _other_axes(spec: Spec, layer: Layer, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> str:
    """The advice for a layer that could be computed with two axes of its weights exchanged; empty for others."""
    axes = kind_of(spec, layer).axes
    if any(":" in name for name in layer.inputs):
        return ""
    if "Bias" in weights and not weights["Bias"].any():  # as long as the outputs seemed to be
        weights = {**weights, "Bias": np.zeros(1)}
    sources = tuple(Input(name, np.shape(value)[1:]) for name, value in inputs.items())
    alone = Spec(spec.dialect, sources, (replace(layer, of=""),), (layer.name,))
    for name, value in weights.items():
        way = next((each for each in axes.get(name, ()) if len(each) == value.ndim), "")
        for first, second in combinations(range(len(way)), 2):
            turned = {**weights, name: np.swapaxes(value, first, second)}
            if _computes(alone, {f"{layer.name}/{key}": each for key, each in turned.items()}, inputs):
                return (
                    f"{name} would fit with its axes {way[first]} and {way[second]} exchanged: "
                    "if a layout declares it, see its 'axes'."
                )
    return ""


def _computes(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> bool:
    try:
        evaluate(spec, weights, inputs)
    except Exception:  # NumPy raises several kinds where sizes do not fit
        return False
    return True


def times(shape: Sequence[object]) -> str:
    """Sizes in words: `3 x 28 x 28`."""
    return " x ".join(map(str, shape))
