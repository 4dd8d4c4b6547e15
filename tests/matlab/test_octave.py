"""Octave as a program: calls, errors, and how it ends."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness.matlab.octave import Octave, OctaveError, executable
from harness.optional import absence

pytestmark = pytest.mark.skipif(executable() is None, reason=absence("octave"))


def killed(octave: Octave, name: str) -> int:
    """Exit status of an Octave that got this signal while it was at work.

    (One that waits for its next line looks at signals only when the line is there.)
    """
    process = octave._started()
    assert process.stdin is not None
    process.stdin.write("eval\tdisp('busy'); fflush(stdout); pause(60)\n")
    process.stdin.flush()
    assert octave._lines.get(timeout=30) == "busy"
    process.send_signal(signal.Signals[name])
    return process.wait(timeout=20)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT"])
def test_signal_that_ends_octave_leaves_no_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Octave() as octave:
        assert killed(octave, name) != 0
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(OctaveError, match=r"Octave (ended|died)"):
            octave.call("disp", "gone")
        assert octave.call("disp", "another") == "another"


def test_without_the_switch_the_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above cannot pass because Octave no longer writes it, or writes it elsewhere."""
    monkeypatch.setattr("harness.matlab.octave.NO_DUMPS", "")
    monkeypatch.chdir(tmp_path)
    with Octave() as octave:
        assert killed(octave, "SIGTERM") != 0
        assert [path.name for path in tmp_path.iterdir()] == ["octave-workspace"]


def test_failure_carries_octaves_message_and_octave_stays() -> None:
    with Octave() as octave:
        with pytest.raises(OctaveError, match="no_such_function"):
            octave.call("no_such_function")
        pid = octave._process.pid if octave._process else None
        assert octave.call("disp", "still here") == "still here"
        assert octave._process is not None
        assert octave._process.pid == pid


@pytest.mark.parametrize("word", ["a\tb", "a\nb"])
def test_argument_that_would_break_the_line_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="without tabs and line breaks"):
        Octave().call("disp", word)
