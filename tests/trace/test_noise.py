"""Noise units of nodes."""

import math

import numpy as np

from harness.trace import noise


def test_the_unit_is_the_root_mean_square_over_runs_and_slice() -> None:
    """Distances 3, 4 and 0, 0 in the first sample: sqrt(25 / 4); the second has none but 2**-24 of its magnitude."""
    value = np.array([[1.0, 1.0], [8.0, 2.0]])
    runs = [np.array([[4.0, 5.0], [8.0, 2.0]]), value]
    assert noise.unit_of(value, runs, 1).tolist() == [[2.5, 2.5], [2.0**-21, 2.0**-21]]


def test_images_have_a_slice_for_each_channel() -> None:
    value = np.zeros((1, 2, 1, 2))
    run = value.copy()
    run[0, 1] = 4
    assert noise.unit_of(value, [run], 1)[0, :, 0, 0].tolist() == [2.0**-126, 4.0]


def test_runs_of_another_shape_say_nothing() -> None:
    assert noise.unit_of(np.ones(2), [np.ones(3)], 1).tolist() == [2.0**-24] * 2


def test_of_integers_every_difference_is_many_units() -> None:
    unit = noise.unit_of(np.array([3, 4]), [], 1)
    assert noise.units(np.array([3, 4]), np.array([3, 4]), unit) == 0
    assert noise.units(np.array([3, 5]), np.array([3, 4]), unit) > 1e30


def test_units_of_values() -> None:
    want, unit = np.array([1.0, np.nan, np.inf]), np.full(3, 0.5)
    assert noise.units(np.array([2.0, np.nan, np.inf], np.float32), want, unit) == 2
    assert noise.units(np.array([1.0, 1.0, np.inf], np.float32), want, unit) == math.inf
    assert noise.units(np.array([1.0, np.nan, -np.inf], np.float32), want, unit) == math.inf
    assert noise.units(np.ones((1, 3)), want, unit) == math.inf
    assert noise.units(np.array(["a"]), np.array(["a"]), unit) == 0


def test_floats_alone_are_rounded_by_half_a_last_place() -> None:
    source = np.random.Generator(np.random.PCG64(0))
    rounded = noise.perturbed(np.ones(1000), source)
    assert 0.9 * 2.0**-24 < np.abs(rounded - 1).max() <= 2.0**-24
    assert noise.perturbed(np.arange(3), source).tolist() == [0, 1, 2]


def test_the_truth_of_a_sequence_fits_one_with_its_steps_first() -> None:
    true = np.arange(24.0).reshape(2, 4, 3)
    laid = noise.laid_out(true, true.swapaxes(0, 1) + 0.25)
    assert laid is not None
    assert laid.tolist() == true.swapaxes(0, 1).tolist()
    assert noise.laid_out(true, np.zeros((4, 6))) is None


def test_the_layout_that_shares_most_sizes_with_a_wrong_value() -> None:
    true = np.arange(40.0).reshape(2, 2, 2, 5)
    likest = noise.likest([true], np.zeros((2, 5, 4, 4)))
    assert likest.tolist() == np.moveaxis(true, -1, 1).tolist()
