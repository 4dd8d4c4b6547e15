"""The values that are kept of a comparison that does not pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.judge.compare import compare
from harness.judge.evidence import evidence_of
from harness.results.evidence import Evidence, unpacked
from harness.spec import Array, Exactness, Golden, Sample

UNIT = 2.0**-20


def sample(*expected: Array, noise: float | None = UNIT) -> Sample:
    """Outputs y0, y1 ... with this noise scale, of 2**-20 unless told."""
    named = {f"y{number}": value for number, value in enumerate(expected)}
    scale = {name: np.full(value.shape, noise, np.float32) for name, value in named.items()}
    return Sample({}, Golden(named, scale, Exactness.COMPUTES))


def kept(samples: list[Sample], outputs: list[list[Array]], at: int = 0, most: int = 16_384) -> Evidence | None:
    golden = samples[at].golden
    assert golden is not None
    comparison = replace(compare(golden, outputs[at]), sample=at)
    return evidence_of(comparison, samples, outputs, most=most)


def test_values_of_the_worst_output_are_kept_whole() -> None:
    """The second output is off by 2000 units of 2**-20 in its last place."""
    one, two = np.array([[1.0, 0.5]]), np.array([[0.25, 1.0]])
    wrong = np.array([[0.25, 1 + 2000 * UNIT]], np.float32)
    evidence = kept([sample(one, two)], [[one.astype(np.float32), wrong]])
    assert evidence is not None
    assert evidence.note == ""
    tensor = evidence.tensor
    assert tensor is not None
    assert (tensor.output, tensor.sample, tensor.shape, tensor.start, tensor.size) == ("y1", 0, (1, 2), (0, 0), (1, 2))
    assert unpacked(tensor.expected, (1, 2)).tolist() == [[0.25, 1.0]]
    assert unpacked(tensor.actual, (1, 2)).tolist() == wrong.tolist()
    assert tensor.scale == UNIT
    assert tensor.units.tolist() == [[0, 2000]]


def test_a_further_sample() -> None:
    first, second = np.zeros((1, 2)), np.ones((3, 2))
    wrong = second.astype(np.float32)
    wrong[2, 0] = -1
    evidence = kept([sample(first), sample(second)], [[first.astype(np.float32)], [wrong]], at=1)
    assert evidence is not None
    assert evidence.tensor is not None
    assert (evidence.tensor.sample, evidence.tensor.shape) == (1, (3, 2))
    assert evidence.tensor.units.tolist() == [[0, 0], [0, 0], [2 / UNIT, 0]]


def test_a_scale_that_differs_is_kept_for_each_value() -> None:
    """Of a vector, the unit is the noise scale where that is above 2**-24 times the largest value, 8 here."""
    expected = np.array([[8.0, 1.0]])
    scale = {"y": np.array([[2.0**-10, 2.0**-30]], np.float32)}
    golden = Golden({"y": expected}, scale, Exactness.COMPUTES)
    outputs = [[np.array([[10.0, 1.0]], np.float32)]]
    evidence = evidence_of(compare(golden, outputs[0]), [Sample({}, golden)], outputs)
    assert evidence is not None
    assert evidence.tensor is not None
    assert isinstance(evidence.tensor.scale, str)
    assert unpacked(evidence.tensor.scale, (1, 2)).tolist() == [[2.0**-10, 2.0**-21]]
    assert evidence.tensor.units.tolist() == [[2048, 0]]


@pytest.mark.parametrize(
    ("shape", "worst", "start", "size"),
    [
        ((4, 8), (3, 7), (2, 4), (2, 4)),  # 32 values, at most 8: the axes in turn, and the block ends with the tensor
        ((4, 8), (0, 0), (0, 0), (2, 4)),
        ((1, 100), (0, 50), (0, 47), (1, 7)),  # 100, 50, 25, 13, 7: three before 50, three behind
        ((2, 2, 2), (1, 0, 1), (0, 0, 0), (2, 2, 2)),
    ],
)
def test_a_block_around_the_largest_error(
    shape: tuple[int, ...], worst: tuple[int, ...], start: tuple[int, ...], size: tuple[int, ...]
) -> None:
    expected = np.arange(np.prod(shape), dtype=float).reshape(shape)
    wrong = expected.astype(np.float32)
    wrong[worst] += 1
    evidence = kept([sample(expected)], [[wrong]], most=8)
    assert evidence is not None
    assert evidence.tensor is not None
    assert (evidence.tensor.start, evidence.tensor.size, evidence.tensor.shape) == (start, size, shape)
    block = tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))
    assert unpacked(evidence.tensor.expected, size).tolist() == expected[block].tolist()
    assert unpacked(evidence.tensor.actual, size).tolist() == wrong[block].tolist()
    note = "" if np.prod(size) == np.prod(shape) else f"{np.prod(size)} of {np.prod(shape)} values kept"
    assert evidence.note == note


def test_a_place_that_is_not_finite_is_the_worst() -> None:
    expected = np.zeros((1, 64))
    wrong = np.zeros((1, 64), np.float32)
    wrong[0, 3], wrong[0, 60] = 5, np.nan
    evidence = kept([sample(expected)], [[wrong]], most=8)
    assert evidence is not None
    assert evidence.tensor is not None
    assert evidence.tensor.start == (0, 56)
    assert np.isnan(unpacked(evidence.tensor.actual, (1, 8))[0, 4])


def test_every_difference_of_integers_counts() -> None:
    evidence = kept([sample(np.array([[3, 4]]))], [[np.array([[3, 9]])]])
    assert evidence is not None
    assert evidence.tensor is not None
    assert evidence.tensor.scale == 1.0
    assert evidence.tensor.units.tolist() == [[0, 5]]


def test_bools() -> None:
    evidence = kept([sample(np.array([True, False]))], [[np.array([True, True])]])
    assert evidence is not None
    assert evidence.tensor is not None
    assert evidence.tensor.units.tolist() == [0, 1]


def test_nothing_is_kept_of_what_passes_or_has_no_numbers() -> None:
    right = np.ones((1, 2))
    assert kept([sample(right)], [[right.astype(np.float32)]]) is None
    assert kept([sample(right)], [[np.ones((2, 2), np.float32)]]) is None  # another shape
    assert kept([sample(np.array(["a"]))], [[np.array(["b"])]]) is None
