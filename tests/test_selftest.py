"""Planted faults: they are found, described and concern layers that have goldens; a survivor is told as one."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness.session
from harness import selftest
from harness.golden import Store
from harness.planted import Fault, faults
from harness.registry import installed
from harness.session import Session
from tests.miniatures import Copies, Doubles, dense_case, plugin, registry

FAULTS = faults()
LAYERS = {Path(name).stem for name in Store(Path(__file__).resolve().parents[1] / "golden").manifest["archives"]}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_described_and_concerns_layers_with_goldens(fault: Fault) -> None:
    assert fault.name.startswith("planted-")
    assert fault.does.endswith(".")
    assert set(fault.layers) <= LAYERS
    assert fault.wraps in {hop.name for hop in installed().hops}


def test_names_are_unique_and_no_fault_is_among_the_ordinary_hops() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 120
    assert not set(names) & {hop.name for hop in installed().hops}


def test_a_fault_is_caught_and_a_harmless_one_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case(), dense_case(1)], seed=0)
    monkeypatch.setattr(harness.session, "installed", lambda: registry(Copies))
    with Session(root=tmp_path) as session:
        doubles = Fault("doubles", "Doubles the weights.", ("Dense",), "copies", plugin(Doubles, "hops"))
        same = Fault("same", "Nothing.", ("Dense",), "copies", plugin(Copies, "hops"))
        caught, survived = selftest.run(session, [doubles, same])
    assert (caught.caught, caught.cases, caught.outcome) == (True, 1, "divergent")
    assert (survived.caught, survived.cases, survived.by) == (False, 2, None)


def test_fault_without_goldens_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case()], seed=0)
    monkeypatch.setattr(harness.session, "installed", lambda: registry(Copies))
    with Session(root=tmp_path) as session, pytest.raises(ValueError, match="no golden case"):
        list(selftest.run(session, [Fault("x", "X.", ("GRU",), "copies", plugin(Doubles, "hops"))]))
