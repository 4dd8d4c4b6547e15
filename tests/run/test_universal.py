"""Universal faults: each changes what it should, and a blanket under which one hides is found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from harness.adapters.routes import all_routes
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from harness.run.universal import REFUSE, SPOILING, Planted, hunt, table, tells
from harness.run.walk import Walk
from harness.spec import Exactness, Golden
from harness.workers.pool import Workers
from tests.judge.test_judgement import expectation
from tests.miniatures import Copies, Doubles, dense_case, registry

NAN = float("nan")


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    known = registry(Copies, Doubles)
    with Workers((*known.formats, *known.hops, *known.runtimes)) as workers:
        walker = Walk(known, workers)
        yield walker
        walker.close()


def planted(walk: Walk, hop: str = "copies") -> dict[str, bool]:
    route = next(route for route in all_routes(walk.registry) if route.name == f"mini-{hop}")
    return {each.fault: each.fails for each in hunt(walk, dense_case(), route)}


@pytest.mark.parametrize(
    ("fault", "value", "spoilt"),
    [
        ("scale and shift", [[2.0, -4.0]], [[4.0, -5.0]]),
        ("scale and shift", [[2, -4]], [[4, -5]]),
        ("scale and shift", [True, False], [False, True]),
        ("scale and shift", ["a", "b"], ["ax", "bx"]),
        ("rows exchanged", [[1.0], [1.0], [4.0], [3.0]], [[4.0], [1.0], [1.0], [3.0]]),
        ("rows exchanged", [[1.0], [1.0]], [[1.0], [1.0]]),
        ("one more axis", [[1.0, 2.0]], [[[1.0], [2.0]]]),
        ("NaN in one place", [[1.0, 2.0, 3.0]], [[1.0, NAN, 3.0]]),
        ("NaN in one place", [[1.0, NAN, 3.0]], [[1.0, NAN, NAN]]),
        ("NaN in one place", [[1, 2]], [[1, 2]]),
    ],
)
def test_what_a_fault_does(fault: str, value: list, spoilt: list) -> None:
    np.testing.assert_array_equal(SPOILING[fault](np.array(value)), np.array(spoilt))


def test_every_fault_behind_a_converter_that_agrees_fails(walk: Walk) -> None:
    assert planted(walk) == dict.fromkeys((REFUSE, *SPOILING), True)


def test_nothing_is_planted_behind_what_deviates(walk: Walk) -> None:
    assert planted(walk, "doubles") == {}


def test_an_expectation_under_which_a_fault_could_hide_is_found(walk: Walk) -> None:
    """It covers a case that passes. On record it would hide nothing."""
    case, exact = dense_case().id, (Cell(Outcome.EXACT, 0.0),)
    walk.expectations = [expectation(says="planted", blame=("copies",), route="mini-copies", layer=("Dense",))]
    try:
        assert [name for name, fails in planted(walk).items() if not fails] == [REFUSE]
        walk.record = Record({(case, "mini"): exact, (case, "mini-copies"): exact})
        assert all(planted(walk).values())
    finally:
        walk.expectations, walk.record = [], Record()


def test_nothing_is_planted_behind_what_is_random_on_record(walk: Walk) -> None:
    case, exact = dense_case().id, Cell(Outcome.EXACT, 0.0)
    walk.record = Record({(case, "mini"): (exact,), (case, "mini-copies"): (exact, Cell(Outcome.REFUSED))})
    try:
        assert planted(walk) == {}
    finally:
        walk.record = Record()


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ([1.0, 2.0], [1.0, 2.0], False),
        ([1.0, 2.0], [1.0, 2.0 + 1024 * 2**-20], False),
        ([1.0, 2.0], [1.0, 2.0 + 1025 * 2**-20], True),
        ([1.0, NAN], [1.0, NAN], False),
        ([1.0, 2.0], [1.0, NAN], True),
        ([1.0, np.inf], [1.0, -np.inf], True),
        ([1.0, 2.0], [[1.0], [2.0]], True),
        ([1, 2], [1, 3], True),
        ([1, 2], [1, 2], False),
    ],
)
def test_a_fault_is_more_than_rounding(right: list, wrong: list, told: bool) -> None:
    """The largest noise is 2**-20, and 1024 times that still passes as drift."""
    golden = Golden({"y": np.array(right)}, {"y": np.array([2.0**-30, 2.0**-20])}, Exactness.COMPUTES)
    assert tells(golden, (np.array(right),), (np.array(wrong),)) is told


def test_nothing_is_planted_behind_what_is_random(walk: Walk) -> None:
    """What is random may pass by chance, and may not then be said to fail."""
    walk.expectations = [expectation(random=True, blame=("copies",), route="mini-copies", layer=("Dense",))]
    try:
        assert planted(walk) == {}
    finally:
        walk.expectations = []


def test_the_table_has_a_line_for_each_converter_and_fault() -> None:
    each = [
        Planted("copies", layer, "refuse", f"c{k}", "r", fails)
        for k, (layer, fails) in enumerate([("Dense", True), ("Dense", True), ("GRU", False)])
    ]
    head, line = table(each)
    assert head.split() == ["converter", "universal", "fault", "layers", "cases", "failed"]
    assert line.split() == ["copies", "refuse", "2", "3", "2", "66.67", "%"]
    assert list(table([])) == []
