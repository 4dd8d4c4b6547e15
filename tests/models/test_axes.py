"""Arrays of other frameworks in our order of axes, and ours in theirs, with and without axes of size 1."""

from __future__ import annotations

import numpy as np
import pytest

from harness.models.axes import common, laid_out, turn


def test_axes_of_other_frameworks():
    image = np.arange(24).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(turn(image.transpose(0, 2, 3, 1), (1, 2, 3, 4)), image)
    steps = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(turn(steps.transpose(1, 0, 2), (2, 3, 4)), steps)
    assert turn(np.zeros((1, 5, 1, 1)), (1, 5)).shape == (1, 5)
    assert turn(np.zeros((1, 5)), (1, 6)).shape == (1, 5)


def test_orders_are_found_beside_axes_of_size_1():
    steps = np.arange(12).reshape(1, 3, 4)  # steps, features
    np.testing.assert_array_equal(turn(steps.reshape(1, 1, 3, 4), (1, 3, 4)), steps)
    np.testing.assert_array_equal(turn(steps.transpose(0, 2, 1).reshape(1, 4, 1, 3), (1, 3, 4)), steps)


@pytest.mark.parametrize(
    ("ours", "theirs", "size", "shape"),
    [
        ((5,), (None, 5), (1, 5), (1, 5)),
        ((5,), (1, 1, 1, 5), (1, 5), (1, 1, 1, 5)),
        ((5,), (None, 5, 1, 1), (1, 5), (1, 5, 1, 1)),
        ((5,), (3, 5, 1, 1), (3, 5), (3, 5, 1, 1)),
        ((5,), (5,), (1, 5), (5,)),
        ((1, 6, 7), (None, 6, 7), (1, 1, 6, 7), (1, 6, 7)),
        ((1, 1, 5), (1, 5), (1, 1, 1, 5), (1, 5)),
        ((3, 6, 7), (1, 6, 7, 3), (1, 3, 6, 7), (1, 6, 7, 3)),
        ((None, 4), (1, None, 1, 4), (1, 16, 4), (1, 16, 1, 4)),
        ((1,), (None, 1, 1), (1, 1), (1, 1, 1)),
    ],
)
def test_inputs_of_the_other_file(ours, theirs, size, shape):
    assert common(ours, theirs) == size
    value = np.arange(np.prod(size)).reshape(size)
    laid = laid_out(value, theirs)
    assert laid.shape == shape
    np.testing.assert_array_equal(turn(laid, size), value)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [((5,), (1, 6)), ((5,), (1, 1, 5, 2)), ((3, 6, 7), (None, 3, 7, 7)), ((5,), (None,)), ((5,), ())],
)
def test_other_sizes_are_no_common_ones(ours, theirs):
    assert common(ours, theirs) is None


def test_what_does_not_fit_stays_as_it_is():
    assert laid_out(np.zeros((1, 5)), (1, 2, 3)).shape == (1, 5)
