"""Evidence of a comparison: the block of values around the largest error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.judge.compare import Comparison, shown, unit_of
from harness.results.evidence import Evidence, Tensor, packed
from harness.spec import Array, Golden, Sample

MOST_VALUES = 16_384
"""Most values of an output that are kept."""


def evidence_of(
    comparison: Comparison,
    samples: Sequence[Sample],
    outputs: Sequence[Sequence[Array | None]],
    *,
    most: int = MOST_VALUES,
) -> Evidence | None:
    """The values in which a comparison of these outputs, those of each sample, found the largest error.

    None where it passed or compared no numbers. At most `most` values are kept; the note tells what was left out.
    """
    golden = samples[comparison.sample].golden
    if comparison.outcome.passes or not comparison.output or golden is None:
        return None
    expected = golden.expected[comparison.output]
    got = outputs[comparison.sample][list(golden.expected).index(comparison.output)]
    if got is None or expected.dtype.kind == "U":
        return None
    got = np.asarray(got)
    scale = _scale(golden, comparison.output)
    with np.errstate(all="ignore"):
        units = shown(np.abs(np.asarray(got, np.float64) - expected) / scale, expected, got)
    start, size = _block(units, most)
    block = tuple(slice(begin, begin + extent) for begin, extent in zip(start, size, strict=True))
    kept = int(np.prod(size))
    scales = scale[block].astype(np.float32)
    return Evidence(
        note="" if kept == expected.size else f"{kept:,} of {expected.size:,} values kept",
        tensor=Tensor(
            output=comparison.output,
            sample=comparison.sample,
            shape=expected.shape,
            start=start,
            size=size,
            expected=packed(expected[block]),
            actual=packed(got[block]),
            scale=float(scales.flat[0]) if (scales == scales.flat[0]).all() else packed(scales),
        ),
    )


def _scale(golden: Golden, name: str) -> Array:
    """The noise unit of each value; 1 for integers and bools, of which every difference is an error."""
    expected = golden.expected[name]
    return unit_of(golden, name) if expected.dtype.kind == "f" else np.ones(expected.shape)


def _block(units: Array, most: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Corner and extent of a block of at most `most` values, with the largest error as near its middle as the edges
    allow. The longest axis is halved until the block is small enough."""
    size = list(units.shape)
    while int(np.prod(size)) > most:
        longest = int(np.argmax(size))
        size[longest] = (size[longest] + 1) // 2
    worst = np.unravel_index(int(np.argmax(np.nan_to_num(units, posinf=np.inf))), units.shape)
    start = (
        min(max(int(at) - extent // 2, 0), whole - extent)
        for at, extent, whole in zip(worst, size, units.shape, strict=True)
    )
    return tuple(start), tuple(size)
