"""Merging layers: order of the inputs and where axes are inserted."""

from __future__ import annotations

import numpy as np

from harness.oracle import semantics


def layer(kind, config, *inputs):
    return semantics("keras", kind)(config, {}, *(np.array(x, dtype=float) for x in inputs))


def test_add_takes_any_number_of_inputs():
    assert layer("Add", {}, [[1, 2]], [[10, 20]], [[100, 200]]).tolist() == [[111, 222]]


def test_missing_axes_come_after_the_batch():
    got = layer("Add", {}, np.zeros((2, 2, 2)), [[1, 2], [3, 4]])
    assert got.tolist() == [[[1, 2], [1, 2]], [[3, 4], [3, 4]]]


def test_subtract_is_first_minus_second():
    assert layer("Subtract", {}, [[5, 1]], [[2, 3]]).tolist() == [[3, -2]]


def test_concatenate_keeps_the_order_and_the_axis():
    assert layer("Concatenate", {}, [[1]], [[2, 3]]).tolist() == [[1, 2, 3]]
    assert layer("Concatenate", {"axis": -2}, [[[1, 2]]], [[[3, 4]]]).tolist() == [[[1, 2], [3, 4]]]
