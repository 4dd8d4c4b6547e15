"""A gate over every route, with every option that selects: green for an unchanged converter, red for one that refuses.

A released converter does what the record says. So what a walk over it would give is made from the record, cell by cell,
for every pair that the gate would walk, and put through the gate's own comparison. That takes no framework. Where
nothing is on record, the released converter is walked beside: for this walk, too, such results stand in.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters.registry import installed
from harness.adapters.routes import Route
from harness.analysis.difference import Base
from harness.beside.base import Standard
from harness.beside.release import Release
from harness.beside.walk import Order
from harness.cli.outputs import compared
from harness.corpus.store import Entry, Store
from harness.judge.acceptance import chains
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from harness.results.events import Footer, Header, Judgement, Metrics, Owed, Result, Stage
from harness.results.file import Results, Writer
from harness.results.merge import merge
from harness.run.selection import Fresh, Selection, Shard, offered
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

IMPORTER = ("keras-tf2onnx*onnx2torch", "onnx-onnx2torch")
BESIDE = {
    "an opset": Selection(route=("keras-tf2onnx18*",), opset=(18,), layer=("ReLU", "Conv2D")),
    "two opsets": Selection(route=("*-onnx2pytorch",), opset=(15, 18), layer=("Dense",)),
    "a device": Selection(route=IMPORTER, device="cuda", layer=("ReLU", "Conv2D")),
    "a device behind the pack": Selection(pack=PACK, device="cuda-tf32", layer=("ReLU",)),
    "a device, and the pack's files anew": Selection(pack=PACK, anew=True, device="cuda", layer=("ReLU",)),
    "fresh cases": Selection(route=IMPORTER, layer=("ReLU", "Network"), explore=Fresh(3, 0, Path("fresh.zip"))),
    "fresh cases of an opset": Selection(
        route=("keras-tf2onnx18-*",), opset=(18,), layer=("ELU",), explore=Fresh(3, 1, Path("fresh.zip"))
    ),
    "a part of fresh cases": Selection(
        route=IMPORTER, layer=("ELU",), shard=Shard(2, 3), explore=Fresh(9, 0, Path("fresh.zip"))
    ),
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


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_on_no_record_is_green_unchanged_and_red_if_refused(name: str, tmp_path: Path) -> None:
    """What is refused were new, and green, if the released converter were not walked beside."""
    selection, results = BESIDE[name], tmp_path / "results.ndjson"
    if selection.explore is not None:
        selection = replace(selection, explore=replace(selection.explore, archive=tmp_path / "fresh.zip"))
    with gate(selection) as (session, record), released(session, tmp_path / "kept.ndjson"):
        healthy, refusing = walked(session), walked(session, refusing=True)
        base = Standard(session, healthy.header, results, 1, lambda title: nullcontext(lambda: None)).base(record)
        assert base.beside
        assert bool(session.fresh) is (selection.explore is not None)
        if selection.shard is not None:
            healthy, refusing = (replace(each, header=unsharded(each.header)) for each in (healthy, refusing))
        green, red = compared(session, base, healthy), compared(session, base, refusing)
    assert green.changes == green.new == ()
    assert green.same == len(healthy.results) > 0
    passed = {result.key for result in healthy.results if result.judgement is Judgement.PASSED}
    assert passed
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
                files.append(written(tmp_path / f"{refusing}-{number}.ndjson", part))
        merged = merge(files, tmp_path / "whole.ndjson")
        with gate(Selection()) as (session, base):
            what = compared(session, base, merged)
        assert what.fails is refusing
        assert bool(what.changes) is refusing


@pytest.mark.parametrize("remains", [False, True])
@pytest.mark.parametrize(("route", "layer"), [("keras-tf2onnx-onnx2torch", "ELU"), ("keras-kerastorch", "Cropping1D")])
def test_a_case_that_vanishes_is_lost(route: str, layer: str, remains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a route that walks all cases, and on a side route that walked it; whether its golden is gone, too, or remains
    and the walk leaves it out."""
    selection, entries = Selection(route=(route,), layer=(layer,)), Store.entries
    with gate(selection) as (session, _):
        gone = session.pairs()[-1][0].id
    if not remains:
        monkeypatch.setattr(
            Store, "entries", lambda *args, **names: [each for each in entries(*args, **names) if each.id != gone]
        )
    with gate(selection) as (session, base):
        session._pairs[None] = [pair for pair in session.pairs() if pair[0].id != gone]
        what = compared(session, base, walked(session))
        assert {change.case for change in what.changes} == {gone}
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


@contextmanager
def released(session: Session, kept: Path) -> Iterator[None]:
    """What the released converters do is what is on record, or right; and a GPU is there."""

    def results(order: Order, tell: Callable[[], None]) -> Path:
        assert order.selection == session.selection
        return written(kept, walked(session))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Order, "results", results)
        patch.setattr(Standard, "_release", lambda self, name, place: Release(name, "1.0", place))
        session.__dict__["device"] = "cpu" if session.selection.device == "cpu" else "cuda (Stand-in, 9.0)"
        yield


def unsharded(header: Header) -> Header:
    """As after the merge."""
    return replace(header, options={name: each for name, each in header.options.items() if name != "shard"})


def written(path: Path, results: Results) -> Path:
    with Writer(path, results.header, results.owed) as writer:
        for result in results.results:
            writer.add(result)
    return path


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
    if any(record.at(empty, chain) for chain in plain_chains(route)):
        yield result_of(entry, empty, route, record, refused=refused)


def result_of(entry: Entry, case: str, route: Route, record: Record, *, refused: int | None) -> Result:
    stages: list[Stage] = []
    formats, parts = route.formats, (None, *(hop.name for hop in route.hops))
    is_fresh = not record.at(entry.id, route.chains[0][0])
    for place, chain in enumerate(plain_chains(route)):
        cells = record.at(case, chain) or record.at(entry.id, chain)
        if place == refused:
            stages.append(Stage(formats[place], Outcome.REFUSED, parts[place], message="not supported"))
            break
        if not cells and stages and not is_fresh:
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
    return max(place for place, chain in enumerate(plain_chains(route)) if place == 0 or chain in passing)


def plain_chains(route: Route) -> list[str]:
    """The chains of the route whose converters take their default opset: those that are on record."""
    return ["-".join(part.base for part in parts) for _, parts in route.chains]


def passing_chains(record: Record) -> frozenset[str]:
    """The chains of which some stage passes on record."""
    return frozenset(chain for (_, chain), cells in record.cells.items() if any(cell.passes for cell in cells))
