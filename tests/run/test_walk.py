"""The walk over the miniature world: outcomes, blame, expectations, and workers that die or hang."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest

from harness.adapters.registry import Registry
from harness.adapters.routes import all_routes
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.results.events import Judgement, Result
from harness.run.walk import Walk
from harness.spec import Sample
from harness.workers.pool import Workers
from tests.miniatures import AnswersOddly, Copies, WritesIntoInputs, dense_case, plugin, registry


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    known = registry()
    with Workers((*known.formats, *known.hops, *known.runtimes)) as workers:
        walker = Walk(known, workers, limit=1)
        yield walker
        walker.close()


def along(walk: Walk, hop: str, seed: int = 0) -> Result:
    route = next(r for r in all_routes(walk.registry) if r.name == f"mini-{hop}")
    return walk.result(dense_case(seed), route)


def test_faithful_copy_passes(walk: Walk) -> None:
    result = along(walk, "copies")
    assert [stage.artifact for stage in result.stages] == ["mini", "mini2"]
    assert result.outcome.passes
    assert result.blame is None
    assert result.judgement is Judgement.PASSED
    assert result.replay == f"parity replay {result.case} --route mini-copies"


@pytest.mark.parametrize(
    ("hop", "outcome", "message"),
    [
        ("refuses", Outcome.REFUSED, "NotImplementedError: no converter for Dense"),
        ("writesnothing", Outcome.INVALID, "wrote no file"),
        ("writesrubbish", Outcome.INVALID, "JSONDecodeError"),
        ("doubles", Outcome.DIVERGENT, "noise units at layer"),
        ("bakes", Outcome.INVALID, "runs, but not with x ("),
        ("exits", Outcome.CRASH, "exit status 7"),
        ("killsitself", Outcome.CRASH, "SIGKILL"),
        ("sleeps", Outcome.HANG, "no answer within 5 s, in which it used less than 1 s"),
    ],
)
def test_fault_has_its_outcome_and_blame(walk: Walk, hop: str, outcome: Outcome, message: str) -> None:
    result = along(walk, hop)
    assert result.outcome is outcome
    assert result.blame == hop
    assert result.judgement is Judgement.FAILED
    assert message in result.message
    assert along(walk, "copies", seed=1).outcome.passes, "the next case must find a working worker"


def test_log_of_a_crash_is_kept(walk: Walk) -> None:
    assert "about to leave" in along(walk, "exits").stages[-1].log


def test_worker_killed_from_outside_costs_one_case(walk: Walk) -> None:
    """SIGKILL arrives while the worker is busy with a case; the cases before and after are untouched."""
    before = along(walk, "copies", seed=2)
    worker = walk.workers["mini"]
    victim = worker.pid

    def kill() -> None:
        time.sleep(0.5)
        assert victim is not None
        os.kill(victim, signal.SIGKILL)

    assassin = threading.Thread(target=kill)
    assassin.start()
    result = along(walk, "sleeps", seed=3)
    assassin.join()
    assert result.outcome is Outcome.CRASH
    assert "SIGKILL" in result.message
    after = along(walk, "copies", seed=2)
    assert [s.outcome for s in after.stages] == [s.outcome for s in before.stages]
    assert walk.workers["mini"].pid != victim
    assert not psutil.pid_exists(victim or 0) or psutil.Process(victim).status() == psutil.STATUS_ZOMBIE


def test_routes_of_a_case_share_their_beginning(walk: Walk) -> None:
    known = registry()
    routes = [r for r in all_routes(known) if r.name in {"mini-copies", "mini-doubles"}]
    results = walk.results(dense_case(4), routes)
    assert results[0].stages[0] is results[1].stages[0]


def test_answer_that_is_no_plain_data_is_invalid_and_the_worker_lives(walk: Walk) -> None:
    known = registry(Copies)
    odd = Registry(known.formats, known.hops, (known.runtimes[0], plugin(AnswersOddly, "runtimes")))
    with Workers((*odd.formats, *odd.hops, *odd.runtimes)) as workers:
        walker = Walk(odd, workers)
        result = walker.result(dense_case(), all_routes(odd)[0])
        walker.close()
        assert workers["mini"].starts == 1
    assert result.outcome is Outcome.INVALID
    assert "TypeError: expected plain data, an array, a path or a Spec" in result.message


def test_writing_into_the_inputs_is_seen_and_undone_for_the_next_call() -> None:
    known = registry(Copies)
    greedy = Registry(known.formats, known.hops, (known.runtimes[0], plugin(WritesIntoInputs, "runtimes")))
    with Workers((*greedy.formats, *greedy.hops, *greedy.runtimes)) as workers:
        walker = Walk(greedy, workers)
        result = walker.result(dense_case(), all_routes(greedy)[0])
        walker.close()
    assert result.outcome is Outcome.MUTATING
    assert result.message == "mutating at copies: the call writes into its inputs x"


def expectation(**changes: Any) -> Expectation:
    facts = {
        "id": "mini-refuses-dense",
        "route": "mini-refuses",
        "layer": ("Dense",),
        "outcome": (Outcome.REFUSED,),
        "blame": ("refuses",),
        "versions": ("numpy>=1",),
        "reason": "the miniature refuses every Dense layer",
        "link": "not reported upstream",
        "case": dense_case().id,
    }
    return Expectation(**{**facts, **changes})


def judged(walk: Walk, hop: str, **changes: Any) -> Result:
    walk.expectations = [expectation(**changes)]
    try:
        return along(walk, hop)
    finally:
        walk.expectations = ()


def test_expected_deviation_is_expected(walk: Walk) -> None:
    result = judged(walk, "refuses")
    assert result.judgement is Judgement.EXPECTED
    assert result.expectation is not None
    assert result.expectation.id == "mini-refuses-dense"


def test_deviation_that_no_longer_happens_fails(walk: Walk) -> None:
    result = judged(walk, "copies", route="mini-copies", blame=("copies",))
    assert result.judgement is Judgement.FAILED
    assert "fixed upstream: remove this" in result.message


def test_another_outcome_than_expected_fails(walk: Walk) -> None:
    result = judged(walk, "doubles", route="mini-doubles", blame=("refuses", "doubles"))
    assert result.judgement is Judgement.FAILED
    assert "says refused at refuses or doubles, but it is divergent" in result.message


def test_expectation_of_some_cases_speaks_of_those_that_say_so(walk: Walk) -> None:
    assert judged(walk, "refuses", says="no converter for").judgement is Judgement.EXPECTED
    other = judged(walk, "refuses", says="out of memory")
    assert (other.judgement, other.expectation) == (Judgement.FAILED, None)
    passes = judged(walk, "copies", route="mini-copies", blame=("copies",), says="no converter for")
    assert passes.judgement is Judgement.PASSED


def test_expectation_is_silent_about_converters_it_does_not_name(walk: Walk) -> None:
    assert judged(walk, "copies", route="mini-*").judgement is Judgement.PASSED


def test_condition_and_versions_narrow_an_expectation(walk: Walk) -> None:
    assert judged(walk, "refuses", when={"rank": [4]}).expectation is None
    assert judged(walk, "refuses", when={"rank": {"not": [4]}}).expectation is not None
    assert judged(walk, "refuses", versions=("numpy<1",)).expectation is None


def test_case_without_golden_or_of_another_dialect_is_refused(walk: Walk) -> None:
    case = dense_case()
    route = all_routes(walk.registry)[0]
    with pytest.raises(ValueError, match="no golden"):
        walk.result(replace(case, samples=(Sample(case.inputs),)), route)
