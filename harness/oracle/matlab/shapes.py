"""Axes, windows and pads of the arrays of Deep Learning Toolbox.

The rank of an array determines its kind: images are N x C x H x W (or N x C x H x W x D), sequences N x T x C,
features N x C. In MATLAB they are `SSCB` (or `SSSCB`), `CBT` and `CB`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod

import numpy as np

from harness.spec import Array, Config

DIALECT = "matlab"
Sides = list[tuple[int, int]]
"""(before, after) for each spatial axis."""


def channel_axis(rank: int) -> int:
    """Axis of the channels: the last one of sequences, the second of all other arrays."""
    return 2 if rank == 3 else 1


def per_channel(values: Array, rank: int) -> Array:
    """A vector with one value per channel, reshaped to broadcast over an array of that rank."""
    shape = [1] * rank
    shape[channel_axis(rank)] = -1
    return values.reshape(shape)


def to_spatial(x: Array) -> Array:
    """N x C x spatial axes: a sequence's time becomes its one spatial axis; features become a 1 x 1 image."""
    if x.ndim == 3:
        return x.transpose(0, 2, 1)
    return x[:, :, None, None] if x.ndim == 2 else x


def from_spatial(y: Array) -> Array:
    """N x T x C from an array with one spatial axis; other arrays unchanged."""
    return y.transpose(0, 2, 1) if y.ndim == 3 else y


def as_sides(sizes: Sequence[int] | Sequence[Sequence[int]]) -> Sides:
    """MATLAB's [l r], [t b l r] or [t l f; b r k] as pairs."""
    if sizes and isinstance(sizes[0], Sequence):
        before, after = sizes
        return list(zip(before, after, strict=True))  # type: ignore[arg-type]
    flat = list(sizes)
    return [(flat[k], flat[k + 1]) for k in range(0, len(flat), 2)]  # type: ignore[misc]


def padding(config: Config, x: Array, window: Sequence[int], stride: Sequence[int], dilate: Sequence[int]) -> Sides:
    """Pads of convolution and pooling; `same` and `causal` depend on the size of `x`.

    `same`: output = ceil(input / stride); the total is split evenly, the odd one goes to the end.
    """
    mode = config.get("PaddingMode", "manual")
    reach = [d * (k - 1) + 1 for k, d in zip(window, dilate, strict=True)]
    if mode == "causal":
        return [(r - 1, 0) for r in reach]
    if mode == "same":
        totals = [
            max(0, (-(-size // s) - 1) * s + r - size) for size, s, r in zip(x.shape[2:], stride, reach, strict=True)
        ]
        return [(total // 2, total - total // 2) for total in totals]
    return as_sides(config.get("PaddingSize", [0, 0] * len(reach)))


def padded(x: Array, sides: Sides, value: float = 0.0) -> Array:
    """The array with a border of `value` around its spatial axes."""
    return np.pad(x, [(0, 0), (0, 0), *sides], constant_values=value)


def places(window: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every element of a window, the last axis fastest."""
    return product(*(range(k) for k in window))


LARGE = 2**20
"""Elements of all windows from which they are taken in blocks. Every case of the goldens is smaller, so that their last
bits stay as they are."""
BLOCK = 2**21
"""Elements of the windows of one block: 16 MiB of float64."""


def is_large(x: Array, window: Sequence[int], stride: Sequence[int], dilate: Sequence[int]) -> bool:
    """Whether the windows of an array, already padded, are to be taken in blocks."""
    sizes = output_sizes(x.shape[2:], window, stride, dilate)
    return min(sizes) > 0 and prod(window) * x.shape[0] * x.shape[1] * prod(sizes) >= LARGE


def in_blocks(
    work: Callable[[Array], Array], x: Array, window: Sequence[int], stride: Sequence[int], dilate: Sequence[int]
) -> Array:
    """`work(windows(x, ...))` for some rows of one sample at a time, N x F x outputs; `work` keeps the outputs' axes.

    Memory is bounded by `BLOCK` and not by the image. Every output is computed from the same numbers either way.
    """
    sizes = output_sizes(x.shape[2:], window, stride, dilate)
    step = max(1, BLOCK // (prod(window) * x.shape[1] * prod(sizes[1:])))
    reach = dilate[0] * (window[0] - 1) + 1
    samples = []
    for one in range(x.shape[0]):
        parts = []
        for first in range(0, sizes[0], step):
            count = min(step, sizes[0] - first)
            start = first * stride[0]
            rows = x[one : one + 1, :, start : start + (count - 1) * stride[0] + reach]
            parts.append(work(windows(rows, window, stride, dilate)))
        samples.append(np.concatenate(parts, axis=2))
    return np.concatenate(samples)


def reduced(
    reduce: Callable[..., Array],
    x: Array,
    window: Sequence[int],
    stride: Sequence[int],
    dilate: Sequence[int],
) -> Array:
    """`reduce(windows(x, ...), axis=0)`, in blocks if the windows are large."""

    def work(seen: Array) -> Array:
        return reduce(seen, axis=0)

    if is_large(x, window, stride, dilate):
        return in_blocks(work, x, window, stride, dilate)
    return work(windows(x, window, stride, dilate))


def output_sizes(
    sizes: Sequence[int], window: Sequence[int], stride: Sequence[int], dilate: Sequence[int]
) -> list[int]:
    """Number of places of a window along each axis of an array that is padded already."""
    return [(size - d * (k - 1) - 1) // s + 1 for size, k, s, d in zip(sizes, window, stride, dilate, strict=True)]


def windows(x: Array, window: Sequence[int], stride: Sequence[int], dilate: Sequence[int]) -> Array:
    """(elements, N, C, *outputs): the elements of `x`, already padded, at each place of the window."""
    sizes = output_sizes(x.shape[2:], window, stride, dilate)
    views = []
    for place in places(window):
        cut = [
            slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilate, sizes, stride, strict=True)
        ]
        views.append(x[(slice(None), slice(None), *cut)])
    return np.stack(views)
