"""Running a reproducer: what its exit code and last line mean."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.reproducer import running
from harness.reproducer.running import Answer, run_reproducer
from harness.reproducer.write import SCRIPT, ReproduceError


@pytest.mark.parametrize(
    ("script", "answer", "line"),
    [
        ("print('noise'); print('FIXED')", Answer.FIXED, "FIXED"),
        ("print('DEVIATES: 1 of 2'); raise SystemExit(1)", Answer.FAILED, "DEVIATES: 1 of 2"),
        ("print('ERROR: no'); raise SystemExit(2)", Answer.ERROR, "ERROR: no"),
        ("print('DEVIATES: 1 of 2')", Answer.ERROR, "DEVIATES: 1 of 2"),
        ("print('FIXED'); raise SystemExit(1)", Answer.ERROR, "FIXED"),
        ("1 / 0", Answer.ERROR, "ZeroDivisionError: division by zero"),
        ("pass", Answer.ERROR, "it printed nothing"),
        ("import os; os.abort()", Answer.ERROR, "it printed nothing"),
        ("def", Answer.ERROR, "SyntaxError: invalid syntax"),
    ],
)
def test_answer_of_a_script(tmp_path: Path, script: str, answer: Answer, line: str) -> None:
    (tmp_path / SCRIPT).write_text(script + "\n")
    assert run_reproducer(tmp_path) == (answer, line)


def test_another_interpreter_sees_nothing_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "only_here.py").write_text("")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / SCRIPT).write_text("import only_here; print('FIXED')\n")
    assert run_reproducer(folder) == (Answer.FIXED, "FIXED")
    answer, line = run_reproducer(folder, Path(sys.executable))
    assert (answer, line) == (Answer.ERROR, "ModuleNotFoundError: No module named 'only_here'")


def test_answers_are_the_exit_codes_of_the_script() -> None:
    assert (Answer.FIXED, Answer.FAILED, Answer.ERROR) == (0, 1, 2)


def test_a_script_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SECONDS", 0.2)
    (tmp_path / SCRIPT).write_text("import time; time.sleep(60)\n")
    assert run_reproducer(tmp_path) == (Answer.ERROR, "the script did not end within 0.2 s")


def test_a_folder_without_a_script(tmp_path: Path) -> None:
    with pytest.raises(ReproduceError) as caught:
        run_reproducer(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: the folder is no reproducer; expected a reproduce.py in it. `parity reproduce` writes one"
    )
