"""The walk with sources of steps: what it takes, what it fetches, and what it offers to be kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters.registry import Registry
from harness.adapters.routes import Route, all_routes
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from harness.results.events import Result
from harness.run.kept import Kept, Shelf
from harness.run.walk import Walk
from harness.workers.pool import Workers
from tests.miniatures import HOPS, Copies, MiniTwoRuntime, dense_case, of_numpy, plugin, registry

EXACT, REFUSED, CRASH, DIVERGENT = (
    Cell(outcome, None) for outcome in (Outcome.EXACT, Outcome.REFUSED, Outcome.CRASH, Outcome.DIVERGENT)
)


def world() -> Registry:
    known = registry(*HOPS)
    again = replace(plugin(Copies, "hops"), name="again", source="mini2", target="mini3")
    three = replace(plugin(MiniTwoRuntime, "runtimes"), name="oracle32three", format="mini3")
    return of_numpy(replace(known, hops=(*known.hops, again), runtimes=(*known.runtimes, three)))


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(world().plugins) as started:
        yield started


@contextmanager
def run(workers: Workers, cache: Path, cells: dict[str, tuple[Cell, ...]] | None = None) -> Iterator[Walk]:
    """One run: a walk over the shelf. `cells` are those of the case's chains on record."""
    record = Record({(dense_case().id, chain): each for chain, each in (cells or {}).items()}, {})
    kept = Kept(Shelf(cache), world())
    walk = Walk(world(), workers, record=record, sources=(kept,), limit=1)
    yield walk
    walk.close()
    kept.close()


def route(name: str) -> Route:
    return next(each for each in all_routes(world()) if each.name == name)


def along(walk: Walk, name: str) -> Result:
    return walk.result(dense_case(), route(name))


def marks(result: Result) -> list[bool]:
    return [stage.kept for stage in result.stages]


def both(
    workers: Workers, cache: Path, name: str, cells: dict[str, tuple[Cell, ...]] | None = None
) -> list[list[bool]]:
    """Which stages two runs took from earlier ones."""
    taken = []
    for _ in range(2):
        with run(workers, cache, cells) as walk:
            taken.append(marks(along(walk, name)))
    return taken


def test_second_run_walks_nothing(workers: Workers, cache: Path) -> None:
    with run(workers, cache) as walk:
        first = along(walk, "mini-copies")
    with run(workers, cache) as walk:
        second = along(walk, "mini-copies")
        assert walk.framework_seconds == 0.0
    assert (marks(first), marks(second)) == ([False, False], [True, True])
    assert replace(second, stages=first.stages) == first
    assert [replace(stage, kept=False) for stage in second.stages] == list(first.stages)


def test_the_next_hop_gets_the_artifact_of_an_earlier_run(workers: Workers, cache: Path) -> None:
    with run(workers, cache) as walk:
        along(walk, "mini-copies")
    with run(workers, cache) as walk:
        result = along(walk, "mini-copies-again")
    assert marks(result) == [True, True, False]
    assert result.outcome.passes


def test_an_artifact_that_is_gone_is_made_again(workers: Workers, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run(workers, cache) as walk:
        along(walk, "mini-copies")
    monkeypatch.setattr(Shelf, "artifact", lambda self, key: None)
    with run(workers, cache) as walk:
        result = along(walk, "mini-copies-again")
        assert walk.framework_seconds > 0
    assert (marks(result)[2], result.outcome.passes) == (False, True)


def test_steps_have_their_artifacts_at_hand(workers: Workers, cache: Path) -> None:
    for _ in range(2):
        with run(workers, cache) as walk:
            steps = walk.steps(dense_case(), route("mini-copies"))
            assert [step.artifact is not None and step.artifact.is_file() for step in steps] == [True, True]


def test_a_refusal_that_nobody_knows_yet_is_kept(workers: Workers, cache: Path) -> None:
    assert both(workers, cache, "mini-refuses") == [[False, False], [True, True]]


@pytest.mark.parametrize(
    ("hop", "cells", "is_kept"),
    [("exits", (), False), ("exits", (CRASH,), True), ("refuses", (EXACT,), False), ("refuses", (CRASH,), False),
     ("refuses", (REFUSED,), True), ("refuses", (REFUSED, EXACT), False), ("doubles", (EXACT,), False)],
)  # fmt: skip
def test_what_is_kept_beside_the_record(
    workers: Workers, cache: Path, hop: str, cells: tuple[Cell, ...], is_kept: bool
) -> None:
    """Not a crash off the record, not a regression, not a change, not what is random."""
    assert both(workers, cache, f"mini-{hop}", {f"mini-{hop}": cells}) == [[False, False], [True, is_kept]]


def test_nothing_behind_a_regression_is_kept(workers: Workers, cache: Path) -> None:
    cells = {"mini-copies": (REFUSED, EXACT)}
    assert both(workers, cache, "mini-copies-again", cells) == [[False] * 3, [True, False, False]]


def test_a_shortage_of_the_machine_is_not_kept(workers: Workers, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.walk.SHORTAGE", re.compile("no converter for Dense"))
    assert both(workers, cache, "mini-refuses") == [[False, False], [True, False]]
