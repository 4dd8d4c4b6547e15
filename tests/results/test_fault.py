"""The stage at fault, over every sequence of outcomes of up to four stages."""

from __future__ import annotations

from itertools import product

import pytest

from harness.outcomes import Outcome
from harness.results.events import Judgement, Result, Stage, fault_of

LOUD = ("mutating", "divergent", "malformed", "refused", "invalid", "crash", "hang")
SEQUENCES = [outcomes for count in (1, 2, 3, 4) for outcomes in product(Outcome, repeat=count)]


def stages(outcomes: tuple[Outcome, ...]) -> list[Stage]:
    return [Stage("x", outcome, hop=f"hop{k}" if k else None) for k, outcome in enumerate(outcomes)]


def first_that_is_worse_than_the_one_before(outcomes: tuple[Outcome, ...]) -> int | None:
    """A stricter reading of blame: it must also be worse than the stage before it."""
    before = 0
    for place, outcome in enumerate(outcomes):
        if outcome.value in LOUD and outcome.severity > before:
            return place
        before = outcome.severity
    return None


def test_it_is_the_first_stage_that_does_not_pass() -> None:
    assert len(SEQUENCES) == 11110
    for outcomes in SEQUENCES:
        walked = stages(outcomes)
        places = [place for place, outcome in enumerate(outcomes) if outcome.value in LOUD]
        assert fault_of(walked) is (walked[places[0]] if places else None)
        assert (places[0] if places else None) == first_that_is_worse_than_the_one_before(outcomes)


@pytest.mark.parametrize(
    ("outcomes", "blame", "outcome"),
    [
        ((Outcome.DRIFT, Outcome.FAITHFUL), None, Outcome.DRIFT),
        ((Outcome.HANG,), "source", Outcome.HANG),
        ((Outcome.EXACT, Outcome.DIVERGENT, Outcome.INVALID), "hop1", Outcome.INVALID),
        ((Outcome.DRIFT, Outcome.FAITHFUL, Outcome.REFUSED), "hop2", Outcome.REFUSED),
        ((Outcome.EXACT, Outcome.CRASH, Outcome.FAITHFUL), "hop1", Outcome.CRASH),
    ],
)
def test_a_result_answers_for_its_stages(outcomes: tuple[Outcome, ...], blame: str | None, outcome: Outcome) -> None:
    judgement = Judgement.PASSED if blame is None else Judgement.FAILED
    result = Result("c", "keras", "Dense", "main", {}, "r", tuple(stages(outcomes)), judgement)
    assert (result.blame, result.outcome) == (blame, outcome)
    assert Result.from_json(result.to_json()) == result


@pytest.mark.parametrize("edit", [{"outcome": "exact"}, {"blame": "hop2"}, {"blame": None}])
def test_a_line_that_contradicts_its_stages_is_refused(edit: dict[str, str | None]) -> None:
    walked = stages((Outcome.EXACT, Outcome.CRASH, Outcome.FAITHFUL))
    line = Result("c", "keras", "Dense", "main", {}, "r", tuple(walked), Judgement.FAILED).to_json()
    with pytest.raises(ValueError, match=r"its stages say (crash|hop1)"):
        Result.from_json({**line, **edit})


def test_a_crash_that_is_counted_as_passed_is_refused() -> None:
    walked = stages((Outcome.EXACT, Outcome.CRASH))
    line = Result("c", "keras", "Dense", "main", {}, "r", tuple(walked), Judgement.FAILED).to_json()
    with pytest.raises(ValueError, match="case c on route r passed, its stages say crash"):
        Result.from_json({**line, "judgement": "passed"})
