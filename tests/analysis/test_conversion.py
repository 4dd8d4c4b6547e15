"""Which cases came to an answer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.analysis.conversion import converted
from harness.outcomes import Outcome


def result(case, route, *outcomes):
    return SimpleNamespace(case=case, route=route, stages=[SimpleNamespace(outcome=outcome) for outcome in outcomes])


@pytest.mark.parametrize(
    ("outcome", "answers"),
    [
        (Outcome.EXACT, True),
        (Outcome.DRIFT, True),
        (Outcome.DIVERGENT, True),
        (Outcome.MALFORMED, True),
        (Outcome.REFUSED, False),
        (Outcome.INVALID, False),
        (Outcome.CRASH, False),
        (Outcome.HANG, False),
    ],
)
def test_an_answer_may_be_wrong_but_must_be_there_at_every_stage(outcome, answers):
    assert converted([result("one", "a-b", Outcome.EXACT, outcome, Outcome.EXACT)]) == {"a-b": {"one": answers}}


def test_cases_are_kept_by_route():
    results = [
        result("one", "a-b", Outcome.EXACT),
        result("one", "a-c", Outcome.REFUSED),
        result("two", "a-b", Outcome.INVALID),
    ]
    assert converted(results) == {"a-b": {"one": True, "two": False}, "a-c": {"one": False}}
