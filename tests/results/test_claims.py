"""Two runs that would write one results file at once: the second ends, and names the first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.files import CannotWriteError
from harness.results.events import Header, RouteStatus
from harness.results.file import Results, Writer, check_free, is_running

HEADER = Header(("pytest", "suites/", "-n", "2"), {}, (RouteStatus("a"),), started="2026-01-02T03:04:05+00:00")
MESSAGE = (
    "{}: another run is writing this file: `pytest suites/ -n 2`, begun at 2026-01-02T03:04:05+00:00. "
    "Wait for its end, or name another file by `--results OTHER`."
)
OTHER = """\
import sys
from pathlib import Path
from tests.results.test_claims import HEADER, Writer
writer = Writer(Path(sys.argv[1]), HEADER).open()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.ndjson"


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which is writing the file."""
    command = [sys.executable, "-c", OTHER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_a_file_that_another_process_writes(path: Path, other: subprocess.Popen[str]) -> None:
    before = path.read_bytes()
    for attempt in (Writer(path, HEADER).open, lambda: check_free(path)):
        with pytest.raises(CannotWriteError) as caught:
            attempt()
        assert str(caught.value) == MESSAGE.format(path)
    assert path.read_bytes() == before
    assert is_running(path)
    assert is_running(path)  # to ask claims nothing
    with Writer(path.with_name("other.ndjson"), HEADER):
        pass


def test_the_file_of_a_process_that_died(path: Path, other: subprocess.Popen[str]) -> None:
    """It is cut, and free."""
    other.kill()
    other.wait()
    check_free(path)
    assert not is_running(path)
    assert Results.load(path, cut_ok=True).cut
    with Writer(path, HEADER):
        pass
    assert not Results.load(path).cut
    assert len(path.read_text().splitlines()) == 2


def test_a_run_that_has_written_nothing_yet(path: Path) -> None:
    first = Writer(path, HEADER).open()
    path.write_text("")
    with pytest.raises(CannotWriteError, match="is writing this file: it has just begun"):
        Writer(path, HEADER).open()
    first.abandon()
    Writer(path, HEADER).open().abandon()


def test_a_free_place(path: Path) -> None:
    """To ask makes no file. A device takes what any number of runs write."""
    check_free(path)
    assert not is_running(path)
    assert not path.exists()
    with Writer(Path("/dev/null"), HEADER), Writer(Path("/dev/null"), HEADER):
        pass
