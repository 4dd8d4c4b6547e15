"""What a stage and a result answer to the record, row by row of the table in docs/architecture.md."""

from __future__ import annotations

import pytest

from harness.judge.answers import answer_of, answered, is_worse
from harness.judge.record import Cell
from harness.outcomes import Metrics, Outcome
from harness.results.events import Answer, Stage


def stage(outcome: Outcome, units: float | None = None, hop: str | None = "hop") -> Stage:
    return Stage("onnx", outcome, hop=hop, metrics=Metrics(units=units))


def cells(*texts: str) -> tuple[Cell, ...]:
    return tuple(map(Cell.parse, texts))


@pytest.mark.parametrize(
    ("before", "now", "answer"),
    [
        (["faithful 0.5"], stage(Outcome.FAITHFUL, 0.7), Answer.SAME),
        (["faithful 0.5"], stage(Outcome.FAITHFUL, 2.1), Answer.DRIFT),
        (["faithful 0.5"], stage(Outcome.DIVERGENT, 2e6), Answer.REGRESSION),
        (["exact 0"], stage(Outcome.REFUSED), Answer.REGRESSION),
        (["exact 0"], stage(Outcome.MUTATING, 0.0), Answer.REGRESSION),
        (["refused"], stage(Outcome.FAITHFUL, 0.5), Answer.FIXED),
        (["refused"], stage(Outcome.REFUSED), Answer.SAME),
        (["refused"], stage(Outcome.INVALID), Answer.CHANGED),
        (["divergent 1e+06"], stage(Outcome.DIVERGENT, 2e6), Answer.SAME),
        (["divergent 1e+06"], stage(Outcome.DIVERGENT, 5e6), Answer.CHANGED),
        ([], stage(Outcome.REFUSED), Answer.NEW),
        ([], stage(Outcome.EXACT, 0.0), Answer.NEW),
        (["faithful 0.5", "invalid"], stage(Outcome.INVALID), Answer.SAME),
        (["faithful 0.5", "invalid"], stage(Outcome.FAITHFUL, 0.5), Answer.SAME),
        (["faithful 0.5", "invalid"], stage(Outcome.DIVERGENT, 1e6), Answer.REGRESSION),
        (["refused", "invalid"], stage(Outcome.CRASH), Answer.CHANGED),
    ],
)
def test_answer_of_a_stage(before: list[str], now: Stage, answer: Answer) -> None:
    assert answer_of(now, cells(*before)) is answer


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        ("refused", Outcome.DIVERGENT, True),  # silent now
        ("refused", Outcome.MALFORMED, True),
        ("refused", Outcome.MUTATING, True),
        ("refused", Outcome.INVALID, True),
        ("invalid", Outcome.REFUSED, False),
        ("hang", Outcome.CRASH, False),
        ("divergent 1e+06", Outcome.REFUSED, True),
    ],
)
def test_a_change_is_worse_if_it_is_silent_or_more_harmful(before: str, now: Outcome, worse: bool) -> None:
    assert is_worse(stage(now), cells(before)) is worse


def test_a_change_is_measured_by_the_worst_on_record() -> None:
    assert not is_worse(stage(Outcome.INVALID), cells("refused", "crash"))


SOURCE, GOOD = stage(Outcome.EXACT, 0.0, hop=None), stage(Outcome.FAITHFUL, 0.5)
BAD, REFUSES = stage(Outcome.DIVERGENT, 1e6), stage(Outcome.REFUSED)
EXACT, FINE, WRONG, NO = cells("exact 0"), cells("faithful 0.5"), cells("divergent 1e+06"), cells("refused")


def test_a_result_that_is_on_record_is_the_same() -> None:
    against = answered([SOURCE, GOOD, REFUSES], [EXACT, FINE, NO])
    assert (against.answer, against.fault, against.fails, against.recorded) == (Answer.SAME, Answer.SAME, False, "")


def test_a_regression_behind_a_known_deviation_is_one_all_the_same() -> None:
    against = answered([SOURCE, BAD, REFUSES], [EXACT, WRONG, FINE])
    assert (against.answer, against.place, against.fails) == (Answer.REGRESSION, 2, True)
    assert against.recorded == "faithful 0.5"


def test_a_change_behind_a_known_deviation_is_one_all_the_same() -> None:
    against = answered([SOURCE, BAD, BAD], [EXACT, WRONG, cells("divergent 1e+02")])
    assert (against.answer, against.place, against.fails) == (Answer.CHANGED, 2, True)


def test_of_two_regressions_the_first_stage_is_named() -> None:
    assert answered([SOURCE, BAD, BAD], [EXACT, FINE, FINE]).place == 1


def test_behind_a_fix_a_deviation_is_new_unless_the_stage_passed() -> None:
    """It has another artifact to start from."""
    against = answered([SOURCE, GOOD, BAD], [EXACT, NO, ()])
    assert (against.answer, against.fault, against.fails) == (Answer.NEW, Answer.NEW, False)
    against = answered([SOURCE, GOOD, BAD], [EXACT, WRONG, NO])
    assert (against.answer, against.fault, against.fails) == (Answer.NEW, Answer.NEW, False)
    against = answered([SOURCE, GOOD, BAD], [EXACT, WRONG, FINE])
    assert (against.answer, against.place, against.fails) == (Answer.REGRESSION, 2, True)


def test_a_fix_with_a_known_deviation_behind_it() -> None:
    against = answered([SOURCE, GOOD, REFUSES], [EXACT, WRONG, NO])
    assert (against.answer, against.place, against.fault) == (Answer.FIXED, 1, Answer.SAME)


def test_a_change_for_the_better_does_not_fail() -> None:
    against = answered([SOURCE, REFUSES], [EXACT, cells("invalid")])
    assert (against.answer, against.fails, against.recorded) == (Answer.CHANGED, False, "invalid")


def test_drift_and_what_is_new_and_passes() -> None:
    assert answered([SOURCE, stage(Outcome.FAITHFUL, 9.0)], [EXACT, FINE]).answer is Answer.DRIFT
    assert answered([SOURCE, GOOD], [EXACT, ()]).answer is Answer.NEW
    assert answered([SOURCE, GOOD], [EXACT, ()]).fault is None
