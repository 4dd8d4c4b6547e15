"""Detours: an importer is walked past an exporter that fails on record, over these cases only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import harness.run.session
from harness.adapters.registry import HOPS, Registry
from harness.corpus.store import Store
from harness.judge.record import Cell, Record
from harness.run.session import Selection, Session
from tests.miniatures import Copies, MiniTwoRuntime, dense_case, plugin, registry

CASES = (dense_case(), dense_case(1))
FINE = Cell.parse("exact 0")


def world() -> Registry:
    """mini -> mini2 by `copies`, or by `spare`, which stands in for it; then mini2 -> mini3 by `reads`."""
    small = registry(Copies)
    copies = plugin(Copies, HOPS)
    spare = replace(copies, name="spare", stands_in_for=("copies",), behind=(0,))
    reads = replace(copies, name="reads", source="mini2", target="mini3")
    runtimes = (*small.runtimes, replace(plugin(MiniTwoRuntime, "runtimes"), name="three", format="mini3"))
    return replace(small, hops=(copies, spare, reads), runtimes=runtimes)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    Store(tmp_path / "golden").put("keras", "Dense", CASES, seed=0)
    monkeypatch.setattr(harness.run.session, "installed", world)
    with Session(Selection(), tmp_path) as session:
        yield session


def on_record(session: Session, *, source: str = "exact 0", copied: str = "refused") -> None:
    cells = {(CASES[0].id, "mini"): (Cell.parse(source),), (CASES[0].id, "mini-copies"): (Cell.parse(copied),)}
    session.__dict__["record"] = Record(cells)


def detoured(session: Session) -> list[tuple[str, str]]:
    return [(entry.id, route.name) for entry, route in session.pairs() if route in session.detours]


def test_a_case_that_a_failing_exporter_hides_is_walked_past_it(session: Session) -> None:
    on_record(session)
    assert detoured(session) == [(CASES[0].id, "mini-spare-reads")]


def test_a_spare_that_fails_too_leads_past_nothing(session: Session) -> None:
    on_record(session)
    record = session.record
    session.__dict__["record"] = record.with_cells({(CASES[0].id, "mini-spare"): (Cell.parse("crash"),)})
    assert detoured(session) == []


@pytest.mark.parametrize("cells", [{"copied": "faithful 0.5"}, {"source": "divergent 1e+06"}])
def test_no_case_is_where_the_exporter_agrees_or_the_source_deviates(session: Session, cells: dict[str, str]) -> None:
    on_record(session, **cells)
    assert detoured(session) == []


def test_no_case_is_without_a_record(session: Session) -> None:
    assert detoured(session) == []


def test_what_a_detour_left_on_record_is_not_lost_where_it_leads_past_nothing(session: Session) -> None:
    on_record(session)
    record = session.record
    left = {(CASES[0].id, "mini-spare"): (Cell.parse("crash"),), ("keras-Dense-ffff", "mini"): (Cell.parse("exact 0"),)}
    session.__dict__["record"] = record.with_cells(left)
    assert session.unwalked() == [("keras-Dense-ffff", "mini")]


def test_detours_are_found_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for each of the thousands of stages on record that a side route does not walk: that took 15 seconds."""
    on_record(session)
    found: list[int] = []
    monkeypatch.setattr(
        harness.run.session, "detours", lambda registry: found.append(1) or harness.run.selection.detours(registry)
    )
    chains = ("mini", "mini-copies", "mini-spare", "mini-spare-reads")
    assert [session.led_past(CASES[0].id, chain) for chain in chains] == [False, False, True, True]
    assert len(found) == 1


def test_a_golden_that_vanished_is_owed_by_every_route_through_its_stages(session: Session) -> None:
    left = {("keras-Dense-ffff", "mini"): (Cell.parse("exact 0"),), ("keras-Dense-ffff", "mini-copies"): (FINE,)}
    session.__dict__["record"] = Record(left)
    assert session.unwalked() == [("keras-Dense-ffff", "mini"), ("keras-Dense-ffff", "mini-copies")]
    with Session(Selection(route=("mini-copies-reads",)), session.root) as narrow:
        narrow.__dict__["record"] = session.record
        assert narrow.unwalked() == session.unwalked()  # no golden: nobody can answer for it
    with Session(Selection(route=("mini-copies*",)), session.root) as wider:
        wider.__dict__["record"] = session.record
        assert wider.unwalked() == session.unwalked()
