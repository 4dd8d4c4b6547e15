"""Convolutions: https://keras.io/api/layers/convolution_layers/.

Everything is one N-D correlation, `y[o, f] = sum over a, c of x[o * s + a * d - before, c] * kernel[a, c, f]`,
with `s` the strides, `d` the dilation rate and zeros outside the input.

`same` is TensorFlow's rule, https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2: the output has
`ceil(n / s)` elements, the total padding is what the last window lacks, and if it is odd, the larger half is after the
data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.activation import activate
from harness.oracle.keras.core import adapted
from harness.spec import Array, Config

Pads = Sequence[tuple[int, int]]


def per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One integer for each of `rank` axes, from one per axis or one for all."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def extent(kernel: int, dilation: int) -> int:
    """Number of input elements from the first to the last of a window: `(kernel - 1) * dilation + 1`."""
    return (kernel - 1) * dilation + 1


def pads(mode: str, size: int, window: int, stride: int) -> tuple[int, int]:
    """Padding (before, after) of one axis of `size` under windows that span `window` elements.

    `causal` pads `window - 1` before, so that output `t` sees no input later than `t`
    (https://keras.io/api/layers/convolution_layers/convolution1d/).
    """
    if mode == "valid":
        return 0, 0
    if mode == "causal":
        return window - 1, 0
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def channels_last(config: Config, x: Array) -> Array:
    """`x` with its channels moved from the axis of the layer's `data_format` to the last axis."""
    return np.moveaxis(x, 1, -1) if config.get("data_format") == "channels_first" else x


def as_configured(config: Config, y: Array) -> Array:
    """`y` with its channels moved from the last axis to that of the layer's `data_format`."""
    return np.moveaxis(y, -1, 1) if config.get("data_format") == "channels_first" else y


def padded(x: Array, around: Pads, value: float = 0.0) -> Array:
    """`x` (batch, spatial..., channels) with `value` around its spatial axes."""
    return np.pad(x, [(0, 0), *around, (0, 0)], constant_values=value)


def windows(x: Array, size: Sequence[int], strides: Sequence[int], dilation: Sequence[int]) -> Array:
    """All complete windows of `x` (batch, spatial..., channels) as (batch, outputs..., channels, prod(size))."""
    spans = [n - extent(k, d) + 1 for n, k, d in zip(x.shape[1:-1], size, dilation, strict=True)]
    taps = []
    for offset in product(*(range(k) for k in size)):
        starts = [a * d for a, d in zip(offset, dilation, strict=True)]
        cut = (slice(first, first + n, s) for first, n, s in zip(starts, spans, strides, strict=True))
        taps.append(x[(slice(None), *cut)])
    return np.stack(taps, axis=-1)


def correlate(x: Array, kernel: Array, *, strides: Sequence[int], dilation: Sequence[int], groups: int = 1) -> Array:
    """Correlation without padding: `x` (batch, spatial..., in), `kernel` (size..., in / groups, out).

    Input channels and filters are split into `groups` runs; the k-th run of filters sees the k-th run of channels.
    """
    size = kernel.shape[:-2]
    seen = windows(x, size, strides, dilation)
    taps = np.moveaxis(kernel.reshape(prod(size), *kernel.shape[-2:]), 0, 1)
    depth, filters = kernel.shape[-2], kernel.shape[-1] // groups
    parts = []
    for g in range(groups):
        terms = seen[..., g * depth : (g + 1) * depth, :]
        factors = taps[..., g * filters : (g + 1) * filters]
        flat = terms.reshape(*terms.shape[:-2], depth * prod(size))
        parts.append(np.matmul(flat, factors.reshape(depth * prod(size), filters)))
    return np.concatenate(parts, axis=-1)


def convolve(config: Config, x: Array, kernel: Array, *, groups: int = 1) -> Array:
    """Correlation with the strides, dilation rate and padding of the configuration; channels come last."""
    size = kernel.shape[:-2]
    strides = per_axis(config.get("strides", 1), len(size))
    dilation = per_axis(config.get("dilation_rate", 1), len(size))
    mode = config.get("padding", "valid")
    spans = [extent(k, d) for k, d in zip(size, dilation, strict=True)]
    around = [pads(mode, n, w, s) for n, w, s in zip(x.shape[1:-1], spans, strides, strict=True)]
    return correlate(padded(x, around), kernel, strides=strides, dilation=dilation, groups=groups)


def finish(config: Config, weights: Mapping[str, Array], y: Array) -> Array:
    """`activation(y + bias)`, with the channels moved to the axis of the layer's `data_format`."""
    if "bias" in weights:
        y = y + weights["bias"]
    return as_configured(config, activate(config.get("activation"), y))


@oracle("keras", "Conv1D", "Conv2D", "Conv3D")
def convolution(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`activation(conv(x, kernel) + bias)`: https://keras.io/api/layers/convolution_layers/convolution2d/.

    With `lora_rank` the kernel has a low-rank update.
    """
    kernel = adapted(config, weights, "kernel")
    y = convolve(config, channels_last(config, x), kernel, groups=config.get("groups", 1))
    return finish(config, weights, y)


def depthwise(config: Config, x: Array, kernel: Array) -> Array:
    """Output channel `c * multiplier + m` is the correlation of `x[c]` with `kernel[..., c, m]`.

    This is a convolution with as many groups as channels.
    """
    channels, multiplier = kernel.shape[-2:]
    return convolve(config, x, kernel.reshape(*kernel.shape[:-2], 1, channels * multiplier), groups=channels)


@oracle("keras", "DepthwiseConv1D", "DepthwiseConv2D")
def depthwise_convolution(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`activation(depthwise(x, kernel) + bias)`: https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/."""
    return finish(config, weights, depthwise(config, channels_last(config, x), weights["kernel"]))


@oracle("keras", "SeparableConv1D", "SeparableConv2D")
def separable_convolution(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """A depthwise convolution, then a 1 x 1 convolution that mixes its channels, then bias and activation.

    https://keras.io/api/layers/convolution_layers/separable_convolution2d/
    """
    deep = depthwise(config, channels_last(config, x), weights["depthwise_kernel"])
    pointwise = weights["pointwise_kernel"]
    return finish(config, weights, np.matmul(deep, pointwise.reshape(pointwise.shape[-2:])))


def transposed_size(mode: str, size: int, window: int, stride: int, extra: int | None) -> int:
    """Output size of one axis of a transposed convolution; `extra` is `output_padding`, None to infer it.

    https://keras.io/api/layers/convolution_layers/convolution2d_transpose/: `(size - 1) * stride + window - 2 * pad
    + extra`, with `pad` 0 for `valid` and `window // 2` for `same`. The inferred size is `size * stride` for `same`;
    for `valid` it is larger if the last window needs more.
    """
    if extra is None:
        return size * stride + (max(window - stride, 0) if mode == "valid" else 0)
    return (size - 1) * stride + extra + (window if mode == "valid" else window - 2 * (window // 2))


def spaced(x: Array, strides: Sequence[int]) -> Array:
    """`x` with `stride - 1` zeros between neighbours along each spatial axis."""
    for axis, stride in enumerate(strides, start=1):
        longer = list(x.shape)
        longer[axis] = (x.shape[axis] - 1) * stride + 1
        between = np.stack([x, *[np.zeros_like(x)] * (stride - 1)], axis=axis + 1)
        flat = between.reshape(*x.shape[:axis], x.shape[axis] * stride, *x.shape[axis + 1 :])
        x = np.take(flat, range(longer[axis]), axis=axis)
    return x


@oracle("keras", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def transposed_convolution(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The gradient of a convolution with respect to its input, then bias and activation.

    `y[i * s + a * d - before, f] += x[i, c] * kernel[a, f, c]`, where `before` is the padding of the forward
    convolution from the output's size to the input's. Computed as a correlation of the input, with zeros between its
    elements, with the reversed kernel.
    """
    x = channels_last(config, x)
    kernel = weights["kernel"]
    size = kernel.shape[:-2]
    rank = len(size)
    mode = config.get("padding", "valid")
    strides = per_axis(config.get("strides", 1), rank)
    dilation = per_axis(config.get("dilation_rate", 1), rank)
    extra = config.get("output_padding")
    extras = (None,) * rank if extra is None else per_axis(extra, rank)
    around = []
    for n, k, s, d, e in zip(x.shape[1:-1], size, strides, dilation, extras, strict=True):
        window = extent(k, d)
        outputs = transposed_size(mode, n, window, s, e)
        before = pads(mode, outputs, window, s)[0]
        around.append((window - 1 - before, outputs + before - (n - 1) * s - 1))
    reversed_kernel = np.swapaxes(np.flip(kernel, axis=tuple(range(rank))), -1, -2)
    y = correlate(padded(spaced(x, strides), around), reversed_kernel, strides=(1,) * rank, dilation=dilation)
    return finish(config, weights, y)
