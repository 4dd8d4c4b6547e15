"""Planted faults: they are found, described and concern layers that have goldens; a survivor is told as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness.run.session
from harness.adapters.registry import installed
from harness.corpus.store import GoldenError, Store
from harness.planted import EQUIVALENT, Fault, faults, sampled
from harness.run import selftest
from harness.run.session import Session
from harness.workers.pool import Worker
from tests.miniatures import Copies, Doubles, Uninstalled, dense_case, of_numpy, plugin, registry

FAULTS = faults()
LAYERS = {Path(name).stem for name in Store(Path(__file__).resolve().parents[2] / "golden").manifest["archives"]}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_described_and_concerns_layers_with_goldens(fault: Fault) -> None:
    assert fault.name.startswith("planted-")
    assert fault.does.endswith(".")
    assert set(fault.layers) <= LAYERS
    assert fault.wraps in {hop.name for hop in installed().hops}


def test_names_are_unique_and_no_fault_is_among_the_ordinary_hops() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 250
    assert not set(names) & {hop.name for hop in installed().hops}


def test_a_tenth_is_sampled_and_what_is_equivalent_says_why() -> None:
    assert len(FAULTS) / 20 < len(sampled(FAULTS)) < len(FAULTS) / 6
    assert all(proof.endswith(".") for _, proof in EQUIVALENT)


def test_a_fault_is_caught_and_a_harmless_one_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case(), dense_case(1)], seed=0)
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies))
    with Session(root=tmp_path) as session:
        doubles = Fault("doubles", "Doubles the weights.", ("Dense",), "copies", plugin(Doubles, "hops"))
        same = Fault("same", "Nothing.", ("Dense",), "copies", plugin(Copies, "hops"))
        caught, survived = selftest.run(session, [doubles, same])
    assert (caught.caught, caught.cases, caught.outcome) == (True, 1, "divergent")
    assert (survived.caught, survived.cases, survived.by) == (False, 2, None)


def test_a_later_hunt_walks_nothing(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case()], seed=0)
    monkeypatch.setattr(harness.run.session, "installed", lambda: of_numpy(registry(Copies)))
    doubles = Fault("doubles", "X.", ("Dense",), "copies", replace(plugin(Doubles, "hops"), origin="numpy"))
    for starts in (1, 0):
        with Session(root=tmp_path) as session:
            (caught,) = selftest.run(session, [doubles])
            assert caught.caught
            assert len(session.workers._workers) == starts


def test_a_fault_whose_routes_cannot_run_here_is_told_before_the_hunt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the fault itself needs nothing: the converter that it wraps is missing."""
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies, Uninstalled))
    doubles = plugin(Doubles, "hops")
    with Session() as session:
        here = Fault("here", "Doubles the weights.", ("Dense",), "copies", doubles)
        missing = Fault("missing", "Doubles the weights.", ("Dense",), "uninstalled", doubles)
        assert selftest.obstacle(session, here) == ""
        assert selftest.obstacle(session, missing).startswith("uninstalled: not installed: numpy>=99")


def test_a_case_is_converted_once_for_all_faults_behind_the_real_hop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case()], seed=0)
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies))
    asked = []
    request = Worker.request

    def counted(worker: Worker, what: Any, limit: float) -> Any:
        asked.append(f"{type(what).__name__} {what.reference.rpartition(':')[2]}")
        return request(worker, what, limit)

    monkeypatch.setattr(Worker, "request", counted)
    behind = replace(plugin(Doubles, "hops"), source="mini2")
    faults = [Fault(f"fault {k}", "X.", ("Dense",), "copies", replace(behind, name=f"fault{k}")) for k in range(3)]
    with Session(root=tmp_path) as session:
        assert all(catch.caught for catch in selftest.run(session, faults))
    assert (asked.count("Convert Copies"), asked.count("Convert Doubles")) == (1, 3)


def test_fault_without_goldens_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case()], seed=0)
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies))
    with Session(root=tmp_path) as session, pytest.raises(GoldenError, match="no golden case can catch"):
        list(selftest.run(session, [Fault("x", "X.", ("GRU",), "copies", plugin(Doubles, "hops"))]))
