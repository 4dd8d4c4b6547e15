"""Which results get graphs, and what becomes of a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.adapters.routes import Route, all_routes
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.results.events import Judgement, Result
from harness.results.evidence import Node
from harness.run import graphs
from harness.run.graphs import MOST_RESULTS, Graphs
from harness.run.walk import Walk
from harness.spec import Case
from harness.trace.request import Subject, TraceError
from harness.trace.trace import Trace
from harness.workers.pool import Workers
from tests.miniatures import Doubles, dense_case, registry

NODE = Node("n", "Add", local=2000.0)


class Cupboard:
    """Stands for kept steps."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str, int, str], bytes] = {}

    def beside(self, case: Case, route: Route, place: int, what: str) -> bytes | None:
        return self.data.get((case.id, route.name, place, what))

    def keep_beside(self, case: Case, route: Route, place: int, what: str, data: bytes) -> None:
        self.data[case.id, route.name, place, what] = data


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Subject]:
    """The subjects of traces that were asked for; each has one node, which is at fault."""
    subjects: list[Subject] = []

    def trace(worker: Any, subject: Subject, limit: float) -> Trace:
        assert subject.artifact.exists()
        subjects.append(subject)
        return Trace("onnx", (NODE,), "so")

    monkeypatch.setattr(graphs, "trace", trace)
    monkeypatch.setattr(graphs, "MODULES", {"mini": "", "mini2": ""})
    return subjects


@pytest.fixture
def walk() -> Iterator[Walk]:
    known = registry(Doubles)
    with Workers((*known.formats, *known.hops, *known.runtimes)) as workers:
        opened = Walk(known, workers)
        yield opened
        opened.close()


CASE = dense_case()
EXPECTATION = Expectation(
    id="e", route="*", layer=("*",), outcome=(Outcome.DIVERGENT,), blame=("doubles",), versions=(), reason="so",
    link="", case=CASE.id,
)  # fmt: skip


def route_of(walk: Walk) -> Route:
    return next(route for route in all_routes(walk.registry) if route.hops)


def result_of(walk: Walk) -> Result:
    result = walk.result(CASE, route_of(walk))
    assert (result.judgement, result.fault is not None) == (Judgement.FAILED, True)
    return result


def graphs_of(result: Result) -> list[tuple[Node, ...] | None]:
    return [
        None if stage.evidence is None or stage.evidence.graph is None else stage.evidence.graph.nodes
        for stage in result.stages
    ]


def test_every_stage_of_a_result_that_fails_has_a_graph(walk: Walk, asked: list[Subject]) -> None:
    result = Graphs(walk).added(CASE, route_of(walk), result_of(walk))
    assert graphs_of(result) == [(NODE,), (NODE,)]
    assert [subject.format for subject in asked] == ["mini", "mini2"]
    assert asked[0].spec == CASE.spec
    assert [value.tolist() for value in asked[0].outputs] == [value.tolist() for value in CASE.golden.expected.values()]
    evidence = result.stages[1].evidence
    assert evidence.tensor is not None
    assert evidence.note == "so"
    assert result == result_of(walk)  # evidence is no part of what happened


def test_a_deviation_as_expected_has_none_unless_its_case_is_minimal(walk: Walk, asked: list[Subject]) -> None:
    expected = replace(result_of(walk), judgement=Judgement.EXPECTED)
    assert graphs_of(Graphs(walk).added(CASE, route_of(walk), expected)) == [None, None]
    walk.expectations = [replace(EXPECTATION, case="keras-Dense-other")]
    assert graphs_of(Graphs(walk).added(CASE, route_of(walk), expected)) == [None, None]
    walk.expectations = [EXPECTATION]
    assert graphs_of(Graphs(walk).added(CASE, route_of(walk), expected)) == [(NODE,), (NODE,)]


def test_an_empty_batch_and_what_comes_late_have_none(walk: Walk, asked: list[Subject]) -> None:
    result = result_of(walk)
    made = Graphs(walk)
    assert graphs_of(made.added(CASE, route_of(walk), replace(result, case=result.case + "+empty"))) == [None, None]
    made.results = MOST_RESULTS
    assert graphs_of(made.added(CASE, route_of(walk), result)) == [None, None]
    assert asked == []


def test_what_cannot_be_traced_is_noted(walk: Walk, asked: list[Subject], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(worker: Any, subject: Subject, limit: float) -> Trace:
        raise TraceError("it was not traced: ValueError: no")

    monkeypatch.setattr(graphs, "trace", refuse)
    result = Graphs(walk).added(CASE, route_of(walk), result_of(walk))
    assert graphs_of(result) == [None, None]
    assert result.stages[1].evidence.note == "it was not traced: ValueError: no"
    assert result.stages[1].evidence.tensor is not None


def test_a_trace_is_made_once_for_a_case(walk: Walk, asked: list[Subject]) -> None:
    made = Graphs(walk)
    for _ in range(2):
        made.added(CASE, route_of(walk), result_of(walk))
    assert len(asked) == 2


def test_traces_of_deviations_as_expected_are_kept(walk: Walk, asked: list[Subject]) -> None:
    cupboard: Any = Cupboard()
    Graphs(walk, cupboard).added(CASE, route_of(walk), result_of(walk))
    assert cupboard.data == {}
    expected = replace(result_of(walk), judgement=Judgement.EXPECTED)
    walk.expectations = [EXPECTATION]
    for _ in range(2):
        result = Graphs(walk, cupboard).added(CASE, route_of(walk), expected)
        assert graphs_of(result) == [(NODE,), (NODE,)]
    assert len(asked) == 4  # two of the failing result, two that were kept
    assert [place for _, _, place, _ in cupboard.data] == [0, 1]
