"""Axes of another framework's arrays: another order, and axes of size 1 that one of both does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from harness.spec import Array

ORDERS: Mapping[int, Sequence[tuple[int, ...]]] = {
    3: ((0, 1, 2), (1, 0, 2), (0, 2, 1)),
    4: ((0, 1, 2, 3), (0, 3, 1, 2)),
    5: ((0, 1, 2, 3, 4), (0, 4, 1, 2, 3)),
}
"""Orders in which other frameworks may have the axes, as the transposition into ours: sequences with the steps first or
the features before the steps, images with the channels last."""
OPEN = 16
"""Size of an axis that both leave open."""
Sizes = Sequence[int | None]
"""None for an open size."""


def turn(value: Array, shape: Sequence[int]) -> Array:
    """The array in the first of `ORDERS` that has this shape, with or without axes of size 1; unchanged if none has."""
    for order in ORDERS.get(value.ndim, ()):
        if value.transpose(order).shape == tuple(shape):
            return np.ascontiguousarray(value.transpose(order))
    for order in _orders(len(shape)):
        theirs = [shape[axis] for axis in np.argsort(order)]
        if _without_ones(theirs) == _without_ones(value.shape):
            return np.ascontiguousarray(value.reshape(theirs).transpose(order))
    return value


def common(ours: Sizes, theirs: Sizes) -> tuple[int, ...] | None:
    """The size of one sample, or of the other file's batch, in our order of axes, with the sizes that either declares.

    `ours` are without the batch. None where the sizes differ, axes of size 1 aside.
    """
    for order in _orders(len(theirs)) if theirs else ():
        batch, *sizes = [theirs[axis] for axis in order]
        if len(sizes) == len(ours) and _alike(ours, sizes):
            return (batch or 1, *(n or m or OPEN for n, m in zip(ours, sizes, strict=True)))
    for first, rest in _splits(theirs):
        kept, others = _without_ones(ours), _without_ones(rest)
        if len(kept) == len(others) and _alike(kept, others):
            filled = iter(n or m or OPEN for n, m in zip(kept, others, strict=True))
            return (first or 1, *(1 if n == 1 else next(filled) for n in ours))
    return None


def laid_out(value: Array, theirs: Sizes) -> Array:
    """Our array in the other file's order of axes: the first of `ORDERS` that fits its sizes, with its axes of size 1;
    unchanged if none fits."""
    for order in _orders(value.ndim):
        turned = value.transpose(np.argsort(order))
        if turned.ndim == len(theirs) and _alike(theirs, turned.shape):
            return np.ascontiguousarray(turned)
    for first, rest in _splits(theirs):
        kept = [n for n in value.shape[1:] if n != 1]
        if len(kept) == len(_without_ones(rest)):
            filled = iter(kept)
            shape = [1 if n == 1 else next(filled) for n in rest]
            whole = shape if len(rest) == len(theirs) else [first or len(value), *shape]
            if _alike(theirs, whole) and prod(whole) == value.size:
                return value.reshape(whole)
    return value


def _orders(rank: int) -> Sequence[tuple[int, ...]]:
    return ORDERS.get(rank, (tuple(range(rank)),))


def _splits(theirs: Sizes) -> list[tuple[int | None, Sizes]]:
    """The batch and the other sizes: of files whose first axis may be no batch, also all of them."""
    whole = [(1, theirs)] if None not in theirs else []
    return [*([(theirs[0], theirs[1:])] if theirs else []), *whole]


def _without_ones(sizes: Sizes) -> list[int | None]:
    return [n for n in sizes if n != 1]


def _alike(ours: Sizes, theirs: Sizes) -> bool:
    return all(None in (n, m) or n == m for n, m in zip(ours, theirs, strict=True))
