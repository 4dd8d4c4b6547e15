"""Each operation's rounding by hand, with a generator that always draws the upper end: u = 1.

A result r is then r + 2**-24 |r|, a sum over n terms r + 2**-24 (|r| + sqrt(n / 2) sqrt(sum of squares)).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from harness.oracle.noise import Noisy, Roundings, _noisy, coarse, measure, perturbed
from harness.spec import Input, Layer, Spec

U = 2.0**-24
INF, NAN = float("inf"), float("nan")


class Upper(np.random.Generator):
    """A generator whose uniform numbers are all at the upper end."""

    def __init__(self, bits: Any = None) -> None:
        super().__init__(bits or np.random.PCG64(0))
        self.drawn = 1.0

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        assert (low, high) == (-1, 1)
        return np.full(size, self.drawn)


def noisy(values: Any) -> Noisy:
    """The values unchanged, as an array whose every operation rounds upwards."""
    return _noisy(np.array(values, float), Roundings(Upper()))


def plain(array: Any) -> Any:
    assert isinstance(array, Noisy)
    return np.asarray(array).tolist()


def test_arguments_are_rounded_once() -> None:
    """float32 arguments too: they stand for numbers that were rounded to float32."""
    arrays = {"x": np.array([1.0, -3.0], np.float32), "k": np.array([2, 3]), "b": np.array([True])}
    rounded = perturbed(arrays, Upper())
    assert list(rounded) == ["x", "k", "b"]
    assert plain(rounded["x"]) == [1 + U, -3 - 3 * U]
    assert rounded["x"].dtype == np.float64
    for name in ("k", "b"):
        assert not isinstance(rounded[name], Noisy)
        assert rounded[name].tolist() == arrays[name].tolist()
        assert rounded[name].dtype == arrays[name].dtype


def test_every_operation_rounds_its_result_once() -> None:
    x = noisy([3.0, -5.0])
    assert plain(x + 1) == [4 + 4 * U, -4 + 4 * U]
    assert plain(1 - x) == [-2 + 2 * U, 6 + 6 * U]
    assert plain(np.square(x)) == [9 + 9 * U, 25 + 25 * U]
    assert plain(np.sqrt(noisy([16.0]))) == [4 + 4 * U]
    assert plain(np.multiply.outer(noisy([2.0]), noisy([3.0]))) == [[6 + 6 * U]]


def test_rounding_follows_every_view_of_an_array() -> None:
    x = noisy([[1.0, 2.0], [3.0, 4.0]])
    assert plain(x[1:, 0] + 1) == [4 + 4 * U]
    assert plain(x.T.reshape(-1) + 0) == [1 + U, 3 + 3 * U, 2 + 2 * U, 4 + 4 * U]


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        (lambda x: np.maximum(x, 0), [2.5, 0]),
        (lambda x: np.minimum(x, 0), [0, -1.5]),
        (lambda x: np.fmax(x, 0), [2.5, 0]),
        (lambda x: np.fmin(x, 0), [0, -1.5]),
        (lambda x: -x, [-2.5, 1.5]),
        (np.positive, [2.5, -1.5]),
        (np.absolute, [2.5, 1.5]),
        (np.sign, [1, -1]),
        (np.floor, [2, -2]),
        (np.ceil, [3, -1]),
        (np.rint, [2, -2]),
        (np.trunc, [2, -1]),
        (lambda x: np.copysign(x, 1), [2.5, 1.5]),
    ],
)
def test_what_does_not_round_adds_nothing_and_stays_noisy(operation: Any, result: list[float]) -> None:
    answer = operation(noisy([2.5, -1.5]))
    assert plain(answer) == result
    assert plain(answer * 1) == [value + U * abs(value) for value in result]


def test_comparisons_and_tests_are_plain() -> None:
    x = noisy([1.0, 3.0])
    for answer, expected in ((x > 2, [False, True]), (np.isnan(x), [False, False]), (x < 2, [True, False])):
        assert not isinstance(answer, Noisy)
        assert answer.dtype == bool
        assert answer.tolist() == expected


def test_operation_with_two_results_rounds_neither() -> None:
    fraction, whole = np.modf(noisy([2.5]))
    assert (plain(fraction), plain(whole)) == ([0.5], [2])
    assert plain(whole + 1) == [3 + 3 * U]


def test_matmul_errs_like_the_root_of_half_its_terms() -> None:
    """3 * 1 + 4 * 1 = 7 of two terms: sqrt(2 / 2) sqrt(9 + 16) = 5 more. With six zeros besides, sqrt(8 / 2) * 5."""
    ones = np.ones((8, 1))
    assert plain(noisy([[3.0, 4.0]]) @ ones[:2]) == [[7 + 12 * U]]
    assert plain(noisy([[3.0, 4, 0, 0, 0, 0, 0, 0]]) @ ones) == [[7 + 17 * U]]
    assert plain(noisy([[-3.0, -4.0]]) @ ones[:2]) == [[-7 + 12 * U]]
    assert plain(np.array([[3.0, 2.0]]) @ noisy([[1.0], [2.0]])) == [[7 + 12 * U]]  # squares 9 + 16 again
    assert plain(noisy([[[3.0, 4, 0, 0, 0, 0, 0, 0]]] * 2) @ ones) == [[[7 + 17 * U]]] * 2


def test_squares_that_overflow_add_nothing() -> None:
    with np.errstate(over="ignore"):
        assert plain(noisy([[1e200, -1e200]]) @ np.ones((2, 1))) == [[0]]


def test_sum_errs_like_the_root_of_half_its_terms() -> None:
    """As above: 3 + 4 = 7 of two terms and of eight."""
    assert plain(np.add.reduce(noisy([[3.0, 4.0], [-3.0, -4.0]]), axis=1)) == [7 + 12 * U, -7 + 12 * U]
    assert plain(np.sum(noisy([[3.0, 4, 0, 0, 0, 0, 0, 0]] * 3), axis=1)) == [7 + 17 * U] * 3
    assert plain(np.sum(noisy([[3.0, 0], [4, 0], [0, 0], [0, 0]]))) == 7 + 17 * U
    assert plain(np.sum(noisy([[3.0], [4.0]]), axis=0, keepdims=True)) == [[7 + 12 * U]]
    assert plain(np.sum(noisy([[3.0, 4.0]]), axis=1, where=np.array([[True, False]]))) == [3 + 6 * U]


def test_sum_of_nothing_is_nothing() -> None:
    assert plain(np.add.reduce(noisy(np.zeros((2, 0))), axis=1)) == [0, 0]
    assert plain(np.add.reduce(noisy(np.zeros((0, 2))), axis=1)) == []


def test_sum_takes_noisy_arguments_besides_its_array() -> None:
    """`initial` 1: 1 + 3 + 4 = 8; the squares are those of the terms and, 1 again, of `initial`: 26."""
    total = np.add.reduce(noisy([3.0, 4.0]), initial=noisy(1.0))
    assert plain(total) == 8 + (8 + np.sqrt(26)) * U
    mask = noisy([1.0, 0.0]).astype(bool)
    assert plain(np.add.reduce(noisy([3.0, 4.0]), where=mask)) == 3 + 6 * U


def test_other_reductions_round_once() -> None:
    """A mean is a sum and a division; a product, a maximum and a running sum are no `add.reduce`."""
    assert plain(np.multiply.reduce(noisy([3.0, 4.0]))) == 12 + 12 * U
    assert plain(np.maximum.reduce(noisy([3.0, 4.0]))) == 4
    assert plain(np.add.accumulate(noisy([3.0, 4.0]))) == [3 + 3 * U, 7 + 7 * U]


def test_infinities_and_nans_stay_what_they_are() -> None:
    """An infinity with an error of infinity times u would be NaN."""
    x = noisy([INF, -INF, NAN, 1.0])
    x.source.generator.drawn = 0.0
    assert np.asarray(x + 1)[:2].tolist() == [INF, -INF]
    assert np.isnan(x + 1).tolist() == [False, False, True, False]
    x.source.generator.drawn = 1.0
    assert np.asarray(x + 1)[[0, 3]].tolist() == [INF, 2 + 2 * U]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("einsum", lambda x: np.einsum("i->", x)),
        ("tensordot", lambda x: np.tensordot(x, x)),
        ("dot", lambda x: np.dot(x, x)),
        ("inner", lambda x: np.inner(x, x)),
        ("vdot", lambda x: np.vdot(x, x)),
        ("convolve", lambda x: np.convolve(x, x)),
        ("cumsum", np.cumsum),
        ("norm", np.linalg.norm),
    ],
)
def test_functions_that_hide_their_sums_are_refused(name: str, call: Any) -> None:
    message = rf"^oracle functions use matmul or add\.reduce, not {name}: its sums hide their rounding$"
    with pytest.raises(TypeError, match=message):
        call(noisy([1.0, 2.0]))


def test_functions_that_move_data_keep_it_noisy() -> None:
    x = noisy([1.0, 2.0])
    assert plain(np.concatenate([x, np.zeros(1)]) + 1) == [2 + 2 * U, 3 + 3 * U, 1 + U]
    assert plain(np.where(np.array([True, False]), x, 0.0) + 1) == [2 + 2 * U, 1 + U]
    first, second = np.split(x, 2)
    assert (plain(first + 1), plain(second + 1)) == ([2 + 2 * U], [3 + 3 * U])
    assert isinstance(np.split(x, 2), list)
    assert isinstance(np.broadcast_arrays(x, x), tuple)
    assert (np.argsort(x).tolist(), np.shape(x)) == ([0, 1], (2,))


# The scale


HANDS_ON = Spec("keras", (Input("x", (2,)),), (Layer("Flatten", "y", {}, ("x",)),), ("y",))


def test_scale_is_the_root_mean_square_over_the_runs() -> None:
    """A layer that hands its input on: the error of a run is 2**-24 u, with u the generator's next number.

    PCG64(0) gives 0.6369616873 and 0.2697867138, so u = 2 r - 1 is 0.2739233746 and -0.4604265724. Of both
    sqrt((0.0750340 + 0.2119926) / 2) = 0.378831: in steps of 1/32 of the power of two below, 1.515 -> 1.5 times 2**-2.
    Of the first alone: 1.0957 * 2**-2 -> 1.09375 (35 / 32) * 2**-2.
    """
    inputs = {"x": np.array([[1.0]])}
    two = measure(HANDS_ON, {}, inputs, {"y": inputs["x"]}, runs=2)
    assert {name: scale.tolist() for name, scale in two.items()} == {"y": [[1.5 * 2.0**-26]]}
    assert two["y"].dtype == np.float32
    one = measure(HANDS_ON, {}, inputs, {"y": inputs["x"]}, runs=1)
    assert one["y"].tolist() == [[1.09375 * 2.0**-26]]


def test_scale_of_a_million_roundings() -> None:
    """The root mean square of a uniform number in (-1, 1) is sqrt(1 / 3): 2**-24 * 0.57735 = 3.4412e-8."""
    x = np.ones((1, 20000))
    scale = measure(HANDS_ON, {}, {"x": x}, {"y": x})["y"]
    assert np.sqrt(np.mean(np.square(scale.astype(float)))) == pytest.approx(3.4412e-8, rel=0.01)


def test_sixteen_runs_from_seed_0_unless_asked() -> None:
    inputs = {"x": np.array([[1.0, 2.0, 3.0]])}
    arguments: Any = (HANDS_ON, {}, inputs, {"y": inputs["x"]})
    scale = measure(*arguments)["y"].tolist()
    assert measure(*arguments, seed=0, runs=16)["y"].tolist() == scale
    assert measure(*arguments, seed=1)["y"].tolist() != scale
    assert measure(*arguments, runs=15)["y"].tolist() != scale


def test_weights_are_rounded_too() -> None:
    """0 * 1 + 1: the bias' own rounding, and that of the sum."""
    spec = Spec("keras", (Input("x", (1,)),), (Layer("Dense", "y", {"units": 1}, ("x",)),), ("y",))
    weights = {"y/kernel": np.array([[0.0]]), "y/bias": np.array([1.0])}
    scale = measure(spec, weights, {"x": np.array([[0.0]])}, {"y": np.array([[1.0]])}, runs=400)["y"]
    assert scale.item() == pytest.approx(np.sqrt(2 / 3) * U, rel=0.1)


def test_outputs_that_are_not_float_have_no_scale() -> None:
    x = np.array([[1, 2]], np.int32)
    scale = measure(HANDS_ON, {}, {"x": x}, {"y": x})["y"]
    assert (scale.tolist(), scale.dtype) == ([[0, 0]], np.float32)


def test_values_that_are_not_finite_have_no_scale() -> None:
    x = np.array([[INF, NAN, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # infinities are what some cases are about: nothing to warn of
        scale = measure(HANDS_ON, {}, {"x": x}, {"y": x})["y"]
    assert scale[0, :2].tolist() == [0, 0]
    assert scale[0, 2] > 0


def test_coarse_keeps_five_bits_of_mantissa_and_rounds_to_the_nearest() -> None:
    """Between 1 and 2 the step is 1/32, between 2 and 4 it is 1/16. Half a step goes up."""
    values = [0.0, 1.0, 1 + 1 / 32, 1 + 1 / 64, 1 + 1 / 64 - 2.0**-20, 1 + 3 / 64, 2 + 1 / 16, 2 + 1 / 64, 1.999]
    expected = [0.0, 1.0, 1 + 1 / 32, 1 + 1 / 32, 1.0, 1 + 2 / 32, 2 + 1 / 16, 2.0, 2.0]
    assert coarse(np.array(values)).tolist() == expected
    assert coarse(np.array([1.0])).dtype == np.float32
