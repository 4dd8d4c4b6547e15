"""Drawing: covering arrays cover, weights reveal, profiles are what they are called, the same seed repeats."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.catalogue import PROFILES, Draft, Weight, find, row, rows, rule, single
from harness.draw import Seeded, seeded_case
from harness.draw.cover import covered, covering_array
from harness.draw.inputs import LAWS, draw_inputs
from harness.draw.strategies import GATE, cases, choices
from harness.draw.weights import draw_weights

ROWS = {f"{row.dialect}-{row.layer}": row for row in rows()}


def source(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("name", ROWS)
def test_covering_array_covers_every_valid_pair(name: str) -> None:
    choices = covering_array(ROWS[name])
    have, valid = covered(ROWS[name], choices)
    assert have == valid > 0
    assert all(ROWS[name].allows(choice) for choice in choices)


@pytest.mark.parametrize("name", ROWS)
def test_sizes_are_found_for_any_choice(name: str) -> None:
    """Exploring draws choices that no golden has: each must leave sizes to pick from."""
    row, numbers = ROWS[name], source()
    for _ in range(100):
        choice: dict[str, object] = {}
        for axis, values in row.axes.items():
            possible = [value for value in values if row.possible({**choice, axis: value})]
            choice[axis] = possible[int(numbers.integers(len(possible)))]
        row.build(choice, Seeded(numbers))


def test_row_twice_and_rule_on_unknown_axis_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        row("keras", "Dense", axes={"a": (1,)})(lambda choice, fill: single("keras", "Dense", {}, [(1,)]))
    with pytest.raises(ValueError, match="unknown axes"):
        row("keras", "New", axes={"a": (1,)}, rules=[rule("b", reason="")(lambda b: True)])(
            lambda choice, fill: single("keras", "New", {}, [(1,)])
        )
    with pytest.raises(KeyError, match="known: "):
        find("keras", "Dance")


def test_same_seed_gives_the_same_case_and_another_another() -> None:
    dense = find("keras", "Dense")
    choice = covering_array(dense)[3]
    assert seeded_case(dense, choice, 1).id == seeded_case(dense, choice, 1).id != seeded_case(dense, choice, 2).id


def test_weights_are_never_alike() -> None:
    weights = draw_weights(
        {
            "kernel": Weight((6, 8), "kernel", fan_in=6),
            "recurrent": Weight((4, 16), "recurrent"),
            "gamma": Weight((5,), "gamma"),
            "variance": Weight((64,), "variance"),
        },
        source(),
    )
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
    for name in ("kernel", "recurrent"):
        columns = weights[name].T
        assert len({tuple(column) for column in columns}) == len(columns)
    assert (weights["gamma"] < 0).any()
    assert weights["variance"].min() >= 1e-4
    assert weights["variance"].max() <= 10
    with pytest.raises(ValueError, match="fan_in"):
        draw_weights({"kernel": Weight((2, 2), "kernel")}, source())


def draft(shape: tuple[int, ...]) -> Draft:
    return single("keras", "Dense", {}, [shape], batch=3)


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_is_float32_of_the_right_shape(profile: str) -> None:
    x = draw_inputs(draft((4, 5)), profile, source())["x"]
    assert x.shape == (3, 4, 5)
    assert x.dtype == np.float32


def test_profiles_are_what_they_are_called() -> None:
    shape = (4, 6, 5)
    assert (LAWS["negative"](shape, source()) < -1).all()
    lowest = LAWS["lowest"](shape, source())
    assert (lowest < 0).all()
    assert lowest.flat[0] == lowest.flat[-1] == np.finfo(np.float32).min
    assert np.isnan(LAWS["nan"](shape, source()).reshape(-1)[[0, 60, 119]]).all()
    assert {-0.5, 0.5, 2.5, 3} <= set(LAWS["spread"](shape, source()).reshape(-1).tolist())
    assert (LAWS["impulse"](shape, source()).sum(axis=(1, 2)) == 1).all()
    special = LAWS["special"](shape, source())
    assert np.isnan(special).any()
    assert {np.inf, -np.inf} <= set(special.reshape(-1).tolist())
    assert (np.signbit(special) & (special == 0)).any()
    assert 2**31 in LAWS["integer"](shape, source())
    ties = LAWS["ties"](shape, source())
    assert len(np.unique(ties)) <= 5
    rows_of_main = LAWS["main"](shape, source()).reshape(4, -1)
    assert all((a != b).any() for a, b in pairwise(rows_of_main))


@settings(settings.get_profile(GATE), max_examples=30)
@given(data=st.data(), name=st.sampled_from(sorted(ROWS)))
def test_drawn_choices_are_valid(data: st.DataObject, name: str) -> None:
    choice = data.draw(choices(ROWS[name]))
    assert ROWS[name].allows(choice)
    assert set(choice) == set(ROWS[name].axes)


@settings(settings.get_profile(GATE), max_examples=10)
@given(case=cases(find("keras", "Dense")))
def test_drawn_cases_have_goldens(case) -> None:  # type: ignore[no-untyped-def]
    assert case.golden.expected["layer"].shape == case.golden.noise["layer"].shape
    assert case.golden.noise["layer"].any()


def test_gate_profile_sets_every_key() -> None:
    """A key left out would be inherited from Hypothesis' own CI profile."""
    gate = settings.get_profile(GATE)
    assert gate.derandomize is True
    assert gate.deadline is None
    assert gate.database is None
