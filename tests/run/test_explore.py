"""Exploration: wrong numbers, a crash and a hang are each shrunk to the smallest case, told, and kept for replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import settings

import harness.run.session
from harness.adapters.routes import Route
from harness.catalogue import Row, find
from harness.cli.main import cli
from harness.corpus.store import Store, keep
from harness.draw.strategies import GATE, register_profiles
from harness.results.events import Result
from harness.run.explore import MOST_HANGS, Exploration
from harness.run.session import Session
from harness.run.walk import LEAST_LIMIT, Walk
from harness.workers.pool import WorkerHang, Workers
from tests.miniatures import SLOW, Copies, DoublesSome, HangsOnSome, SegfaultsOnSome, SlowOnSome, dense_case, registry
from tests.naps import believe

LAYER = "Conv2D"
HURRY, WHOLE = SLOW / 3, SLOW * 3
"""Announced seconds that a request may take (`tests.naps`): real ones would make this a test of the machine's load."""


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    known = registry(DoublesSome, SegfaultsOnSome, HangsOnSome, SlowOnSome)
    with Workers((*known.formats, *known.hops, *known.runtimes)) as workers:
        walker = Walk(known, workers, limit=WHOLE)
        yield walker
        walker.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A walk in a hurry waits but a moment; the seconds of each hang."""
    from harness.workers.pool import Worker

    believe(monkeypatch)
    monkeypatch.setattr("harness.run.walk.LEAST_LIMIT", HURRY)
    hangs: list[float] = []
    ask = Worker.request

    def request(self: Worker, request: Any, limit: float = LEAST_LIMIT) -> Any:
        try:
            return ask(self, request, limit)
        except WorkerHang:
            hangs.append(limit)
            raise

    monkeypatch.setattr(Worker, "request", request)
    return hangs


def explored(walk: Walk, name: str) -> tuple[Any, list[Result]]:
    row: Row = find("keras", LAYER)
    hop = next(hop for hop in walk.registry.hops if hop.name == name)
    seen: list[Result] = []

    def record(result: Result) -> Result:
        seen.append(result)
        return result

    register_profiles()
    gate = settings(settings.get_profile(GATE), max_examples=60)
    route = Route(walk.registry.formats[0], (hop,))
    return Exploration(walk, [route], record).smallest(row, gate), seen


@pytest.mark.parametrize(
    ("name", "outcome"), [("doublessome", "divergent"), ("segfaultsonsome", "crash"), ("hangsonsome", "hang")]
)
def test_failure_is_shrunk_to_the_smallest_case(walk: Walk, hasty: list[float], name: str, outcome: str) -> None:
    smallest, seen = explored(walk, name)
    row = find("keras", LAYER)
    assert smallest.result.outcome == outcome
    assert {axis: value for axis, value in smallest.case.choice.items() if value != row.axes[axis][0]} == {
        "strides": (2, 2)
    }
    assert [result.case for result in seen if not result.outcome.passes] == [smallest.case.id]  # no candidate besides
    assert walk.limit == WHOLE
    if outcome == "hang":  # the first and the smallest have the whole limit
        assert [limit for limit in hasty if limit > HURRY] == [walk.limit] * 2
        assert len(hasty) <= MOST_HANGS + 2


def test_what_is_only_slow_is_no_smallest_hang(walk: Walk, hasty: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.explore.MOST_HANGS", 4)
    smallest, _ = explored(walk, "slowonsome")
    assert smallest.result.outcome == "hang"
    assert smallest.case.choice["data_format"] == "channels_first"


def test_kept_case_is_found_and_replayed_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case(1)], seed=0)
    case = dense_case()
    keep(case, tmp_path)
    with Session(root=tmp_path) as session:
        assert session.find(case.id[:16]).load().id == case.id
        assert session.find(dense_case(1).id).id == dense_case(1).id
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies))
    done = CliRunner().invoke(cli, ["replay", case.id, "--route", "mini-copies"])
    assert (done.exit_code, "mini-copies: " in done.output) == (0, True), done.output
