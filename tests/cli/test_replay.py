"""`parity replay`, of a case and of a reproducer."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import AGREED, DEVIATIONS, USAGE
from harness.reproducer.write import SCRIPT
from tests.cli.conftest import Parity
from tests.miniatures import dense_case


def test_replay_shows_every_stage(parity: Parity) -> None:
    code, out, _ = parity("replay", dense_case().id[:-2])
    assert code == DEVIATIONS
    assert "doubles -> mini2 on oracle32two" in out
    assert "divergent" in out


def test_replay_of_a_case_that_agrees(parity: Parity) -> None:
    code, out, _ = parity("replay", dense_case().id, "--route", "mini-copies")
    assert code == AGREED
    assert out.splitlines()[0] == dense_case().id
    assert "mini-copies: exact (passed; beside the record: new)" in out
    assert "doubles" not in out


@pytest.mark.parametrize(
    ("script", "code", "answer"),
    [
        ("print('noise'); print('FIXED')", 0, "FIXED: FIXED"),
        ("print('DEVIATES: 1 of 2'); raise SystemExit(1)", 1, "FAILED: DEVIATES: 1 of 2"),
        ("1 / 0", 2, "ERROR: ZeroDivisionError: division by zero"),
    ],
)
def test_replay_of_a_folder(parity: Parity, tmp_path: Path, script: str, code: int, answer: str) -> None:
    (tmp_path / SCRIPT).write_text(script + "\n")
    assert parity("replay", str(tmp_path)) == (code, f"{answer}\n", "")


def test_replay_of_a_folder_that_is_no_reproducer(parity: Parity, tmp_path: Path) -> None:
    code, _, err = parity("replay", str(tmp_path))
    assert code == USAGE
    assert "is no reproducer; expected a reproduce.py in it. `parity reproduce` writes one" in err
