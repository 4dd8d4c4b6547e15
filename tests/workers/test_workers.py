"""Workers: a module that one must not have, how far one may grow, and how long a request may take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from harness.fingerprint import package_of
from harness.workers import pool, watch
from harness.workers.pool import _BOOT, Setting, Worker, WorkerFailure, WorkerHang, Workers, growth_limit
from harness.workers.protocol import Call, Convert, Read, Run, Write
from harness.workers.watch import PATIENCE

KEPT: list[bytes] = []


def test_a_hidden_module_cannot_be_imported_and_leaves_no_trace() -> None:
    """Keras takes a module in `sys.modules` for one that is there, a None too."""
    hiding, _, _ = _BOOT.partition("if {here!r}")
    check = """
try:
    import colorsys
except ModuleNotFoundError:
    print("hidden", "colorsys" in sys.modules)
import csv
"""
    code = hiding.format(without=("colorsys",), root="") + check
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "hidden False\n"), done.stderr


def test_an_interpreter_in_a_path_with_blanks_and_umlauts_starts(tmp_path: Path) -> None:
    python = tmp_path / "Mein Prüfstand" / "python's"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with Workers(settings=(Setting("apart", python=str(python)),)) as workers:
        assert workers["apart"].request(Call(f"{__name__}:grow", (1,))).value > 0


def test_a_working_copy_in_the_working_directory_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel of this suite lies where a converter is installed, too: then the root of both came first."""
    copy = tmp_path / "suites"  # a package that the root has, too
    copy.mkdir()
    (copy / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    with Workers(settings=(Setting("apart"),)) as workers:
        assert workers["apart"].request(Call(f"{__name__}:place", ("suites",))).value == str(copy)
    assert package_of("suites") == copy


def place(package: str) -> str:
    """Called in a worker: the folder of the package that it would import."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return str(next(iter(spec.submodule_search_locations)))


def grow(mebibytes: int) -> int:
    """Called in a worker: keeps that much memory, and returns the process' id."""
    KEPT.append(b"x" * (mebibytes << 20))
    return os.getpid()


def test_a_worker_that_has_grown_too_much_makes_way_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 MiB are allowed: 10 more than at the first request are not too much, 100 are."""
    monkeypatch.setattr(pool, "GROWTH", 64 << 20)
    with Workers(settings=(Setting("grower"),)) as workers:
        worker = workers["grower"]
        first, second, third, fourth = (
            worker.request(Call(f"{__name__}:grow", (mebibytes,))).value for mebibytes in (1, 10, 100, 1)
        )
    assert first == second == third != fourth
    assert worker.starts == 2


def test_the_successor_starts_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 MiB, 90 are more than four fifths: the successor starts, and takes over at 120. It is stopped with the
    worker where that never grows so much."""
    monkeypatch.setattr(pool, "GROWTH", 100 << 20)
    with Workers(settings=(Setting("grower"),)) as workers:
        worker = workers["grower"]
        starts, pids = [], []
        for mebibytes in (1, 70, 20, 30, 1, 90):
            pids.append(worker.request(Call(f"{__name__}:grow", (mebibytes,))).value)
            starts.append(worker.starts)
        unused = worker._successor
        assert unused is not None
        pid = unused.pid
        assert pid is not None
        assert psutil.pid_exists(pid)
        worker.stop()
        assert not psutil.pid_exists(pid)
    assert starts == [1, 1, 2, 2, 2, 3]
    assert pids == [pids[0]] * 4 + [pids[4]] * 2
    assert pids[0] != pids[4]


@pytest.mark.parametrize("ends", ["crashes", "hangs"])
def test_a_successor_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    monkeypatch.setattr(pool, "GROWTH", 100 << 20)
    with Workers(settings=(Setting("grower"),)) as workers:
        worker = workers["grower"]
        for mebibytes in (1, 90):
            worker.request(Call(f"{__name__}:grow", (mebibytes,)))
        expected = worker._successor
        assert expected is not None
        pid = expected.pid
        with pytest.raises(WorkerFailure):
            worker.request(Call("os:abort", ()) if ends == "crashes" else Call("time:sleep", (60,)), limit=0.2)
        assert worker.request(Call(f"{__name__}:grow", (1,))).value == pid
    assert worker.starts == 2


def test_a_successor_that_died_unused_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "GROWTH", 100 << 20)
    with Workers(settings=(Setting("grower"),)) as workers:
        worker = workers["grower"]
        first, second = (worker.request(Call(f"{__name__}:grow", (mebibytes,))).value for mebibytes in (1, 90))
        assert worker._successor is not None
        assert worker._successor.pid is not None
        psutil.Process(worker._successor.pid).kill()
        third, fourth = (worker.request(Call(f"{__name__}:grow", (mebibytes,))).value for mebibytes in (30, 1))
    assert first == second == third != fourth
    assert worker.starts == 3


def test_without_memory_for_two_more_there_is_no_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "GROWTH", 100 << 20)
    monkeypatch.setattr(pool.psutil, "virtual_memory", lambda: SimpleNamespace(available=0))
    with Workers(settings=(Setting("grower"),)) as workers:
        for mebibytes in (1, 90):
            workers["grower"].request(Call(f"{__name__}:grow", (mebibytes,)))
        assert workers["grower"].starts == 1


@pytest.mark.parametrize(
    ("gibibytes", "processors", "mebibytes"), [(24, 2, 600), (32, 8, 204), (8, 8, 200), (1, 1, 200)]
)
def test_growth_is_a_twentieth_of_the_memory_for_each_processor(
    gibibytes: int, processors: int, mebibytes: int
) -> None:
    assert growth_limit(gibibytes << 30, processors) >> 20 == mebibytes


def compute(seconds: float) -> None:
    """Called in a worker: uses so much processor time."""
    while time.process_time() < seconds:
        pass


def compute_in_a_child(seconds: float) -> None:
    """Called in a worker: a process of its own computes, and this one waits for it."""
    code = f"import time\nwhile time.process_time() < {seconds}: pass"
    subprocess.run([sys.executable, "-c", code], check=True)


def sleep_at_first(path: Path) -> int:
    """Called in a worker: sleeps if the file is not there, which it then makes; returns the process' id."""
    if not path.exists():
        path.touch()
        time.sleep(60)
    return os.getpid()


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Workers(settings=(Setting("plain"),)) as workers:
        yield workers["plain"]


@pytest.mark.parametrize("function", ["compute", "compute_in_a_child"])
def test_the_limit_is_of_processor_time_of_the_process_and_its_children(
    worker: Worker, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 100)  # however busy the machine that runs this test
    with pytest.raises(WorkerHang, match=r"^no answer within 1 s of processor time; the worker was killed$"):
        worker.request(Call(f"{__name__}:{function}", (60,)), 1)


def test_what_a_process_has_used_before_does_not_count(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE", 100)
    for seconds in (0.8, 1.6, 2.4):
        worker.request(Call(f"{__name__}:compute", (seconds,)), 1.2)
    assert worker.starts == 1


def test_a_worker_that_sleeps_is_ended_by_the_clock(worker: Worker, tmp_path: Path) -> None:
    message = r"^no answer within 2\.5 s, in which it used less than 0\.5 s of processor time; the worker was killed$"
    with pytest.raises(WorkerHang, match=message) as caught:
        worker.request(Call(f"{__name__}:sleep_at_first", (tmp_path / "slept",)), 0.5)
    assert 2.5 <= caught.value.seconds < 20


def test_a_short_sleep_beyond_the_limit_is_no_hang(worker: Worker) -> None:
    assert worker.request(Call("time:sleep", (1.2,)), 0.5).seconds >= 1.2


def test_a_hang_is_tried_once_more_alone(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    for name in ("side_by_side", "alone"):
        monkeypatch.setattr(worker.turns, name, lambda name=name: turns.append(name) or nullcontext())
    part = tmp_path / "part"
    part.touch()
    monkeypatch.setattr(Call, "writes", part)
    answer = worker.insist(Call(f"{__name__}:sleep_at_first", (tmp_path / "slept",)), 0.2)
    assert (answer.value, worker.starts, turns) == (worker.pid, 2, ["side_by_side", "alone"])
    assert not part.exists(), "what the first try has written is in the way of the second"


def test_the_second_hang_counts_with_the_time_of_both(worker: Worker) -> None:
    with pytest.raises(WorkerHang) as caught:
        worker.insist(Call("time:sleep", (60,)), 0.2)
    assert worker.starts == 2
    assert caught.value.seconds >= 2 * PATIENCE * 0.2


def test_what_the_first_try_has_written_is_gone_at_the_second(tmp_path: Path) -> None:
    folder, file, model = tmp_path / "folder", tmp_path / "file", tmp_path / "model"
    folder.mkdir()
    for path in (folder / "part", file, model):
        path.touch()
    for request in (Convert("", model, folder), Write("", None, {}, file), Read("", model), Run("", model, ())):  # type: ignore[arg-type]
        request.discard()
    assert list(tmp_path.iterdir()) == [model]
    Convert("", model, folder).discard()
