"""The comparator by hand: every expected number is worked out in the comment beside it.

Two powers of two keep the arithmetic exact: 2**-20, the noise scale of most goldens here (eight units in the last
place of a float32 between 1 and 2), and 2**-24, the unit roundoff of float32.
"""

from __future__ import annotations

import warnings
from dataclasses import FrozenInstanceError
from functools import partial
from typing import Any

import numpy as np
import pytest

from harness.judge.compare import Comparison, compare, picture, slice_magnitude, tolerance, unit_of, worst
from harness.outcomes import Metrics, Outcome
from harness.spec import Array, Exactness, Golden

NOISE = 2.0**-20
NAN, INF = float("nan"), float("inf")
SMALLEST = 2.0**-126
LARGEST = 3.4028234663852886e38
near = partial(pytest.approx, rel=1e-14, abs=0)


def golden(
    expected: Any, noise: float = NOISE, exactness: Exactness = Exactness.COMPUTES, channel_axis: int = -1
) -> Golden:
    """A golden with one output `y` and one noise scale for all its elements."""
    array = np.asarray(expected)
    return Golden({"y": array}, {"y": np.full(array.shape, noise, np.float32)}, exactness, channel_axis)


def single(values: Any) -> Array:
    return np.asarray(values, np.float32)


def judged(expected: Any, got: Any, **changes: Any) -> Comparison:
    return compare(golden(expected, **changes), [single(got)])


# The grades


@pytest.mark.parametrize(
    ("units", "outcome"),
    [
        (0.125, "faithful"),
        (1, "faithful"),
        (32, "faithful"),
        (33, "drift"),
        (1024, "drift"),
        (1025, "divergent"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_edges_are_32_and_1024_units(units: float, outcome: str, sign: int) -> None:
    """An error of k 2**-20 is k units; 32 and 1024 still belong to the better grade."""
    comparison = judged([1.0], [1.0 + sign * units * 2.0**-20])
    assert (comparison.outcome, comparison.units) == (outcome, units)


def test_one_unit_is_the_noise_scale_of_the_element() -> None:
    """Errors of 2**-10 in both elements: 2**-10 / 2**-20 = 1024 units where the scale is small, 1 where it is large."""
    stored = Golden(
        {"y": np.array([[1.0, 1.0]])}, {"y": np.array([[2.0**-20, 2.0**-10]], np.float32)}, Exactness.COMPUTES
    )
    assert compare(stored, [single([[1 + 2.0**-10, 1.0]])]).units == 1024
    assert compare(stored, [single([[1.0, 1 + 2.0**-10]])]).units == 1


def test_one_unit_is_at_least_float32s_roundoff_of_the_slice() -> None:
    """The slice's largest value is 8, its roundoff 8 * 2**-24 = 2**-21: an error of 2**-16 is 32 units, of
    33 * 2**-21 is 33. To its own roundoff, 2**-24, the second element errs by 8 times as much: 256 and 264."""
    assert unit_of(golden([[8.0, 1.0]], noise=0.0), "y").tolist() == [[2.0**-21, 2.0**-21]]
    comparison = judged([[8.0, 1.0]], [[8.0, 1 + 2.0**-16]], noise=0.0)
    assert (comparison.outcome, comparison.units, comparison.metrics.componentwise) == ("faithful", 32, 256)
    comparison = judged([[8.0, 1.0]], [[8.0, 1 + 33 * 2.0**-21]], noise=0.0)
    assert (comparison.outcome, comparison.units, comparison.metrics.componentwise) == ("drift", 33, 264)


def test_one_unit_is_at_least_the_smallest_normal_float32() -> None:
    """Where all is zero: an error of 32 * 2**-126 = 2**-121 is 32 units."""
    assert unit_of(golden([0.0], noise=0.0), "y").tolist() == [2.0**-126]
    comparison = judged([0.0], [2.0**-121], noise=0.0)
    assert (comparison.outcome, comparison.units, comparison.metrics.componentwise) == ("faithful", 32, 32)
    assert judged([0.0], [33 * 2.0**-126], noise=0.0).outcome == "drift"


def test_largest_of_the_three_is_the_unit() -> None:
    """Slice 2: its roundoff is 2**-23. A scale of 2**-25 is below it, one of 2**-22 above."""
    stored = Golden({"y": np.array([[2.0, 1.0]])}, {"y": np.array([[2.0**-25, 2.0**-22]], np.float32)}, "computes")
    assert unit_of(stored, "y").tolist() == [[2.0**-23, 2.0**-22]]


@pytest.mark.parametrize(("error", "parts", "outcome"), [(1024, 1024, "faithful"), (1026, 1026, "drift")])
def test_componentwise_edge_is_1024(error: int, parts: float, outcome: str) -> None:
    """Beside 64, an error of 1026 * 2**-24 in an element of 1 is 1026 / 64 = 16.03 units normwise, which is faithful,
    but 1026 of the element's own roundoff, 2**-24."""
    comparison = judged([[64.0, 1.0]], [[64.0, 1 + error * 2.0**-24]], noise=0.0)
    assert comparison.outcome == outcome
    assert comparison.units == error / 64
    assert comparison.metrics.componentwise == parts


def test_componentwise_units_have_the_noise_scale_as_floor() -> None:
    """Beside 2**10 the unit is 2**-14. The second element's own roundoff is 2**-24, its noise scale 2**-20: an error
    of 2**-12 is 4 units normwise and 256 componentwise."""
    comparison = judged([[1024.0, 1.0]], [[1024.0, 1 + 2.0**-12]])
    assert (comparison.units, comparison.metrics.componentwise) == (4, 256)


def test_componentwise_units_of_a_zero_are_its_normwise_ones() -> None:
    """Beside 8 the unit is 2**-21. An error of 2**-20 where nothing is expected: 2 units, both ways."""
    comparison = judged([[8.0, 0.0]], [[8.0, 2.0**-20]], noise=0.0)
    assert (comparison.units, comparison.metrics.componentwise) == (2, 2)


def test_tolerance_is_32_units_of_what_is_computed_and_nothing_else() -> None:
    """32 * 2**-20 = 2**-15."""
    assert tolerance(golden([[1.0, 2.0]]), "y").tolist() == [[2.0**-15, 2.0**-15]]
    assert tolerance(golden([[1.0, 2.0]], exactness=Exactness.SELECTS), "y").tolist() == [[0, 0]]
    assert tolerance(golden([[1.0, 2.0]], exactness=Exactness.MOVES), "y").tolist() == [[0, 0]]
    assert tolerance(golden([[1, 2]]), "y").tolist() == [[0, 0]]


# What a comparison says


def test_message_names_units_place_and_values() -> None:
    """33 * 2**-20 = 0.0000314712524."""
    comparison = judged([[0.5, 1.0], [1.0, 1.0]], [[0.5, 1.0], [1 + 33 * 2.0**-20, 1.0]])
    assert comparison.message == "33 noise units at y[1, 0]: expected 1, got 1.00003147"
    assert comparison.where == "y[1, 0]"
    assert comparison.picture == ("00", "60")  # 1 + floor(log2(33)) = 6


def test_message_of_a_faithful_output_names_its_largest_error_too() -> None:
    """2**-22 = 0.000000238418579: a quarter of a unit."""
    comparison = judged([1.0], [1 + 2.0**-22])
    assert comparison.message == "0.25 noise units at y[0]: expected 1, got 1.00000024"
    assert comparison.picture == ("0",)


def test_exact_says_nothing_but_shows_its_units() -> None:
    """The golden 1 + 2**-26 rounds to 1 in float32; the quarter of its unit 2**-24 that is lost is shown."""
    comparison = judged([1 + 2.0**-26], [1.0], noise=2.0**-24)
    assert (comparison.outcome, comparison.message, comparison.where) == ("exact", "", "y[0]")
    assert comparison.units == 0.25 / (1 + 2.0**-26)
    assert comparison.picture is None


def test_scalar_has_an_empty_place() -> None:
    comparison = judged(1.0, 2.0)
    assert comparison.message == "1.05e+06 noise units at y[]: expected 1, got 2"
    assert comparison.picture == ("l",)  # 1 + 20 = 21, in base 36


def test_empty_output_has_nothing_to_measure() -> None:
    comparison = compare(golden(np.zeros((0, 3))), [np.zeros((0, 3), np.float32)])
    assert comparison == Comparison(Outcome.EXACT, "", Metrics(units=0.0, componentwise=0.0), "y[]", output="y")


@pytest.mark.parametrize("exactness", [Exactness.MOVES, Exactness.SELECTS])
def test_moved_data_that_changed_is_counted_and_placed(exactness: Exactness) -> None:
    """One unit in the last place of 2, 2**-22, is 0.000000238418579."""
    comparison = judged([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2 + 2.0**-22], [3.0, 5.0]], exactness=exactness)
    assert comparison.outcome == "divergent"
    assert comparison.message == (
        "2 of 4 elements are not bit-identical, first at [0, 1]: expected 2, got 2.00000024; "
        f"this layer only {exactness} data"
    )
    assert comparison.where == "y[1, 1]"  # the largest error, not the first


def test_sign_of_zero_counts_where_data_moves_only() -> None:
    got = [[0.0, -0.0, NAN, 1.0]]
    expected = [[-0.0, -0.0, NAN, 1.0]]
    comparison = judged(expected, got, exactness=Exactness.MOVES)
    assert comparison.message == (
        "1 of 4 elements are not bit-identical, first at [0, 0]: expected -0, got 0; this layer only moves data"
    )
    assert judged(expected, got, exactness=Exactness.SELECTS).outcome == "exact"
    assert judged(expected, got, exactness=Exactness.COMPUTES).outcome == "exact"


def test_selected_data_that_changed_leaves_signs_of_zero_uncounted() -> None:
    comparison = judged([[-0.0, 1.0]], [[0.0, 2.0]], exactness=Exactness.SELECTS)
    assert comparison.message.startswith("1 of 2 elements are not bit-identical, first at [0, 1]: expected 1, got 2")


def test_sign_of_a_nan_is_free() -> None:
    """A NaN with its sign bit set is a NaN."""
    negative = -np.array([NAN, 1.0], np.float32)
    assert np.signbit(negative).tolist() == [True, True]
    assert compare(golden([NAN, -1.0], exactness=Exactness.MOVES), [negative]).outcome == "exact"


def test_a_nan_and_a_changed_value_are_not_taken_for_each_other() -> None:
    comparison = judged([[NAN, 1.0]], [[NAN, 2.0]], exactness=Exactness.MOVES)
    assert comparison.message.startswith("1 of 2 elements are not bit-identical, first at [0, 1]: expected 1, got 2")


# Integers, bools, strings


def test_plain_values_are_counted_and_placed() -> None:
    comparison = compare(golden(np.array([[1, 2], [3, 4]])), [np.array([[1, 2], [5, 6]])])
    assert comparison == Comparison(
        Outcome.DIVERGENT,
        "2 of 4 values of 'y' differ, first at [1, 0]: expected np.int64(3), got np.int64(5)",
        where="y[1, 0]",
        output="y",
    )
    assert compare(golden(np.array([[1, 2]])), [np.array([[1, 2]])]) == Comparison(Outcome.EXACT, output="y")


def test_strings_of_any_length_are_strings() -> None:
    stored = golden(np.array(["a", "bcd"]), noise=0.0)
    assert compare(stored, [np.array(["a", "bcd"], "U10")]).outcome == "exact"
    assert compare(stored, [np.array(["a", "bc"])]).message == (
        "1 of 2 values of 'y' differ, first at [1]: expected np.str_('bcd'), got np.str_('bc')"
    )
    assert compare(stored, [np.array([1.0, 2.0])]).message == "output 'y' has dtype float64, expected string"


# Structure


def two_outputs() -> Golden:
    expected = {"a": np.array([[1.0]]), "b": np.array([[2.0]])}
    return Golden(expected, {name: np.full((1, 1), NOISE, np.float32) for name in expected}, Exactness.COMPUTES)


def test_number_of_outputs() -> None:
    comparison = compare(two_outputs(), [single([[1]])])
    assert comparison == Comparison(Outcome.MALFORMED, "expected 2 outputs ['a', 'b'], got 1")
    assert compare(two_outputs(), [single([[1]])] * 3).message == "expected 2 outputs ['a', 'b'], got 3"


def test_order_of_outputs() -> None:
    right = [single([[1]]), single([[2]])]
    exchanged = compare(two_outputs(), right, ["b", "a"])
    assert exchanged.message == "outputs come as ['b', 'a'], the model declares ['a', 'b']"
    assert compare(two_outputs(), right, ["a", "b"]).outcome == "exact"
    assert compare(two_outputs(), right, ["b", "c"]).outcome == "exact"
    assert compare(two_outputs(), right, ("a", "b")).outcome == "exact"


def test_order_of_several_outputs_of_one_layer_is_not_told_by_names() -> None:
    """`lstm` and `lstm:1` are both made by `lstm`: names say nothing of their order."""
    expected = {"lstm": np.array([1.0]), "lstm:1": np.array([2.0]), "b": np.array([3.0])}
    stored = Golden(expected, {name: np.zeros(1, np.float32) for name in expected}, Exactness.COMPUTES)
    outputs = [single([1]), single([2]), single([3])]
    assert compare(stored, outputs, ["b", "lstm", "lstm"]).outcome == "exact"


def test_order_of_outputs_is_told_by_the_layers_that_make_them() -> None:
    expected = {"lstm:1": np.array([1.0]), "b": np.array([3.0])}
    stored = Golden(expected, {name: np.zeros(1, np.float32) for name in expected}, Exactness.COMPUTES)
    comparison = compare(stored, [single([1]), single([3])], ["b", "lstm"])
    assert comparison.message == "outputs come as ['b', 'lstm'], the model declares ['lstm', 'b']"


def test_missing_mistyped_and_misshapen_outputs() -> None:
    def message(second: Any) -> str:
        comparison = compare(two_outputs(), [single([[1]]), second])
        assert comparison.outcome == "malformed"
        assert comparison.metrics == Metrics()
        return comparison.message

    assert message(None) == "output 'b' is missing (None)"
    assert message(np.array([[2.0]])) == "output 'b' has dtype float64, expected float32"
    assert message(np.array([[2]], np.int32)) == "output 'b' has dtype int32, expected float32"
    assert message(single([2])) == "output 'b' has shape (1,), expected (1, 1)"
    wrong = compare(golden(np.array([True])), [np.array([1], np.int32)])
    assert wrong.message == "output 'y' has dtype int32, expected bool"


# NaN and infinities


@pytest.mark.parametrize(
    ("expected", "got", "message"),
    [
        ([1.0, NAN], [NAN, NAN], "at 1 places of 'y', first [0]: expected 1, got nan"),
        ([1.0, NAN], [1.0, 2.0], "at 1 places of 'y', first [1]: expected nan, got 2"),
        ([NAN, 1.0], [1.0, NAN], "at 2 places of 'y', first [0]: expected nan, got 1"),
        ([1.0, INF], [1.0, -INF], "at 1 places of 'y', first [1]: expected inf, got -inf"),
        ([1.0, INF], [1.0, 2.0], "at 1 places of 'y', first [1]: expected inf, got 2"),
        ([1.0, 2.0], [1.0, INF], "at 1 places of 'y', first [1]: expected 2, got inf"),
        ([1.0, 2.0], [1.0, -INF], "at 1 places of 'y', first [1]: expected 2, got -inf"),
        ([1.0, INF], [1.0, NAN], "at 1 places of 'y', first [1]: expected inf, got nan"),
        ([1.0, NAN], [1.0, INF], "at 1 places of 'y', first [1]: expected nan, got inf"),
    ],
)
def test_non_finite_values_must_be_in_their_places(expected: Any, got: Any, message: str) -> None:
    comparison = judged(expected, got)
    assert (comparison.outcome, comparison.message) == ("divergent", f"non-finite values differ {message}")


def test_where_is_the_largest_finite_error_though_a_nan_is_misplaced() -> None:
    comparison = judged([NAN, 1.0, 2.0], [1.0, 1.0, 3.0])
    assert comparison.message.endswith("first [0]: expected nan, got 1")
    assert comparison.where == "y[2]"


def test_non_finite_values_in_their_places_are_no_error() -> None:
    comparison = judged([NAN, INF, -INF, 1.0], [NAN, INF, -INF, 1 + 2.0**-20])
    assert (comparison.outcome, comparison.units, comparison.where) == ("faithful", 1, "y[3]")
    assert judged([NAN, INF, -INF, 1.0], [NAN, INF, -INF, 1.0]).outcome == "exact"


@pytest.mark.parametrize(
    ("expected", "got", "passes"),
    [
        (LARGEST, INF, True),
        (-LARGEST, -INF, True),
        (LARGEST, -INF, False),
        (-LARGEST, INF, False),
        (LARGEST, NAN, False),
        (0.9991 * LARGEST, INF, True),
        (-0.9991 * LARGEST, -INF, True),
        (0.999 * LARGEST, INF, False),
        (0.9989 * LARGEST, INF, False),
        (-0.9989 * LARGEST, -INF, False),
        (1e300, INF, True),  # beyond float32
        (1e300, NAN, False),
        (1e300, -INF, False),
        (INF, LARGEST, False),  # an infinity is no overflow
    ],
)
def test_a_value_within_a_thousandth_of_float32s_end_may_overflow(expected: float, got: float, passes: bool) -> None:
    assert judged([expected, 1.0], [got, 1.0]).outcome.passes is passes


def test_a_value_beyond_float32_that_saturates_is_measured() -> None:
    """Expected 4e38, which is infinite in float32; got the largest float32, 3.4028e38: a number where a number may be.

    The error is 5.971765e37. The slice has no value that float32 can hold, so a unit is the noise scale, 2**103 or
    1.0141205e31: 5888615 units. The last place of the largest float32 is 2**104, twice that.
    """
    comparison = judged([4e38], [LARGEST], noise=2.0**103)
    assert comparison.outcome == "divergent"
    assert comparison.message == "5.89e+06 noise units at y[0]: expected 4e+38, got 3.40282347e+38"
    assert comparison.metrics.max_ulp == pytest.approx(2944307, abs=1)


def test_a_value_beyond_float32_does_not_hide_its_slice() -> None:
    """To 1e300, an error of 1 would be nothing. To 2, the largest of what float32 can hold, it is 2**23 units."""
    comparison = judged([[1e300, 1.0, 2.0]], [[INF, 2.0, 2.0]])
    assert comparison.outcome == "divergent"
    assert comparison.units == 2**20
    assert unit_of(golden([[1e300, 1.0, 2.0]], noise=0.0), "y").tolist() == [[2.0**-23] * 3]
    assert slice_magnitude(np.array([[LARGEST, 1.0], [1.0001 * LARGEST, 1.0]]), -1).tolist() == [[LARGEST] * 2, [1] * 2]


def test_an_infinite_noise_scale_does_not_hide_an_error() -> None:
    """The scale of 1e300 is beyond float32, too: it counts as the largest float32."""
    assert unit_of(golden([1e300], noise=INF), "y").tolist() == [LARGEST]
    assert judged([1e300], [LARGEST], noise=INF).outcome == "divergent"
    assert judged([1e300], [INF], noise=INF).outcome == "exact"


def test_picture_shows_misplaced_non_finite_values_as_infinite() -> None:
    """NaN where NaN belongs and infinity where infinity belongs are no error."""
    comparison = judged([NAN, INF, 1.0, 1.0, -INF, 1e300], [NAN, INF, NAN, 1 + 2.0**-20, 1.0, INF])
    assert comparison.picture == ("00z1z0",)


# Metrics


def metrics(expected: Any, got: Any, **changes: Any) -> Metrics:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no division by zero, no overflow: nobody may see one in a run's log
        return judged(expected, got, **changes).metrics


def test_metrics_by_hand() -> None:
    """Expected (3, 4), got (3, 5): errors (0, 1).

    max_rel 1 / 4. rmse sqrt((0 + 1) / 2). One unit in the last place of 4 is 2**-21.
    cosine (3 * 3 + 4 * 5) / (5 * sqrt(9 + 25)). SQNR 10 log10((9 + 16) / 1).
    In units: 1 / 2**-20 = 1048576, which is more than the slice's roundoff of 4 * 2**-24.
    """
    measured = metrics([[3.0, 4.0]], [[3.0, 5.0]])
    assert measured.max_abs == 1
    assert measured.max_rel == 0.25
    assert measured.max_ulp == 2097152
    assert measured.rmse == near(0.7071067811865476)
    assert measured.cosine == near(0.9946917938265513)
    assert measured.sqnr_db == near(13.979400086720377)
    assert measured.units == 1048576
    assert measured.componentwise == 1048576


def test_metrics_of_several_elements_take_the_largest_and_the_mean() -> None:
    """Expected (1, -2, 4, 8), got (2, 0, 4, 7): errors 1, 2, 0, 1; relative 1, 1, 0, 1/8.

    rmse sqrt((1 + 4 + 0 + 1) / 4). Units in the last place: 2**-23 of 1, 2**-22 of 2: 2**23 and 2 * 2**22; 2**-20 of 8.
    cosine (2 + 0 + 16 + 56) / sqrt(85 * (4 + 0 + 16 + 49)). SQNR 10 log10(85 / 6).
    """
    measured = metrics([[1.0, -2.0, 4.0, 8.0]], [[2.0, 0.0, 4.0, 7.0]])
    assert measured.max_abs == 2
    assert measured.max_rel == 1
    assert measured.max_ulp == 8388608
    assert measured.rmse == near(1.224744871391589)
    assert measured.cosine == near(0.9662682543170596)
    assert measured.sqnr_db == near(11.51267675330649)


def test_metrics_leave_out_what_is_not_finite_on_both_sides() -> None:
    """Only (3, 4) against (3, 5) is left: as above."""
    measured = metrics([NAN, 3.0, 7.0, 4.0, INF], [NAN, 3.0, -INF, 5.0, 1.0])
    assert (measured.max_abs, measured.max_rel) == (1, 0.25)
    assert measured.rmse == near(0.7071067811865476)


def test_metrics_of_nothing_finite_are_units_alone() -> None:
    assert metrics([NAN, 1.0], [1.0, NAN]) == Metrics(units=0.0, componentwise=0.0)


def test_metrics_of_equal_outputs() -> None:
    """No distortion: no ratio of signal to it."""
    assert metrics([3.0, 4.0], [3.0, 4.0]) == Metrics(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, cosine=1.0, sqnr_db=None)


def test_metrics_of_zeros() -> None:
    """No direction and no signal: no cosine, no ratio. Nothing is relative to zero. The last place of zero is that of
    the smallest normal float32: 2**-126 * 2**-23 = 2**-149."""
    assert metrics([0.0, 0.0], [0.0, 0.0]) == Metrics(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, cosine=None, sqnr_db=None)
    measured = metrics([0.0, 0.0], [0.0, 2.0**-126])
    assert measured.max_abs == 2.0**-126
    assert measured.max_rel == 0
    assert measured.max_ulp == 2**23
    assert (measured.cosine, measured.sqnr_db) == (None, None)
    measured = metrics([2.0, 0.0], [0.0, 0.0])
    assert (measured.max_rel, measured.cosine, measured.sqnr_db) == (1, None, 0)  # 10 log10(4 / 4)


def test_metrics_of_small_numbers() -> None:
    """Expected 0.5, got 0.75: half as much again. The last place of 0.5 is 2**-24."""
    measured = metrics([0.5], [0.75])
    assert (measured.max_abs, measured.max_rel, measured.max_ulp) == (0.25, 0.5, 2**22)


def test_metrics_of_opposite_outputs() -> None:
    """cosine -1; the distortion is twice the signal in each element: 10 log10(1 / 4)."""
    measured = metrics([3.0, 4.0], [-3.0, -4.0])
    assert measured.cosine == near(-1)
    assert measured.sqnr_db == near(-6.020599913279624)


@pytest.mark.parametrize("scale", [2.0**126, 2.0**-100])
def test_cosine_and_ratio_do_not_depend_on_the_scale(scale: float) -> None:
    """(1, 2) against (2, 2): cosine 6 / sqrt(5 * 8), SQNR 10 log10(5 / 1)."""
    measured = metrics([1 * scale, 2 * scale], [2 * scale, 2 * scale])
    assert measured.cosine == near(0.9486832980505138)
    assert measured.sqnr_db == near(6.989700043360188)


def test_cosine_and_ratio_of_goldens_beyond_float32() -> None:
    """1e160 against 1e38: squares beyond float64, and still the cosine of parallel vectors, and all of the signal lost:
    10 log10(1 / 1)."""
    measured = metrics([1e160], [1e38])
    assert (measured.cosine, measured.sqnr_db) == (near(1), 0)
    measured = metrics([1e300], [1e38])
    assert (measured.cosine, measured.sqnr_db) == (None, 0)  # beside 1e300 the other is zero


def test_goldens_far_below_float32_have_no_direction() -> None:
    """1e-200 is zero in float32, and as good as zero beside any normal float32."""
    measured = metrics([1e-200], [1.0])
    assert (measured.max_abs, measured.cosine, measured.sqnr_db) == (1, None, None)


# Slices


def test_slice_magnitude_by_rank() -> None:
    """Rank 4 and up: one for each sample and channel. Below: one for each sample."""
    image = np.array([[[[1.0, -20.0], [3.0, 4.0]]], [[[5.0, 6.0], [-70.0, 8.0]]]])  # (2, 1, 2, 2), channels last
    assert slice_magnitude(image, -1).tolist() == [[[[3, 20], [3, 20]]], [[[70, 8], [70, 8]]]]
    assert slice_magnitude(image, 3).tolist() == [[[[3, 20], [3, 20]]], [[[70, 8], [70, 8]]]]
    assert slice_magnitude(image, 1).tolist() == [[[[20, 20], [20, 20]]], [[[70, 70], [70, 70]]]]
    assert slice_magnitude(image[:, 0], -1).tolist() == [[[20, 20], [20, 20]], [[70, 70], [70, 70]]]
    assert slice_magnitude(np.array([[1.0, -2.0], [3.0, 4.0]]), -1).tolist() == [[2, 2], [4, 4]]
    assert slice_magnitude(np.array([1.0, -2.0]), -1).tolist() == [1, 2]


def test_slice_magnitude_is_that_of_finite_values() -> None:
    assert slice_magnitude(np.array([[1.0, INF, NAN, -2.0], [NAN, NAN, -INF, INF]]), -1).tolist() == [[2] * 4, [0] * 4]
    assert slice_magnitude(np.zeros((2, 0)), -1).shape == (2, 0)


def test_channel_axis_of_the_golden_makes_the_slices() -> None:
    """(1, 2, 1, 2) with 8 in one corner: 8 * 2**-24 is the unit of its channel, 2**-24 that of the other."""
    image = [[[[8.0, 1.0]], [[1.0, 1.0]]]]
    last = unit_of(golden(image, noise=0.0, channel_axis=-1), "y")
    assert last.tolist() == [[[[2.0**-21, 2.0**-24]], [[2.0**-21, 2.0**-24]]]]
    first = unit_of(golden(image, noise=0.0, channel_axis=1), "y")
    assert first.tolist() == [[[[2.0**-21, 2.0**-21]], [[2.0**-24, 2.0**-24]]]]


# Pictures


def test_digits_of_a_picture_are_1_plus_log2() -> None:
    """0 below 1 unit, 1 from 1, 2 from 2, 3 from 4; 10 is `a`, from 2**9; 35 is `z`, from 2**34 on."""
    units = np.array([[0, 0.99, 1, 1.99, 2, 3.99, 4, 2.0**8, 2.0**9, 2.0**33, 2.0**34, 2.0**35, 2.0**60, INF]])
    assert picture(units) == ("0011223" + "9" + "a" + "y" + "zzzz",)


def test_picture_of_any_rank() -> None:
    """Leading axes make rows. The largest of what shares a digit is shown."""
    assert picture(np.float64(4.0)) == ("3",)
    assert picture(np.array([1.0, 2.0])) == ("12",)
    assert picture(np.array([[1.0], [2.0]])) == ("1", "2")
    assert picture(np.array([[[1.0, 2.0]], [[4.0, 8.0]]])) == ("12", "34")
    assert picture(np.zeros((0, 3))) is None


def test_picture_is_16_by_16_at_most() -> None:
    """Of 17 rows and 32 columns, the first two rows share a line (17 = 2 + 15 * 1), and each two columns a digit."""
    units = np.zeros((17, 32))
    units[0, 0], units[1, 3], units[2, 30], units[16, 31] = 1, 2, 4, 8
    drawn = picture(units)
    assert drawn is not None
    assert drawn[:2] == ("1200000000000000", "0000000000000003")
    assert drawn[2:] == ("0000000000000000",) * 13 + ("0000000000000004",)


# The worst of several


def test_comparison_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Comparison(Outcome.EXACT).outcome = Outcome.DRIFT  # type: ignore[misc]


def test_worst_is_the_most_harmful_and_of_equals_the_one_with_most_units() -> None:
    faithful = Comparison(Outcome.FAITHFUL, "faithful", Metrics(units=20.0))
    drift = Comparison(Outcome.DRIFT, "drift", Metrics(units=40.0))
    more = Comparison(Outcome.DRIFT, "more", Metrics(units=50.0))
    unmeasured = Comparison(Outcome.DRIFT, "unmeasured")
    assert worst([faithful, more, drift, unmeasured]) is more
    assert worst([unmeasured, drift]) is drift
    less = Comparison(Outcome.DRIFT, "less", Metrics(units=0.5))
    assert worst([unmeasured, less]) is less
    assert worst([faithful]) is faithful


def test_comparison_of_several_outputs_is_that_of_the_worst() -> None:
    comparison = compare(two_outputs(), [single([[1 + 33 * 2.0**-20]]), single([[2 + 2.0**-20]])])
    assert (comparison.outcome, comparison.where) == ("drift", "a[0, 0]")
    comparison = compare(two_outputs(), [single([[1 + 2.0**-20]]), single([[2 + 33 * 2.0**-20]])])
    assert (comparison.outcome, comparison.where) == ("drift", "b[0, 0]")
