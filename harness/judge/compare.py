"""Compares outputs with the golden: first the structure, then the places of non-finite values, then noise units.

A noise unit is the error that float32 rounding causes in the documented formula on the same numbers
(`harness.oracle.noise`). So the same edges between grades fit every layer, size and magnitude.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.outcomes import DRIFT, FAITHFUL, Metrics, Outcome
from harness.spec import Array, Exactness, Golden, source_of
from harness.units import SMALLEST, UNIT

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Comparison:
    """The outcome of comparing the outputs of one stage with the golden.

    `where` names the output and index of the largest error; `picture` is a small map of log2 of the normwise units.
    `output` is the name of that output, '' where no values were compared, and `sample` the number of its inputs.
    """

    outcome: Outcome
    message: str = ""
    metrics: Metrics = field(default_factory=Metrics)
    where: str | None = None
    picture: tuple[str, ...] | None = None
    output: str = ""
    sample: int = 0

    @property
    def units(self) -> float | None:
        """Largest normwise error in noise units."""
        return self.metrics.units

    @property
    def rank(self) -> tuple[int, float]:
        """Larger for a worse outcome; of equal outcomes, for more units."""
        return self.outcome.severity, self.units or 0.0


def compare(golden: Golden, outputs: Sequence[Array | None], names: Sequence[str] | None = None) -> Comparison:
    """Compare a runtime's outputs, in the artifact's order, with the golden.

    `names` are the artifact's output names, if its format has names; the golden's names in another order mean exchanged
    outputs. Outputs are never broadcast, sorted or transposed to fit.
    """
    fault = _structure(golden, outputs, names)
    if fault:
        return Comparison(Outcome.MALFORMED, fault)
    with np.errstate(all="ignore"):  # infinities and overflow are judged, not warned of
        comparisons = [
            replace(_compare_one(name, expected, np.asarray(got), golden), output=name)
            for (name, expected), got in zip(golden.expected.items(), outputs, strict=True)
        ]
    return worst(comparisons)


def _structure(golden: Golden, outputs: Sequence[Array | None], names: Sequence[str] | None) -> str:
    wanted = list(golden.expected)
    if len(outputs) != len(wanted):
        return f"expected {len(wanted)} outputs {wanted}, got {len(outputs)}"
    sources = [source_of(name) for name in wanted]
    distinct = len(set(sources)) == len(sources)
    if names is not None and distinct and list(names) != sources and set(names) == set(sources):
        return f"outputs come as {list(names)}, the model declares {sources}"
    for (name, expected), got in zip(golden.expected.items(), outputs, strict=True):
        if got is None:
            return f"output {name!r} is missing (None)"
        dtype = "float32" if expected.dtype.kind == "f" else _dtype(expected)
        if _dtype(np.asarray(got)) != dtype:
            return f"output {name!r} has dtype {_dtype(np.asarray(got))}, expected {dtype}"
        if np.shape(got) != expected.shape:
            return f"output {name!r} has shape {np.shape(got)}, expected {expected.shape}"
    return ""


def _dtype(value: Array) -> str:
    """Name of a dtype; `string` for strings of any length."""
    return "string" if value.dtype.kind == "U" else value.dtype.name


def _compare_one(name: str, expected: Array, got: Array, golden: Golden) -> Comparison:
    if expected.dtype.kind != "f":
        return _compare_plain(name, expected, got)
    single = expected.astype(np.float32)
    fault = _non_finite(name, expected, single, got)
    both = np.isfinite(expected) & np.isfinite(got)
    error = np.where(both, np.abs(got - expected), 0.0)
    unit = unit_of(golden, name)
    normwise = error / unit
    noise = _noise(golden, name)
    # an exact zero has no relative accuracy to lose
    component = error / np.where(expected == 0, unit, np.maximum(noise, UNIT * np.where(both, np.abs(expected), 0.0)))
    units, parts = float(normwise.max(initial=0.0)), float(component.max(initial=0.0))
    metrics = _metrics(expected, got, units=units, parts=parts)
    at = _peak(normwise)
    where = f"{name}{list(at)}"
    if fault:
        return Comparison(Outcome.DIVERGENT, fault, metrics, where, picture(shown(normwise, expected, got)))
    outcome, message = _grade(single, got, golden.exactness, units, parts)
    if outcome is Outcome.EXACT:
        return Comparison(outcome, message, metrics, where)
    message = message or f"{units:.3g} noise units at {where}: expected {expected[at]:.9g}, got {got[at]:.9g}"
    return Comparison(outcome, message, metrics, where, picture(normwise))


def unit_of(golden: Golden, name: str) -> Array:
    """The absolute error of one noise unit, for each element of an output.

    It is the larger of the element's noise scale and float32's unit roundoff of the largest value in the element's
    slice: an error that is small beside its slice is small.
    """
    return np.maximum(_noise(golden, name), UNIT * slice_magnitude(golden.expected[name], golden.channel_axis))


def _noise(golden: Golden, name: str) -> Array:
    """Noise scale of each element, clipped to normal float32 numbers: an infinite scale would hide every error."""
    return np.clip(golden.noise[name], SMALLEST, LARGEST)


def tolerance(golden: Golden, name: str) -> Array:
    """The largest absolute error of a faithful element, for each element; 0 for layers that do not compute."""
    expected = golden.expected[name]
    if golden.exactness is not Exactness.COMPUTES or expected.dtype.kind != "f":
        return np.zeros(expected.shape)
    return FAITHFUL * unit_of(golden, name)


def _grade(single: Array, got: Array, exactness: Exactness, units: float, parts: float) -> tuple[Outcome, str]:
    same = single == got
    if exactness is Exactness.MOVES:
        same &= np.signbit(single) == np.signbit(got)
    same |= np.isnan(single)  # _non_finite found no NaN out of place
    if bool(same.all()):
        return Outcome.EXACT, ""
    if exactness is not Exactness.COMPUTES:
        at = _peak(~same)
        return (
            Outcome.DIVERGENT,
            f"{int((~same).sum())} of {single.size} elements are not bit-identical, first at {list(at)}: "
            f"expected {single[at]:.9g}, got {got[at]:.9g}; this layer only {exactness} data",
        )
    if units > DRIFT:
        return Outcome.DIVERGENT, ""
    if units > FAITHFUL or parts > DRIFT:
        return Outcome.DRIFT, ""
    return Outcome.FAITHFUL, ""


def _peak(values: Array) -> tuple[int, ...]:
    """Index of the largest element, or of the first true element of a bool array; empty for an empty array."""
    if not values.size:
        return ()
    return tuple(int(place) for place in np.unravel_index(np.argmax(values), values.shape))


def _compare_plain(name: str, expected: Array, got: Array) -> Comparison:
    """Compare integers, bools or strings, which must be equal."""
    wrong = expected != got
    if not bool(wrong.any()):
        return Comparison(Outcome.EXACT)
    at = _peak(wrong)
    return Comparison(
        Outcome.DIVERGENT,
        f"{int(wrong.sum())} of {expected.size} values of {name!r} differ, first at {list(at)}: "
        f"expected {expected[at]!r}, got {got[at]!r}",
        where=f"{name}{list(at)}",
    )


def _non_finite(name: str, expected: Array, single: Array, got: Array) -> str:
    """Message about the first place where NaN or infinity differs; '' if none does. Values at the edge of float32's
    range may overflow."""
    edge = np.isfinite(expected) & (np.abs(expected) > 0.999 * LARGEST)
    wrong = (np.isnan(single) != np.isnan(got)) | ((np.isinf(single) | np.isinf(got)) & (single != got))
    wrong &= ~(edge & ~np.isnan(got) & (np.signbit(got) == np.signbit(expected)))
    if not bool(wrong.any()):
        return ""
    at = _peak(wrong)
    return (
        f"non-finite values differ at {int(wrong.sum())} places of {name!r}, first {list(at)}: "
        f"expected {single[at]:.9g}, got {got[at]:.9g}"
    )


def slice_magnitude(expected: Array, channel_axis: int) -> Array:
    """Largest |expected| within float32's range over each element's slice, in the array's shape.

    Images and volumes (rank 4 and more) have one slice per sample and channel. Vectors and sequences have one per
    sample, over all features and times: a gate that stays nearly shut makes a feature small at every step, with the
    relative accuracy of the exponential's tail. The componentwise figure shows that.
    """
    size = np.where(np.abs(expected) <= LARGEST, np.abs(expected), 0.0)
    keep = {0} if expected.ndim < 4 else {0, channel_axis % expected.ndim}
    axes = tuple(axis for axis in range(expected.ndim) if axis not in keep)
    return np.broadcast_to(size.max(axis=axes, keepdims=True, initial=0.0), expected.shape)


def _metrics(expected: Array, got: Array, *, units: float, parts: float) -> Metrics:
    """The metrics over elements that are finite on both sides, with the normwise and componentwise noise units."""
    both = np.isfinite(expected) & np.isfinite(got)
    if not bool(both.any()):
        return Metrics(units=units, componentwise=parts)
    want, have = expected[both], np.asarray(got[both], np.float64)
    error = np.abs(have - want)
    size = np.abs(want)
    relative = np.divide(error, size, out=np.zeros_like(error), where=size > 0)
    ulp = error / np.spacing(np.minimum(size, 2.0**127).astype(np.float32))  # above there is no spacing
    rmse = float(np.sqrt(np.mean(np.square(error))))
    peak = float(max(size.max(), SMALLEST))  # squares of numbers beyond float32 would overflow
    want, have = want / peak, have / peak
    norms = float(np.sqrt(np.sum(want * want) * np.sum(have * have)))
    cosine = float(np.sum(want * have)) / norms if norms > 0 else None
    signal = float(np.sum(want * want))
    distortion = float(np.sum(np.square(have - want)))
    sqnr = 10 * float(np.log10(signal / distortion)) if signal > 0 and distortion > 0 else None
    return Metrics(
        units=units,
        componentwise=parts,
        max_abs=float(error.max()),
        max_rel=float(relative.max()),
        max_ulp=float(ulp.max()),
        rmse=rmse,
        cosine=cosine,
        sqnr_db=sqnr,
    )


_LEVELS = "0123456789abcdefghijklmnopqrstuvwxyz"
PICTURE_SIZE = 16


def shown(normwise: Array, expected: Array, got: Array) -> Array:
    """The normwise units, infinite at places where a non-finite value differs."""
    wrong = ~(np.isfinite(expected) & np.isfinite(got)) & (expected.astype(np.float32) != got)
    return np.where(wrong & ~(np.isnan(expected) & np.isnan(got)), np.inf, normwise)


def picture(units: Array) -> tuple[str, ...] | None:
    """A map of the units of an output of any rank: at most 16 rows of at most 16 digits; None for an empty output.

    The last axis becomes columns, the other axes rows. A digit is 0 below 1 unit, else 1 + log2(units) in base 36; `z`
    is the largest, and infinity.
    """
    if units.size == 0:
        return None
    width = units.shape[-1] if units.ndim else 1
    plane = units.reshape(-1, width)
    rows, columns = (min(n, PICTURE_SIZE) for n in plane.shape)
    tops = [[part.max() for part in np.array_split(band, columns, axis=1)] for band in np.array_split(plane, rows)]
    return tuple("".join(_digit(float(value)) for value in row) for row in tops)


def _digit(units: float) -> str:
    if units < 1:
        return "0"
    return "z" if not np.isfinite(units) else _LEVELS[min(1 + int(np.log2(units)), 35)]


def worst(comparisons: Sequence[Comparison]) -> Comparison:
    """The comparison with the worst outcome, of several outputs or calls; of equal outcomes, with the most units."""
    if len(comparisons) == 1:
        return comparisons[0]
    return max(comparisons, key=lambda one: one.rank)
