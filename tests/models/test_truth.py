"""What the truth about a model cannot show."""

from __future__ import annotations

import numpy as np
import pytest

from harness.models.truth import Truth, weaknesses
from harness.spec import Array, Exactness, Golden, Sample

HIDES = "so that it hides errors before it: give inputs like those that it was trained on (--inputs)"


def truth(*arrays: Array) -> Truth:
    samples = [
        Sample({"x": np.zeros(len(each))}, Golden({"y": each}, {"y": np.full(each.shape, 1e-7)}, Exactness.COMPUTES))
        for each in arrays
    ]
    return Truth(tuple(samples), "the oracle")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ([np.array([[0.0, 1.0], [1.0, 0.0]])], f"every number of the output 'y' is 0 or 1, {HIDES}"),
        ([np.array([[1e-8, 1 - 1e-8], [1e-9, 1.0]])], f"every number of the output 'y' is 0 or 1, {HIDES}"),
        ([np.array([[0.3, 0.7], [0.3, 0.7]])], f"the output 'y' is the same for all samples, {HIDES}"),
        ([np.array([[0.3, 0.7], [0.3, 0.7 + 1e-6]])], f"the output 'y' is the same for all samples, {HIDES}"),
    ],
)
def test_outputs_that_hide_errors_are_told(arrays: list[Array], said: str) -> None:
    assert list(weaknesses(truth(*arrays))) == [said]


@pytest.mark.parametrize(
    "arrays",
    [
        [np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.2, 0.8], [1.0, 0.0]])],  # the other sample tells
        [np.array([[0.3, 0.7], [0.4, 0.6]])],
        [np.array([[0.3, 0.7]])],  # one sample is like itself
        [np.array([[0, 1], [1, 0]])],  # numbers of classes
        [np.zeros((2, 0))],
    ],
)
def test_others_are_not(arrays: list[Array]) -> None:
    assert list(weaknesses(truth(*arrays))) == []
