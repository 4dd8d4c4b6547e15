"""What a run says of itself while it goes on: lines in the terminal, and a page that is renewed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from harness.pytest_plugin import progress
from harness.pytest_plugin.progress import SECONDS, Progress, Renewal, group_of
from harness.results.file import Writer
from tests.results.test_claims import HEADER

pytest_plugins = ["pytester"]
TESTS = [f"s/test_a.py::test_golden[{case}:{route}]" for case in "abcde" for route in ("quick", "slow")]


class Cache:
    """pytest's cache, of which nothing stays on disk."""

    def __init__(self) -> None:
        self.kept: dict[str, object] = {}

    def get(self, name: str, default: object) -> object:
        return self.kept.get(name, default)

    def set(self, name: str, value: object) -> None:
        self.kept[name] = value


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that stands until it is told to go on."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def run(progress: Progress, test: str, seconds: float) -> None:
    progress.add(SimpleNamespace(nodeid=test, duration=seconds))  # type: ignore[arg-type]
    progress.end(test)


def test_tests_of_a_route_or_of_a_file_take_about_as_long() -> None:
    """Of a route: those of one layer."""
    golden = "s/test_a.py::test_golden[keras-GRU-12ab:keras-tf2onnx]"
    assert [group_of(test) for test in (golden, "s/test_b.py::test_c[1:2]")] == [
        ("keras-tf2onnx", "keras-GRU"),
        ("s/test_b.py", ""),
    ]


def test_the_line_says_how_far_the_run_is_and_how_long_it_still_takes(clock: Callable[[float], None]) -> None:
    cache = Cache()
    told = Progress(SimpleNamespace(cache=cache), TESTS, jobs=1)  # type: ignore[arg-type]
    for test in TESTS[:8]:
        seconds = 100.0 if "slow" in test else 10.0
        clock(seconds)
        run(told, test, seconds)
    assert told.unrun == 2
    assert told.line("4 of 5 results") == (
        "parity: 4 of 5 results, 8 of 10 tests; about 2 min left; last test_golden[d:slow]"
    )
    told.keep()
    assert cache.kept[SECONDS] == {"quick": 10.0, "slow": 100.0}


def test_a_line_comes_now_and_then(clock: Callable[[float], None]) -> None:
    told = Progress(SimpleNamespace(), TESTS, jobs=1)  # type: ignore[arg-type]
    due = []
    for _ in range(80):
        clock(1)
        due.append(told.is_due())
    assert [second for second, each in enumerate(due, 1) if each] == [15, 45, 75]


def wait(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within 30 s")


def test_the_page_is_renewed_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_PAGE", 0.0)
    monkeypatch.setattr(progress, "PAGES", 0.0)
    monkeypatch.setattr(progress, "SHARE", 1e9)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    results, page = tmp_path / "results.ndjson", tmp_path / "site" / "index.html"
    writer = Writer(results, HEADER).open()
    before = set(psutil.Process().children())
    renewal = Renewal(results, page)
    renewal.go_on()
    assert not page.exists()  # it does not wait
    (child,) = set(psutil.Process().children()) - before
    assert child.nice() == 10
    wait(page.exists)
    assert "<p>Running. The run goes on." in page.read_text()
    writer.abandon()
    wait(lambda: renewal.go_on() or "<p>Cut." in page.read_text())  # type: ignore[func-returns-value]
    renewal.go_on()
    renewal.end()
    assert set(psutil.Process().children()) <= before


def test_pages_take_a_small_share_of_a_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    """None before there is something to see; then they come the more seldom the dearer they are."""
    started: list[float] = []
    ends = [None]

    class Process:
        pid = -1

        def __init__(self, *_: object, **__: object) -> None:
            started.append(progress.time.monotonic() - 100)
            ends[0] = None

        def poll(self) -> int | None:
            return ends[0]

    monkeypatch.setattr(progress.subprocess, "Popen", Process)
    monkeypatch.setattr(progress.psutil, "Process", lambda pid: SimpleNamespace(nice=lambda level: None))
    renewal = Renewal(tmp_path / "r.ndjson", tmp_path / "p.html")
    for second in range(400):
        if started and second - started[-1] == 5:  # each page takes five seconds
            ends[0] = 0  # type: ignore[call-overload]
        renewal.go_on()
        clock(1)
    assert started == [40, 145, 250, 355]


def test_a_run_says_how_far_it_is(world: pytest.Pytester) -> None:
    world.makeconftest(
        (world.path / "conftest.py").read_text() + "\nimport harness.pytest_plugin.progress as p\np.FIRST_LINE = 0\n"
    )
    said = world.runpytest_subprocess().stdout.str()
    assert re.search(r"^parity: 1 of 2 results, 1 of 2 tests; last test_golden\[", said, flags=re.MULTILINE), said
