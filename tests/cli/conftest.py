"""`parity ARGS` in a folder with one golden, over the miniature world."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import harness.run.session
from harness.cli.main import main
from harness.corpus.store import Store
from tests.miniatures import Copies, Doubles, dense_case, registry

Parity = Callable[..., tuple[int, str, str]]


@pytest.fixture
def parity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Parity:
    """Runs `parity ARGS`; returns exit code, stdout and stderr."""
    Store(tmp_path / "golden").put("keras", "Dense", [dense_case()], seed=0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.setattr(harness.run.session, "installed", lambda: registry(Copies, Doubles))

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["parity", *args])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return call
