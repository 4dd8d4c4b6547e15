"""Turns: side by side, or alone, among processes."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.workers.turns import Turns

ROOT = Path(__file__).resolve().parents[2]
OTHER = """
import sys, time
from pathlib import Path
from harness.workers.turns import Turns
turns = Turns(Path(sys.argv[1]), Path(sys.argv[2]))
print("here", flush=True)
with getattr(turns, sys.argv[3])():
    print("in", flush=True)
    sys.stdin.readline()
print("out", flush=True)
"""


class Other:
    """Another process, which takes a turn and ends it when told."""

    def __init__(self, folder: Path, how: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(folder), str(folder / "room"), how],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )  # fmt: skip
        assert self.said() == "here"

    def said(self) -> str:
        assert self.process.stdout is not None
        assert not self.is_silent(60), "it waits for ever"
        return self.process.stdout.readline().decode().strip()

    def is_silent(self, seconds: float) -> bool:
        """Whether it says nothing for so long."""
        return not select.select([self.process.stdout], [], [], seconds)[0]

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "room").touch()
    return tmp_path


@pytest.fixture
def turns(folder: Path) -> Iterator[Turns]:
    mine = Turns(folder, folder / "room")
    yield mine
    mine.close()


def test_many_go_side_by_side(folder: Path, turns: Turns) -> None:
    with turns.side_by_side():
        other = Other(folder, "side_by_side")
        assert other.said() == "in"
    other.end()
    assert other.said() == "out"


@pytest.mark.parametrize(("mine", "theirs"), [("side_by_side", "alone"), ("alone", "side_by_side"), ("alone", "alone")])
def test_nobody_is_there_besides_one_alone(folder: Path, turns: Turns, mine: str, theirs: str) -> None:
    with getattr(turns, mine)():
        other = Other(folder, theirs)
        assert other.is_silent(1)
    assert other.said() == "in"
    other.end()
    assert other.said() == "out"


def test_one_who_waits_to_be_alone_is_not_overtaken(folder: Path, turns: Turns) -> None:
    with turns.side_by_side():
        alone = Other(folder, "alone")
        assert alone.is_silent(1)
        late = Other(folder, "side_by_side")
        assert late.is_silent(1)
    assert alone.said() == "in"
    assert late.is_silent(1)
    alone.end()
    assert (alone.said(), late.said()) == ("out", "in")
    late.end()


def test_a_process_that_dies_is_not_waited_for(folder: Path, turns: Turns) -> None:
    other = Other(folder, "alone")
    assert other.said() == "in"
    other.process.kill()
    with turns.alone():
        pass


def test_without_paths_there_is_nobody_to_wait_for(tmp_path: Path) -> None:
    for one in (Turns(), Turns(tmp_path / "no", tmp_path / "where")):
        with one.alone(), one.side_by_side():
            pass
