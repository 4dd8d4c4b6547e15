"""The comparator's own planted faults and controls: 18 of 18 noticed, 0 of 6 false alarms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.draw import with_golden
from harness.judge.compare import compare, picture, slice_magnitude
from harness.outcomes import DRIFT, FAITHFUL, Outcome
from harness.spec import Array, Case, Exactness, Golden, Input, Layer, Sample, Spec

SIDE = 7


def dense_case(scale: float = 1.0) -> Case:
    """Two Dense layers on a (2, 7, 7, 7) input: every axis but the batch of one size, two outputs of one shape."""
    source = np.random.Generator(np.random.PCG64(3))
    layers = tuple(Layer("Dense", name, {"units": SIDE}, ("x",)) for name in ("a", "b"))
    spec = Spec("keras", (Input("x", (SIDE, SIDE, SIDE)),), layers, ("a", "b"))
    weights = {}
    for name in ("a", "b"):
        weights[f"{name}/kernel"] = source.normal(0, SIDE**-0.5, (SIDE, SIDE)).astype(np.float32)
        weights[f"{name}/bias"] = (scale * source.normal(0, 0.5, SIDE)).astype(np.float32)
    inputs = {"x": (scale * source.normal(size=(2, SIDE, SIDE, SIDE))).astype(np.float32)}
    return with_golden(Case(spec, "Dense", {}, weights, (Sample(inputs),)))


def outputs_of(case: Case) -> list[Array]:
    assert case.golden
    return [value.astype(np.float32) for value in case.golden.expected.values()]


def set_at(array: Array, place: tuple[int, ...], value: float) -> Array:
    changed = array.copy()
    changed[place] = value
    return changed


Fault = Callable[[list[Array]], list[Array | None]]
FAULTS: dict[str, Fault] = {
    "axes swapped with the same shape": lambda y: [y[0].swapaxes(1, 2), y[1]],
    "batch flattened": lambda y: [y[0].reshape(-1, SIDE, SIDE), y[1]],
    "channels reversed": lambda y: [y[0][..., ::-1], y[1]],
    "shift by one": lambda y: [np.roll(y[0], 1, axis=1), y[1]],
    "sign flipped": lambda y: [-y[0], y[1]],
    "one element off": lambda y: [set_at(y[0], (1, 2, 3, 4), float(y[0][1, 2, 3, 4]) + 0.01), y[1]],
    "epsilon fault of 5e-4": lambda y: [y[0] * np.float32(1 + 5e-4), y[1]],
    "NaN appeared": lambda y: [set_at(y[0], (0, 0, 0, 0), np.nan), y[1]],
    "float32 became float64": lambda y: [y[0].astype(np.float64), y[1]],
    "a kept dimension 7 became 1": lambda y: [y[0][:, :1], y[1]],
    "second output missing": lambda y: [y[0]],
    "extra output": lambda y: [*y, y[0]],
    "outputs swapped": lambda y: [y[1], y[0]],
    "second output wrong": lambda y: [y[0], y[1] + 1],
    "second output None": lambda y: [y[0], None],
    "infinity became the largest float32": lambda y: [np.where(np.isinf(y[0]), np.finfo(np.float32).max, y[0]), y[1]],
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_noticed(name: str) -> None:
    case = dense_case()
    if name.startswith("infinity"):
        x = set_at(case.inputs["x"], (0, 0, 0, 0), np.inf)
        case = with_golden(Case(case.spec, case.subject, {}, case.weights, (Sample({"x": x}),)))
    assert case.golden
    wrong = FAULTS[name](outputs_of(case))
    assert not compare(case.golden, wrong).outcome.passes


def test_tiny_output_that_became_zero_is_noticed() -> None:
    case = dense_case(1e-8)
    assert case.golden
    first, second = outputs_of(case)
    assert compare(case.golden, [np.zeros_like(first), second]).outcome is Outcome.DIVERGENT


def test_moved_nan_is_noticed() -> None:
    case = dense_case()
    x = set_at(case.inputs["x"], (0, 1, 1, 0), np.nan)
    case = with_golden(Case(case.spec, case.subject, {}, case.weights, (Sample({"x": x}),)))
    assert case.golden
    first, second = outputs_of(case)
    comparison = compare(case.golden, [np.roll(first, 1, axis=2), second])
    assert comparison.outcome is Outcome.DIVERGENT
    assert "non-finite" in comparison.message


def passes(case: Case, outputs: list[Array]) -> bool:
    assert case.golden
    return compare(case.golden, list(outputs)).outcome.passes


def test_identical_passes_as_exact() -> None:
    case = dense_case()
    assert case.golden
    assert compare(case.golden, list(outputs_of(case))).outcome is Outcome.EXACT


def test_float32_noise_passes() -> None:
    case = dense_case()
    source = np.random.Generator(np.random.PCG64(1))
    noisy = [(y * (1 + 3e-7 * source.uniform(-1, 1, y.shape))).astype(np.float32) for y in outputs_of(case)]
    assert case.golden
    assert compare(case.golden, list(noisy)).outcome is Outcome.FAITHFUL


def test_identical_tiny_passes() -> None:
    case = dense_case(1e-8)
    assert passes(case, outputs_of(case))


def test_identical_with_nan_passes() -> None:
    case = dense_case()
    case = with_golden(
        Case(
            case.spec, case.subject, {}, case.weights, (Sample({"x": set_at(case.inputs["x"], (1, 0, 0, 0), np.nan)}),)
        )
    )
    assert passes(case, outputs_of(case))


@pytest.mark.parametrize(("scale", "error"), [(1.0, 3e-8), (1e3, 3e-5)])
def test_cancelled_sum_passes(scale: float, error: float) -> None:
    """x - (x + small): the answer is near zero, its rounding error is that of the terms."""
    spec = Spec("keras", (Input("x", (2,)),), (Layer("Dense", "a", {"units": 1}, ("x",)),), ("a",))
    weights = {"a/kernel": np.array([[1.0], [-1.0]], np.float32), "a/bias": np.zeros(1, np.float32)}
    x = np.array([[scale, scale * (1 + 2**-20)]], np.float32)
    case = with_golden(Case(spec, "Dense", {}, weights, (Sample({"x": x}),)))
    assert passes(case, [outputs_of(case)[0] + np.float32(error)])


def golden(value: list[float], exactness: Exactness) -> Golden:
    expected = np.array([value])
    return Golden({"y": expected}, {"y": np.zeros(expected.shape, np.float32)}, exactness)


def test_moving_layer_must_keep_the_sign_of_zero_and_selecting_layer_need_not() -> None:
    got = np.array([[0.0, 1.0]], np.float32)
    assert compare(golden([-0.0, 1.0], Exactness.MOVES), [got]).outcome is Outcome.DIVERGENT
    assert compare(golden([-0.0, 1.0], Exactness.SELECTS), [got]).outcome is Outcome.EXACT


def test_layer_that_moves_data_has_no_tolerance() -> None:
    got = np.array([[np.nextafter(np.float32(1), np.float32(2))]], np.float32)
    assert compare(golden([1.0], Exactness.COMPUTES), [got]).outcome is Outcome.FAITHFUL
    comparison = compare(golden([1.0], Exactness.MOVES), [got])
    assert comparison.outcome is Outcome.DIVERGENT
    assert "bit-identical" in comparison.message


@pytest.mark.parametrize(
    ("units", "outcome"),
    [(FAITHFUL * 0.9, Outcome.FAITHFUL), (FAITHFUL * 1.1, Outcome.DRIFT), (DRIFT * 1.1, Outcome.DIVERGENT)],
)
def test_edges_of_the_grades(units: float, outcome: Outcome) -> None:
    stored = Golden({"y": np.array([[1.0]])}, {"y": np.array([[2.0**-20]], np.float32)}, Exactness.COMPUTES)
    assert compare(stored, [np.array([[1 + units * 2.0**-20]], np.float32)]).outcome is outcome


def test_componentwise_units_can_drift_but_not_diverge() -> None:
    stored = Golden({"y": np.array([[1.0, 1e-12, 0.0]])}, {"y": np.zeros((1, 3), np.float32)}, Exactness.COMPUTES)
    comparison = compare(stored, [np.array([[1.0, 2e-12, 0.0]], np.float32)])
    assert comparison.outcome is Outcome.DRIFT
    assert (comparison.metrics.componentwise or 0) > DRIFT > FAITHFUL > (comparison.units or 0)
    assert compare(stored, [np.array([[1.0, 1e-12, 1e-9]], np.float32)]).outcome is Outcome.FAITHFUL


def test_overflow_at_the_edge_of_float32_may_be_infinite() -> None:
    stored = golden([3.4028e38, 1e300], Exactness.COMPUTES)
    assert compare(stored, [np.array([[np.inf, np.inf]], np.float32)]).outcome.passes
    assert not compare(stored, [np.array([[-np.inf, np.inf]], np.float32)]).outcome.passes


def test_renamed_outputs_are_free_but_exchanged_names_are_malformed() -> None:
    case = dense_case()
    assert case.golden
    outputs = list(outputs_of(case))
    assert compare(case.golden, outputs, ["Identity:0", "Identity_1:0"]).outcome is Outcome.EXACT
    assert compare(case.golden, outputs, ["b", "a"]).outcome is Outcome.MALFORMED


def test_integers_and_bools_are_compared_exactly() -> None:
    stored = Golden({"y": np.array([1, 2], np.int32)}, {"y": np.zeros(2, np.float32)}, Exactness.COMPUTES)
    assert compare(stored, [np.array([1, 2], np.int32)]).outcome is Outcome.EXACT
    assert compare(stored, [np.array([1, 3], np.int32)]).outcome is Outcome.DIVERGENT
    assert compare(stored, [np.array([1, 2], np.int64)]).outcome is Outcome.MALFORMED


def test_empty_batch_is_exact() -> None:
    stored = Golden({"y": np.zeros((0, 3))}, {"y": np.zeros((0, 3), np.float32)}, Exactness.COMPUTES)
    assert compare(stored, [np.zeros((0, 3), np.float32)]).outcome is Outcome.EXACT


def test_slice_of_an_image_is_one_sample_and_channel() -> None:
    expected = np.zeros((2, 3, 3, 2))
    expected[0, 1, 0, 0], expected[1, 2, 2, 1] = 5, 7
    size = slice_magnitude(expected, -1)
    assert size[0, 0, 0, 0] == 5
    assert size[0, 0, 0, 1] == 0
    assert size[1, 0, 2, 1] == 7
    assert slice_magnitude(expected, 1)[0, 1, 2, 1] == 5


def test_slice_of_a_sequence_is_one_sample() -> None:
    expected = np.zeros((2, 3, 2))
    expected[0, 1, 0], expected[1, 2, 1] = 5, 7
    size = slice_magnitude(expected, -1)
    assert (size[0] == 5).all()
    assert (size[1] == 7).all()


def test_picture_is_small_and_shows_the_place() -> None:
    units = np.zeros((4, 40, 40))
    units[3, 39, 39], units[0, 0, 0] = np.inf, 4.0
    drawn = picture(units)
    assert drawn is not None
    assert len(drawn) == 16
    assert {len(row) for row in drawn} == {16}
    assert drawn[-1][-1] == "z"
    assert drawn[0][0] == "3"
