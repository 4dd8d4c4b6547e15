"""Axes here of MATLAB's dimensions."""

import numpy as np
import pytest

from harness.matlab.layouts import axis_of, channel_axis, turned
from harness.oracle import semantics


@pytest.mark.parametrize(
    ("rank", "axes"),
    [(2, [1, 0, 1]), (3, [2, 0, 1]), (4, [2, 3, 1, 0]), (5, [2, 3, 4, 1, 0])],
    ids=["CB", "CBT", "SSCB", "SSSCB"],
)
def test_axes_of_dimensions(rank, axes):
    assert [axis_of(dimension, rank) for dimension in range(1, len(axes) + 1)] == axes


def test_a_dimension_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="an array of 4 dimensions has no dimension 5"):
        axis_of(5, 4)


def test_channels_of_sequences_are_last():
    assert [channel_axis(rank) for rank in (2, 3, 4, 5)] == [1, 2, 1, 1]


def test_trailing_dimensions_come_back_before_axes_are_turned():
    assert turned(np.array([[1, 2, 3]]), 4).tolist() == [[[[1, 2, 3]]]]  # H x W = 1 x 3, one channel
    assert turned(np.array([[[1, 2]]]), 4).tolist() == [[[[1]], [[2]]]]


def test_concatenation_after_fully_connected_layers_of_a_graph_is_along_features():
    """concatenationLayer(3, 2) behind two of them: in a DAGNetwork their outputs are 1 x 1 x C x N."""
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0], [6.0]])
    assert semantics("matlab", "ConcatenationLayer")({"Dim": 3}, {}, a, b).tolist() == [[1, 2, 5], [3, 4, 6]]
