"""What a whole results file answers, by hand: the sentence, the exit code, the order and the counts."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

import harness.results.file
from harness.outcomes import Metrics, Outcome
from harness.results.events import ExpectationNote, Footer, Header, Judgement, Result, RouteStatus, Stage
from harness.results.file import Results, Writer

FOOTER = Footer("2026-01-02T03:04:05+00:00", 1.0, 0, {}, {})
NOTE = ExpectationNote("known", Outcome.REFUSED, "why")


def header(floor: int = 1, *routes: str) -> Header:
    return Header(("parity", "run"), {}, tuple(RouteStatus(route) for route in routes), floor=floor)


def result(case: str, route: str = "a", outcome: Outcome = Outcome.EXACT, judgement: str = "passed") -> Result:
    stage = Stage("keras", outcome, metrics=Metrics(units=2.0))
    return Result(case, "keras", "ReLU", "main", {}, route, (stage,), Judgement(judgement))


def refused(case: str, judgement: str) -> Result:
    return result(case, outcome=Outcome.REFUSED, judgement=judgement)


def whole(*results: Result, floor: int = 1) -> Results:
    return Results(header(floor), results, FOOTER)


ONE = result("c1")


@pytest.mark.parametrize(
    ("results", "sentence", "exit_code"),
    [
        (whole(ONE), "Nothing that matters is wrong: 1 result of 1 case along 1 route agree.", 0),
        (
            whole(ONE, result("c1", "b"), result("c2")),
            "Nothing that matters is wrong: 3 results of 2 cases along 2 routes agree.",
            0,
        ),
        (
            whole(ONE, refused("c2", "expected")),
            "Nothing unexpected: 1 of 2 results of 2 cases along 1 route agree, 1 deviates as expected.",
            0,
        ),
        (
            whole(ONE, refused("c2", "expected"), refused("c3", "expected")),
            "Nothing unexpected: 1 of 3 results of 3 cases along 1 route agree, 2 deviate as expected.",
            0,
        ),
        (whole(ONE, refused("c2", "failed")), "1 of 2 results of 2 cases along 1 route failed.", 1),
        (
            whole(refused("c1", "failed"), refused("c2", "expected")),
            "1 of 2 results of 2 cases along 1 route failed. 1 more deviates as expected.",
            1,
        ),
        (
            whole(refused("c1", "failed"), refused("c2", "expected"), refused("c3", "expected")),
            "1 of 3 results of 3 cases along 1 route failed. 2 more deviate as expected.",
            1,
        ),
        (
            whole(ONE, floor=2),
            "The run did too little: 1 result of 1 case along 1 route, expected at least 2 results.",
            1,
        ),
        (
            whole(floor=0),
            "The run did too little: 0 results of 0 cases along 0 routes, expected at least 1 result.",
            1,
        ),
        (
            Results(header(5), (ONE, refused("c2", "failed"))),
            "The run was cut: it has no end. It got to 2 results of 2 cases along 1 route; 1 failed.",
            1,
        ),
        (
            whole(*(result(f"c{number}") for number in range(1234))),
            "Nothing that matters is wrong: 1,234 results of 1,234 cases along 1 route agree.",
            0,
        ),
    ],
)
def test_sentence_and_exit_code(results: Results, sentence: str, exit_code: int) -> None:
    assert results.sentence == sentence
    assert (results.exit_code, results.passed) == (exit_code, exit_code == 0)


@pytest.mark.parametrize(("floor", "below"), [(1, False), (2, False), (3, True)])
def test_floor_is_what_a_run_owes(floor: int, below: bool) -> None:
    assert whole(ONE, result("c2"), floor=floor).below_floor is below


def test_routes_are_in_the_headers_order_and_others_after_them_by_name() -> None:
    results = tuple(result("c", route) for route in ("z", "b", "a", "y"))
    assert list(Results(header(1, "b", "unused", "a"), results, FOOTER).routes) == ["b", "a", "y", "z"]


def test_counts_are_in_the_order_of_harm_without_zeros() -> None:
    results = whole(refused("c1", "failed"), refused("c2", "expected"), ONE, refused("c3", "failed"))
    assert list(results.outcomes.items()) == [("exact", 1), ("refused", 3)]
    assert list(results.judgements.items()) == [("passed", 1), ("expected", 1), ("failed", 2)]
    assert results.failures == (results.results[0], results.results[3])
    assert results.expected == (results.results[1],)


def test_cell_answers_for_its_results() -> None:
    cell = whole(ONE, refused("c2", "failed")).matrix["keras", "ReLU"]["a"]
    assert (cell.worst, cell.units) == (Outcome.REFUSED, 2.0)
    assert (cell.outcomes, cell.judgements) == ({"exact": 1, "refused": 1}, {"passed": 1, "failed": 1})


def test_results_are_frozen() -> None:
    results = whole(ONE)
    with pytest.raises(FrozenInstanceError):
        results.results = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        results.routes["a"].results = ()  # type: ignore[misc]


# Writing


def test_writer_counts_and_takes_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 100 to 101.23456 seconds on the clock: 1.235, in whole milliseconds. Folders are made on the way.

    The machine's load is looked at after each result and at the end.
    """
    path = tmp_path / "deep" / "deeper" / "results.ndjson"
    loads = iter([0.5, 1.5, 7.25, 0.25, 0.5, 0.75])
    monkeypatch.setattr(harness.results.file, "load", lambda: next(loads))
    clock = iter([100.0, 101.23456])
    monkeypatch.setattr(harness.results.file.time, "monotonic", lambda: next(clock))
    with Writer(path, header()) as writer:
        for item in (ONE, result("c2"), refused("c3", "expected"), refused("c4", "expected"), refused("c5", "failed")):
            writer.add(item)
    footer = json.loads(path.read_bytes().split(b"\n")[-2])
    assert footer.pop("finished")
    assert footer == {
        "event": "footer",
        "seconds": 1.235,
        "results": 5,
        "outcomes": {"exact": 2, "refused": 3},
        "judgements": {"passed": 2, "expected": 2, "failed": 1},
        "load": 7.25,
    }
    assert path.read_bytes().startswith(b'{"event":"header","schema":3,"started":"')


def test_writer_begins_a_file_anew_and_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "results.ndjson"
    path.write_text("something else\n" * 100)
    writer = Writer(path, header()).open()
    file: Any = writer._file
    writer.add(ONE)
    writer.close()
    assert file.closed
    assert len(Results.load(path).results) == 1
    writer.open().abandon()
    assert Results.load(path, cut_ok=True).cut


def test_writer_abandons_what_was_never_begun(tmp_path: Path) -> None:
    Writer(tmp_path / "results.ndjson", header()).abandon()
    assert list(tmp_path.iterdir()) == []


# Numbers of results


def test_units_of_a_result_are_those_of_its_worst_stage() -> None:
    def of(*units: float | None) -> float | None:
        stages = tuple(Stage("x", Outcome.EXACT, metrics=Metrics(units=value), seconds=0.25) for value in units)
        timed = Result("c", "keras", "ReLU", "main", {}, "a", stages, Judgement.PASSED)
        assert timed.seconds == 0.25 * len(units)
        return timed.units

    assert of(1.0, 3.0, None, 2.0) == 3
    assert of(None, None) is None
    assert of(1.0, math.nan) == math.inf
    assert of(-math.inf) == -math.inf
