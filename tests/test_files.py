"""Files are written whole or not at all, and a place where nothing can be written is told as such."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import harness.files
from harness.files import CannotWriteError, atomic_write, claimed
from harness.results.events import Header, RouteStatus
from harness.results.file import Writer

ADVICE = "Name another place, or free this one."


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.txt"
    atomic_write(file, b"old")
    atomic_write(file, b"new")
    assert ([*file.parent.iterdir()], file.read_bytes()) == ([file], b"new")


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("mine")
    target = tmp_path / "reports" / "a.txt"
    with pytest.raises(CannotWriteError) as caught:
        atomic_write(target, b"new")
    assert str(caught.value) == f"{target}: the file cannot be written: File exists. {ADVICE}"
    with pytest.raises(CannotWriteError):
        Writer(target, Header(("parity", "run"), {}, (RouteStatus("a"),))).open()
    assert (tmp_path / "reports").read_text() == "mine"


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CannotWriteError) as caught:
        atomic_write(tmp_path, b"new")
    assert str(caught.value) == f"{tmp_path}: the file cannot be written: Is a directory. {ADVICE}"
    assert not [*tmp_path.parent.glob("*.part")]


def test_an_open_file_is_claimed_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("a") as first, path.open("a") as second:
        assert (claimed(first), claimed(second), claimed(first)) == (True, False, True)
    with path.open("a") as second:
        assert claimed(second)


def test_where_nothing_can_be_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device has as many writers as like to. Some disks of other machines know no claims."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with Path("/dev/null").open("a") as first, Path("/dev/null").open("a") as second:
        assert claimed(first)
        assert claimed(second)
    with (tmp_path / "a").open("a") as first, (tmp_path / "a").open("a") as second:
        assert claimed(first)
        monkeypatch.setattr(harness.files.fcntl, "flock", refuse)
        assert claimed(second)
        monkeypatch.setattr(harness.files, "fcntl", None)
        assert claimed(second)
