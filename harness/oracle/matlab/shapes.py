"""Axes, windows and pads of the arrays of Deep Learning Toolbox.

The rank of an array determines its kind: images are N x C x H x W (or N x C x H x W x D), sequences N x T x C,
features N x C. In MATLAB they are `SSCB` (or `SSSCB`), `CBT` and `CB`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

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


def windows(x: Array, window: Sequence[int], stride: Sequence[int], dilate: Sequence[int]) -> Array:
    """(elements, N, C, *outputs): the elements of `x`, already padded, at each place of the window."""
    sizes = [
        (size - d * (k - 1) - 1) // s + 1 for size, k, s, d in zip(x.shape[2:], window, stride, dilate, strict=True)
    ]
    views = []
    for place in places(window):
        cut = [
            slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilate, sizes, stride, strict=True)
        ]
        views.append(x[(slice(None), slice(None), *cut)])
    return np.stack(views)
