"""Cases walked in several processes: the same results as in one, and a process that dies ends the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import harness.run.crew as crew
import harness.run.session
from harness.run.crew import CrewError, walked
from harness.run.session import Selection, Session
from tests.gates import IDS, ROUTE, fill, world

ROOT = Path(__file__).resolve().parents[2]
SITE = "import harness.run.session\nfrom tests.gates import world\nharness.run.session.installed = world\n"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Over the miniature world, which each process of a crew sets up as it starts."""
    fill(tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{ROOT}")
    monkeypatch.setattr(harness.run.session, "installed", world)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # a process of a crew would run pytest
    monkeypatch.setattr(sys.modules["__main__"], "__file__", None, raising=False)
    return Session(Selection(route=(ROUTE,), cache=False), tmp_path)


def test_several_processes_give_what_one_gives(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "TRAY", 1)
    with session:
        one = {each.key: each.outcome for each in walked(session, session.pairs(), 1)}
        several = {each.key: each.outcome for each in walked(session, session.pairs(), 2)}
    assert several == one
    assert set(one) == {(case, ROUTE) for case in IDS}


def test_a_process_that_cannot_begin_ends_the_run(session: Session, tmp_path: Path) -> None:
    with session:
        pairs = session.pairs()
        (tmp_path / "site" / "sitecustomize.py").write_text(SITE + "import os\nos._exit(9)\n")
        with pytest.raises(CrewError, match="-n 2: a process of the walk died, or could not begin"):
            list(walked(session, pairs, 2))


def test_a_process_that_ends_while_the_crew_is_dismissed_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool waits for its processes in a thread of its own: one may be gone although it was alive a moment ago."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended, subprocess.Popen(["sleep", "60"]) as alive:
        ended.wait()
        members = [
            SimpleNamespace(pid=each.pid, is_alive=lambda: True, terminate=each.terminate) for each in (ended, alive)
        ]
        monkeypatch.setattr(crew.multiprocessing, "active_children", lambda: members)
        crew._dismiss()
        assert not psutil.pid_exists(alive.pid)


def test_trays_hold_few_cases_and_large_ones_alone(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "TRAY", 2)
    with session:
        trays = crew._trays(session.pairs())
    assert [[(entry.id, names) for entry, names in tray] for tray in trays] == [
        [(case, [ROUTE]) for case in sorted(IDS)[:2]],
        [(case, [ROUTE]) for case in sorted(IDS)[2:]],
    ]
