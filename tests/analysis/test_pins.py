"""Pins: the newest versions with which some layers are all good, worked out by hand."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.legs import Leg, side_by_side
from harness.analysis.matrix import Cell, matrix
from harness.analysis.pins import Pin, pins
from harness.outcomes import Outcome
from harness.report.matrix.view import cell, pin_lines
from tests.legs import BEFORE, GOOD, WRONG, A, B, C, leg
from tests.two_runs import ROUTE, result


def pin(*legs: Leg, layers: tuple[str, ...] = ("Dense",)) -> Pin:
    (single,) = [each for each in pins(matrix(side_by_side(legs)), layers) if each.chain == ROUTE]
    return single


def of(folder: Path, name: str, onnx2torch: str, torch: str, *ends: tuple[str, ...]) -> Leg:
    """A leg in which the cases A and B of Dense ended so."""
    results = [result(case, *end) for case, end in zip((A, B), ends, strict=False)]
    return leg(folder, name, *results, onnx2torch=onnx2torch, versions={"torch": torch})


def names(what: Pin) -> list[str]:
    return [each.name for each in what.newest]


def test_the_newest_good_leg_by_release_not_by_text(tmp_path: Path) -> None:
    what = pin(
        of(tmp_path, "a", "1.5.9", "2.15.0", GOOD, GOOD),
        of(tmp_path, "b", "1.5.10", "2.15.0", GOOD, GOOD),
        of(tmp_path, "c", "1.5.11", "2.15.0", GOOD, WRONG),
    )
    assert names(what) == ["b"]
    one = Cell(good=1, bad=1, worst=Outcome.DIVERGENT)
    assert [(fit.leg.name, fit.bad) for fit in what.fits] == [("a", ()), ("b", ()), ("c", (("Dense", one),))]


def test_several_are_newest_if_each_is_newer_in_something(tmp_path: Path) -> None:
    what = pin(
        of(tmp_path, "a", "1.5.9", "2.15.0", GOOD),
        of(tmp_path, "b", "1.5.10", "2.14.0", GOOD),
        of(tmp_path, "c", "1.5.9", "2.14.0", GOOD),
        of(tmp_path, "d", "1.5.10", "2.15.0", WRONG),
    )
    assert names(what) == ["a", "b"]
    assert what.pairs == (
        (("onnx2torch", "1.5.9"), ("torch", "2.15.0")),
        (("onnx2torch", "1.5.10"), ("torch", "2.14.0")),
    )


def test_a_layer_that_a_leg_did_not_run_is_not_good(tmp_path: Path) -> None:
    old = leg(tmp_path, "old", result(A, *GOOD), result(C, *GOOD), onnx2torch="1.5.9")
    new = leg(tmp_path, "new", result(A, *GOOD), onnx2torch="1.5.10")
    what = pin(old, new, layers=("Dense", "Conv2D"))
    assert names(what) == ["old"]
    assert [(fit.leg.name, fit.missing) for fit in what.fits] == [("old", ()), ("new", ("Conv2D",))]


def test_a_pair_is_good_if_every_leg_with_it_is(tmp_path: Path) -> None:
    legs = [of(tmp_path, "a", "1.5.10", "2.15.0", GOOD), of(tmp_path, "b", "1.5.10", "2.15.0", WRONG)]
    old = of(tmp_path, "c", "1.5.9", "2.14.0", GOOD)
    assert pin(*legs, old).pairs == ((("onnx2torch", "1.5.9"), ("torch", "2.14.0")),)


def test_where_none_is_good_the_nearest_is_told(tmp_path: Path) -> None:
    what = pin(
        of(tmp_path, "a", "1.5.9", "2.15.0", WRONG, WRONG),
        of(tmp_path, "b", "1.5.10", "2.15.0", GOOD, WRONG),
        of(tmp_path, "c", "1.5.11", "2.15.0", WRONG, GOOD),
    )
    assert (what.newest, what.pairs) == ((), ())
    assert what.nearest is not None
    assert (what.nearest.leg.name, what.nearest.cases) == ("c", 1)


def test_the_advice_counts_as_the_table_does(tmp_path: Path) -> None:
    """Of what lies behind a failure the table's cell says nothing, but who pins the layer needs it to pass."""
    c = "keras-Dense-b9"
    whole = matrix(
        side_by_side(
            [
                leg(tmp_path, v, result(A, *GOOD), result(B, *WRONG), result(c, *BEFORE), onnx2torch=f"1.5.{v}")
                for v in ("9", "10")
            ]
        )
    )
    (table,) = [each for each in whole.tables if each.chain.name == ROUTE]
    assert cell(table.rows[0].cells["10"]) == "divergent 1/2"
    (line,) = [text for pin in pins(whole, ("Dense",)) for text in pin_lines(pin) if text.startswith(f"{ROUTE}: ")]
    assert line == (
        f"{ROUTE}: no leg is all good, of 2 that ran these layers; nearest is 10, where 2 cases do not pass: "
        "Dense 1/2 and 1 behind a failure"
    )


def test_where_no_leg_ran_all_layers_there_is_no_nearest(tmp_path: Path) -> None:
    legs = [of(tmp_path, name, f"1.5.{name}", "2.15.0", GOOD) for name in ("9", "10")]
    assert pin(*legs, layers=("Dense", "LSTM")).nearest is None


def test_what_fails_before_the_end_of_the_chain_is_not_good(tmp_path: Path) -> None:
    what = pin(of(tmp_path, "a", "1.5.9", "2.15.0", GOOD), of(tmp_path, "b", "1.5.10", "2.15.0", BEFORE))
    assert names(what) == ["a"]


def test_a_chain_that_no_difference_concerns_has_no_pin(tmp_path: Path) -> None:
    legs = [of(tmp_path, name, f"1.5.{name}", "2.15.0", GOOD) for name in ("9", "10")]
    assert [each.chain for each in pins(matrix(side_by_side(legs)), ("Dense",))] == [ROUTE]
    assert pins(matrix(side_by_side(legs)), ("LSTM",)) == ()


def test_legs_of_longer_routes_count_for_the_chains_within(tmp_path: Path) -> None:
    legs = [leg(tmp_path, v, result(A, *GOOD), versions={"tf2onnx": v}) for v in ("1.16.0", "1.17.0")]
    short = next(each for each in pins(matrix(side_by_side(legs)), ("Dense",)) if each.chain == "keras-tf2onnx")
    assert (names(short), short.components) == (["1.17.0"], ("tf2onnx",))
