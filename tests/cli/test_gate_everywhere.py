"""A gate over every route, with every option that selects: green for an unchanged converter, red for one that refuses.

A released converter does what the record says. So what a walk over it would give is made from the record, cell by cell,
for every pair that the gate would walk, and put through the gate's own comparison. That takes no framework.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters.registry import installed
from harness.adapters.routes import Route
from harness.analysis.difference import Base
from harness.cli.outputs import compared
from harness.corpus.store import Entry
from harness.judge.acceptance import chains
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from harness.results.events import Footer, Judgement, Metrics, Owed, Result, Stage
from harness.results.file import Results, Writer
from harness.results.merge import merge
from harness.run.selection import Selection, Shard, offered
from harness.run.session import Session
from harness.spec import EMPTY_BATCH

PACK = Path("keras-tf2onnx")
EVERY = sorted(route.name for route in offered(installed(), Selection()) if route.opset is None)
BEHIND = [name for name in EVERY if name.startswith("keras-tf2onnx-")]
SELECTIONS = {
    **{name: Selection(route=(name,)) for name in EVERY},
    **{f"{name} behind the pack": Selection(route=(name,), pack=PACK) for name in BEHIND},
    "one layer": Selection(route=("keras-tf2onnx-onnx2torch",), layer=("Conv2D",)),
    "one layer of a side route": Selection(route=("keras-kerastorch",), layer=("Cropping1D",)),
    "layers by a pattern": Selection(route=("keras-kerasexport*",), layer=("Conv*", "Graph")),
    "several routes": Selection(route=("*-onnx2pytorch", "matlab-*", "keras-kerasjax")),
    "all behind the pack": Selection(pack=PACK),
    "all": Selection(),
    "all cases of a side route": Selection(route=("keras-kerastorch",), layer=("Dense", "ELU"), all_cases=True),
}


def test_every_route_is_tried() -> None:
    assert len(EVERY) > 25


@pytest.mark.parametrize("name", SELECTIONS)
def test_an_unchanged_converter_is_green_and_one_that_refuses_everything_red(name: str) -> None:
    with gate(SELECTIONS[name]) as (session, base):
        healthy, refusing = walked(session), walked(session, refusing=True)
        green, red = compared(session, base, healthy), compared(session, base, refusing)
    assert green.changes == ()
    assert not green.fails
    assert green.same + len(green.new) == len(healthy.results) > 0
    assert not green.new or SELECTIONS[name].all_cases
    passed = {
        result.key
        for result in refusing.results
        if any(cell.passes for cell in session.record.at(result.case, chains(result)[-1][0]))
    }
    assert passed
    assert red.fails
    assert passed <= {change.key for change in red.failing}


@pytest.mark.parametrize("pack", [None, PACK])
def test_shards_are_green_and_red_as_the_whole_is(pack: Path | None, tmp_path: Path) -> None:
    """Merged, and compared by a session that knows nothing but the file, as `parity diff recorded` does."""
    selection = Selection(route=("keras-tf2onnx-onnx2torch",), pack=pack)
    for refusing in (False, True):
        files = []
        for number in (1, 2, 3):
            with gate(replace(selection, shard=Shard(number, 3))) as (session, _):
                part = walked(session, refusing=refusing)
                files.append(tmp_path / f"{refusing}-{number}.ndjson")
                with Writer(files[-1], part.header, part.owed) as writer:
                    for result in part.results:
                        writer.add(result)
        merged = merge(files, tmp_path / "whole.ndjson")
        with gate(Selection()) as (session, base):
            what = compared(session, base, merged)
        assert what.fails is refusing
        assert bool(what.changes) is refusing


def test_a_case_that_vanishes_is_lost() -> None:
    """On a route that walks all cases, and on a side route that walked it."""
    for route, layer in (("keras-tf2onnx-onnx2torch", "ELU"), ("keras-kerastorch", "Cropping1D")):
        with gate(Selection(route=(route,), layer=(layer,))) as (session, base):
            entry, _ = session.pairs()[0]
            session._pairs[None] = [pair for pair in session.pairs() if pair[0].id != entry.id]
            what = compared(session, base, walked(session))
            assert {change.case for change in what.changes} == {entry.id}
            assert what.fails
            assert session.unwalked() == [(change.case, change.route) for change in what.changes]


@pytest.mark.parametrize("route", ["keras-tf2onnx-onnx2torch", "keras-tf2onnx-onnx2torch-torchscript"])
def test_a_golden_that_vanished_is_lost_on_a_route_that_it_stopped_early(route: str) -> None:
    """It is on record at stages only that the route shares with others, which do not answer for it."""
    gone = "keras-ELU-ffffffffffff"
    cells = {(gone, "keras"): (Cell(Outcome.EXACT, 0.0),), (gone, "keras-tf2onnx"): (Cell(Outcome.REFUSED),)}
    with gate(Selection(route=(route,), layer=("ELU",))) as (session, _):
        session.__dict__["record"] = session.record.with_cells(cells)
        what = compared(session, Base.recorded(session.record), walked(session))
        assert [change.key for change in what.changes] == list(cells)
        assert what.fails
        assert session.unwalked() == list(cells)


@contextmanager
def gate(selection: Selection) -> Iterator[tuple[Session, Base]]:
    """A session on a machine that has every framework, and what its gate compares with."""
    with Session(selection) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Route, "missing", lambda self, registry: "")
        yield session, Base.recorded(session.record)


def walked(session: Session, *, refusing: bool = False) -> Results:
    """What a run over the selected pairs gives if every stage does what is on record; with `refusing`, the last
    converter of each route that passes somewhere on record refuses all that it is given."""
    pairs, record = session.pairs(), session.record
    passing = passing_chains(record)
    results = [
        each
        for entry, route in pairs
        for each in results_of(entry, route, record, refused=under_test(route, passing) if refusing else None)
    ]
    header = session.header(["parity", "gate"], session.selection.options(), len(pairs))
    owed = Owed.of((entry.id, route.name) for entry, route in pairs)
    footer = Footer(header.started, 1.0, len(results), {}, {})
    return Results(header, tuple(results), footer, owed)


def results_of(entry: Entry, route: Route, record: Record, *, refused: int | None) -> Iterator[Result]:
    """The result of a case, and that of its empty batch where the record has one of its own."""
    yield result_of(entry, entry.id, route, record, refused=refused)
    empty = entry.id + EMPTY_BATCH
    if any(record.at(empty, chain) for chain, _ in route.chains):
        yield result_of(entry, empty, route, record, refused=refused)


def result_of(entry: Entry, case: str, route: Route, record: Record, *, refused: int | None) -> Result:
    stages: list[Stage] = []
    formats, parts = route.formats, (None, *(hop.name for hop in route.hops))
    for place, (chain, _) in enumerate(route.chains):
        cells = record.at(case, chain) or record.at(entry.id, chain)
        if place == refused:
            stages.append(Stage(formats[place], Outcome.REFUSED, parts[place], message="not supported"))
            break
        if not cells and stages:
            break
        outcome, units = (cells[0].outcome, cells[0].units) if cells else (Outcome.EXACT, 0.0)
        stages.append(Stage(formats[place], outcome, parts[place], metrics=Metrics(units=units)))
    passes = all(stage.outcome.passes for stage in stages)
    return Result(
        case=case,
        dialect=entry.dialect,
        layer=entry.subject,
        profile="main",
        config={},
        route=route.name,
        stages=tuple(stages),
        judgement=Judgement.PASSED if passes else Judgement.FAILED,
        message="" if passes else "as on record",
    )


def under_test(route: Route, passing: Container[str]) -> int:
    """The place of the last converter of a route that passes somewhere on record: what refuses everything anyway cannot
    get worse. 0, the source format, for a route without converters."""
    return max(place for place, (chain, _) in enumerate(route.chains) if place == 0 or chain in passing)


def passing_chains(record: Record) -> frozenset[str]:
    """The chains of which some stage passes on record."""
    return frozenset(chain for (_, chain), cells in record.cells.items() if any(cell.passes for cell in cells))
