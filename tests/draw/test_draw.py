"""Drawing: covering arrays cover, weights reveal, profiles are what they are called, the same seed repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.catalogue import find, row, rows, rule, single
from harness.draw import Seeded, seeded_case
from harness.draw.cover import covered, covering_array

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


def test_an_axis_that_joins_later_changes_no_earlier_case() -> None:
    plain = find("keras", "ELU")
    wider = replace(plain, axes={**plain.axes, "more": (False, True)}, later={"more": (True,)})
    choice = plain.complete({})
    assert choice is not None
    assert seeded_case(wider, {**choice, "more": False}).id == seeded_case(plain, choice).id
    assert seeded_case(wider, {**choice, "more": True}).id != seeded_case(plain, choice).id
