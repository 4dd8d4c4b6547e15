"""News: what is worse than in earlier legs of the same names, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis.legs import Leg, MatrixError
from harness.analysis.news import News, news
from harness.judge.record import Record
from harness.results.events import InconsistentResults
from tests.legs import GOOD, REFUSED, A, B, leg
from tests.two_runs import result

LATER = "2026-01-09T00:00:00+00:00"


def of(now: list[Leg], earlier: list[Leg]) -> News:
    return news(now, earlier, record=Record())


def pair(folder: Path, name: str, was: tuple[str, ...], now: tuple[str, ...], **versions: str) -> tuple[Leg, Leg]:
    (folder / "was").mkdir(exist_ok=True)
    before = leg(folder / "was", name, result(A, *was, message="no"))
    return before, leg(folder, name, result(A, *now, message="no"), started=LATER, **versions)


def test_what_is_new_is_one_sentence(tmp_path: Path) -> None:
    (old_a, new_a), (old_b, new_b) = (
        pair(tmp_path, "a", GOOD, GOOD),
        pair(tmp_path, "b", GOOD, REFUSED, onnx2torch="1.5.16"),
    )
    what = of([new_a, new_b], [old_a, old_b])
    assert what.sentence == (
        "New since 2026-01-02: 1 defect in 1 result, first in leg b: "
        "regression: onnx2torch refused (loud), 1 case, 1 result."
    )
    assert [(name, [str(each) for each in what.differences[1][1].environment]) for name, _ in what.worse] == [
        ("b", ["onnx2torch 1.5.15 -> 1.5.16"])
    ]


def test_nothing_new_and_what_is_fixed(tmp_path: Path) -> None:
    old, new = pair(tmp_path, "a", REFUSED, GOOD)
    assert of([new], [old]).sentence == "Nothing new since 2026-01-02 in 1 leg; 1 fixed."
    assert of([new], [old]).worse == ()


def test_legs_that_came_and_went_are_told(tmp_path: Path) -> None:
    (old, new), (other, fresh) = pair(tmp_path, "a", GOOD, GOOD), pair(tmp_path, "b", GOOD, GOOD)
    gone = Leg("c", other.results)
    assert of([new, fresh], [old, gone]).sentence == (
        "Nothing new since 2026-01-02 in 1 leg. New legs: b. Legs no longer run: c."
    )


def test_no_leg_of_the_same_name_is_an_error(tmp_path: Path) -> None:
    old, new = pair(tmp_path, "a", GOOD, GOOD)
    with pytest.raises(MatrixError, match="no leg has the name of an earlier one") as error:
        of([new], [Leg("z", old.results)])
    assert (error.value.expected, error.value.came) == ("results of a", "z")


def test_earlier_results_that_are_later_are_refused(tmp_path: Path) -> None:
    old, new = pair(tmp_path, "a", GOOD, GOOD)
    with pytest.raises(InconsistentResults, match="may be swapped"):
        of([old], [new])


def test_a_case_that_is_lost_is_new(tmp_path: Path) -> None:
    (tmp_path / "was").mkdir()
    old = leg(tmp_path / "was", "a", result(A, *GOOD), result(B, *GOOD))
    new = leg(tmp_path, "a", result(A, *GOOD), owed=[result(A, *GOOD).key, result(B, *GOOD).key], started=LATER)
    assert "first in leg a: lost: keras-tf2onnx-onnx2torch" in of([new], [old]).sentence
