"""`parity ARGS` in a folder with one golden, over the miniature world."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness.run.session
from harness.corpus.store import Store
from tests.conftest import Command
from tests.miniatures import Copies, Doubles, dense_case, registry

Parity = Command


@pytest.fixture
def parity(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parity:
    """Runs `parity ARGS`; returns exit code, stdout and stderr."""
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case()], seed=0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies, Doubles))
    return command
