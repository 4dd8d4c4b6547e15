"""The noise unit of a node: the effect of float32 rounding on its float64 formula, on the numbers that it gets.

It is the principle of `harness.oracle.noise` for nodes of which there is no oracle, only a float64 function f:

    unit = max(sqrt(mean of (f(x_r) - f(x))^2 over runs r and a slice), 2^-24 max of |f(x)| over the slice)

    x_r = x (1 + 2^-24 u_r),   u_r uniform in [-1, 1] for each element of each input and weight

A slice is that of the judge: a sample and channel of an image, else a sample (`harness.judge.compare.slice_magnitude`).
The mean over it lets few runs suffice. Rounding within f, such as that of partial sums, is not seen: a correct node may
have some ten units, a wrong one has many thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.judge.compare import slice_magnitude
from harness.spec import Array
from harness.units import SMALLEST, UNIT

RUNS = 2
HALF = {"float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoff of the half precisions, by the name of their type."""


@dataclass(frozen=True)
class Measured:
    """A value of the reference. `unit` is its noise unit by the rounding of the whole model up to here, `own` by that
    of its node or layer alone; None for what is no array."""

    value: Any
    unit: Array | None
    own: Array | None


def is_float(value: Any) -> bool:
    """Whether a value is an array of floats."""
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"


def perturbed(value: Any, source: np.random.Generator) -> Any:
    """A float array with one random rounding of each element; anything else unchanged."""
    if not is_float(value):
        return value
    return value * (1 + UNIT * source.uniform(-1, 1, value.shape))


def unit_of(value: Array, runs: Sequence[Array], channel_axis: int) -> Array:
    """The noise unit of each element of a float64 `value`, from the values of perturbed runs.

    Runs that have another shape, or no finite value at a place, say nothing there. The unit of what is no float is the
    smallest number, so that every difference is many units unless rounding alone brings it about.
    """
    if value.dtype.kind not in "fiub":
        return np.zeros(value.shape)
    exact = np.asarray(value, np.float64)
    alike = [np.asarray(run, np.float64) for run in runs if np.shape(run) == exact.shape]
    with np.errstate(all="ignore"):
        squares = [np.where(np.isfinite(run - exact), np.square(run - exact), 0.0) for run in alike]
    scale = np.sqrt(_slice_mean(np.mean(squares, axis=0), channel_axis)) if squares else np.zeros(exact.shape)
    floor = UNIT * slice_magnitude(exact, channel_axis) if is_float(value) else SMALLEST
    return np.maximum(np.maximum(scale, floor), SMALLEST)


def _slice_mean(values: Array, channel_axis: int) -> Array:
    """The mean over the slice of each element: that of `slice_magnitude`."""
    if not values.size:
        return values
    keep = {0} if values.ndim < 4 else {0, channel_axis % values.ndim}
    axes = tuple(axis for axis in range(values.ndim) if axis not in keep)
    return np.broadcast_to(values.mean(axis=axes, keepdims=True), values.shape)


def units(actual: Any, expected: Array, unit: Array) -> float:
    """The largest error in noise units; infinite for another shape, or where one of the two is not finite alone."""
    got = np.asarray(actual)
    if got.shape != np.shape(expected):
        return float("inf")
    if got.dtype.kind not in "fiub":
        return 0.0 if bool((got == expected).all()) else float("inf")
    got, want = got.astype(np.float64), np.asarray(expected, np.float64)
    with np.errstate(all="ignore"):
        same = (got == want.astype(np.float32)) | (np.isnan(got) & np.isnan(want))
        both = np.isfinite(got) & np.isfinite(want)
        error = np.where(both, np.abs(got - want) / unit, np.where(same, 0.0, np.inf))
    return float(error.max(initial=0.0))


def beside(value: Any, noisy: Any, before: Any) -> Any:
    """A perturbed value of what was `before`, as far beside `value`."""
    if value is before or not is_float(noisy) or np.shape(noisy) != np.shape(value):
        return noisy
    return noisy - before + value


def laid_out(true: Array, value: Array) -> Array | None:
    """The truth in the layout of a value: channels last or first, steps first; None where none has its shape.

    Where several have, the one that is nearest counts.
    """
    fitting = [each for each in layouts(true) if each.shape == value.shape]
    with np.errstate(all="ignore"):
        return min(fitting, key=lambda each: float(np.nansum(np.abs(each - value))), default=None)


def likest(true: Sequence[Array], value: Array) -> Array:
    """The truth in the layout that shares most sizes with a value of another shape."""

    def alike(each: Array) -> tuple[bool, int]:
        return each.ndim == value.ndim, sum(n == m for n, m in zip(each.shape, value.shape, strict=False))

    return max((each for one in true for each in layouts(one)), key=alike)


def reshaped(true: Array, value: Array) -> list[Array]:
    """The truth in the shape of a value with as many elements, from each layout."""
    return [each.reshape(value.shape) for each in layouts(true) if each.size == value.size]


def in_the_order_of(true: Array, value: Array) -> Array:
    """The numbers of the truth in the order of size that the numbers of a value of the same shape have."""
    ordered = np.empty(value.size)
    ordered[np.argsort(value, axis=None)] = np.sort(true, axis=None)
    return ordered.reshape(value.shape)


def channels_scaled(true: Array, value: Array, channel_axis: int) -> Array:
    """The truth with each channel scaled and shifted to be nearest to a value of the same shape."""
    wide, given = (np.moveaxis(each, channel_axis, 0).reshape(each.shape[channel_axis], -1) for each in (true, value))
    centre, middle = wide.mean(1, keepdims=True), given.mean(1, keepdims=True)
    with np.errstate(all="ignore"):
        slope = ((wide - centre) * (given - middle)).sum(1, keepdims=True) / np.square(wide - centre).sum(
            1, keepdims=True
        )
    fitted = np.where(np.isfinite(slope), slope, 1.0) * (wide - centre) + middle
    moved = np.moveaxis(true, channel_axis, 0)
    return np.moveaxis(fitted.reshape(moved.shape), 0, channel_axis)


def layouts(true: Array) -> list[Array]:
    """The truth with its axes as frameworks have them: channels last or first, steps first."""
    true = np.asarray(true, np.float64)
    if true.ndim < 3:
        return [true]
    return [true, np.moveaxis(true, -1, 1), np.moveaxis(true, 1, -1), np.swapaxes(true, 0, 1)]
