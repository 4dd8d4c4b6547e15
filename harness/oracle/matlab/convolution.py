"""Convolutions of Deep Learning Toolbox: https://www.mathworks.com/help/deeplearning/ref/convolution2dlayer.html and
the pages beside it. All are cross-correlations. Weights keep MATLAB's layout, spatial axes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import (
    DIALECT,
    LARGE,
    Sides,
    as_sides,
    from_spatial,
    in_blocks,
    is_large,
    padded,
    padding,
    per_channel,
    places,
    to_spatial,
    windows,
)
from harness.spec import Array, Config

EDGES = {"replicate": "edge", "symmetric-include-edge": "symmetric", "symmetric-exclude-edge": "reflect"}
"""NumPy's name of each PaddingValue."""
MANY_NUMBERS = 2**14


def _edged(x: Array, sides: Sides, value: float | str) -> Array:
    if isinstance(value, str):
        return np.pad(x, [(0, 0), (0, 0), *sides], mode=EDGES[value])  # type: ignore[call-overload]
    return padded(x, sides, value)


def _product(rows: Array, bank: Array) -> Array:
    """`rows bank` over the last axis of `rows`, for many rows as one product of two matrices.

    NumPy calls BLAS once for each row of an image, whose threads then synchronise a thousand times, which is slow on
    busy processors. Small arrays still use NumPy's way, because the last bit of stored goldens may depend on it.
    """
    if rows.size < MANY_NUMBERS:
        return np.matmul(rows, bank)
    places = rows.shape[:-1]
    return np.matmul(rows.reshape(prod(places), rows.shape[-1]), bank).reshape(*places, bank.shape[-1])


def correlated(x: Array, bank: Array, stride: Sequence[int], dilate: Sequence[int], groups: int = 1) -> Array:
    """N x C x spatial, already padded and large, to N x F x spatial; the bank is spatial x C/G x F.

    The product `bank' windows` for some rows at a time, with the windows side by side as columns: nothing but the
    windows is copied, and the result has its axes in order.
    """
    spatial, (depth, filters) = bank.shape[:-2], bank.shape[-2:]
    size = filters // groups
    parts = []
    for g in range(groups):
        rows = bank[..., g * size : (g + 1) * size].reshape(-1, size).T

        def product(seen: Array, rows: Array = rows) -> Array:
            columns = seen.reshape(seen.shape[0] * seen.shape[2], prod(seen.shape[3:]))
            return np.matmul(rows, columns).reshape(1, rows.shape[0], *seen.shape[3:])

        parts.append(in_blocks(product, x[:, g * depth : (g + 1) * depth], spatial, stride, dilate))
    return parts[0] if groups == 1 else np.concatenate(parts, axis=1)


def _correlate(x: Array, weights: Array, config: Config, groups: int = 1) -> Array:
    """N x C x spatial to N x F x spatial; weights are spatial x C/G x F with the filters of a group side by side."""
    spatial = weights.shape[:-2]
    ones = [1] * len(spatial)
    stride, dilate = config.get("Stride", ones), config.get("DilationFactor", ones)
    x = _edged(x, padding(config, x, spatial, stride, dilate), config.get("PaddingValue", 0))
    if is_large(x, spatial, stride, dilate):
        return correlated(x, weights, stride, dilate, groups)
    depth, size = weights.shape[-2], weights.shape[-1] // groups
    parts = []
    for g in range(groups):
        seen = windows(x[:, g * depth : (g + 1) * depth], spatial, stride, dilate)
        rows = np.moveaxis(seen, (0, 2), (-2, -1))
        rows = rows.reshape(*rows.shape[:-2], rows.shape[-2] * rows.shape[-1])
        parts.append(_product(rows, weights[..., g * size : (g + 1) * size].reshape(-1, size)))
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)


@oracle(DIALECT, "Convolution1DLayer", "Convolution2DLayer", "Convolution3DLayer")
def convolution(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`y = b + sum w x`: weights k x C x F, kh x kw x C x F or kh x kw x kd x C x F. Over time for sequences."""
    x = to_spatial(x)
    return from_spatial(_correlate(x, weights["Weights"], config) + per_channel_of(weights["Bias"], x.ndim))


def per_channel_of(values: Array, rank: int) -> Array:
    """One value per channel, reshaped to broadcast over an array N x C x spatial of that rank."""
    return values.reshape(1, -1, *[1] * (rank - 2))


@oracle(DIALECT, "GroupedConvolution2DLayer")
def grouped_convolution(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Weights kh x kw x C/G x F/G x G, bias F/G x G: group g maps the g-th C/G channels to the g-th F/G filters."""
    bank = weights["Weights"]
    groups = bank.shape[-1]
    flat = np.moveaxis(bank, -1, -2).reshape(*bank.shape[:-2], bank.shape[-2] * groups)
    bias = weights["Bias"].T.reshape(-1)
    return _correlate(to_spatial(x), flat, config, groups) + per_channel(bias, 4)


@oracle(DIALECT, "TransposedConvolution1DLayer", "TransposedConvolution2DLayer", "TransposedConvolution3DLayer")
def transposed_convolution(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Weights spatial x F x C: each input element adds its multiple of the filter at `Stride` times its position; then
    the border is cropped. `same` crops to input * Stride, with the odd element at the end.

    If a filter is shorter than the stride, `same` adds zeros at the end, as TensorFlow does: MathWorks' exporter maps
    this layer to Conv2DTranspose with padding `same`.
    """
    x, bank = to_spatial(x), weights["Weights"]
    spatial, rank = bank.shape[:-2], x.ndim
    stride = config.get("Stride", [1] * len(spatial))
    full = [s * (n - 1) + k for n, s, k in zip(x.shape[2:], stride, spatial, strict=True)]
    y = np.zeros_like(x, shape=(x.shape[0], bank.shape[-2], *full))
    rows = np.moveaxis(x, 1, -1)
    for place in places(spatial):
        turned = _product(rows, bank[place].T) if rows.size >= LARGE else np.matmul(rows, bank[place].T)
        part = np.moveaxis(turned, -1, 1)
        seen = [slice(p, p + s * (n - 1) + 1, s) for p, s, n in zip(place, stride, x.shape[2:], strict=True)]
        cut = (slice(None), slice(None), *seen)
        y[cut] = y[cut] + part
    for axis, (before, after) in enumerate(_cropping(config, x.shape[2:], full, stride), start=2):
        wide = [(0, 0)] * rank
        wide[axis] = (0, max(0, -after))
        y = np.pad(y, wide)
        keep = [slice(None)] * rank
        keep[axis] = slice(before, y.shape[axis] - max(0, after))
        y = y[tuple(keep)]
    return from_spatial(y + per_channel_of(weights["Bias"], rank))


def _cropping(config: Config, sizes: tuple[int, ...], full: list[int], stride: list[int]) -> Sides:
    if config.get("CroppingMode", "manual") != "same":
        return as_sides(config.get("CroppingSize", [0, 0] * len(sizes)))
    totals = [f - n * s for f, n, s in zip(full, sizes, stride, strict=True)]
    return [(t // 2, t - t // 2) if t >= 0 else (0, t) for t in totals]
