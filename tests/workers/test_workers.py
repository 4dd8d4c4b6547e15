"""Workers: a module that one must not have, and how far one may grow."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.workers import pool
from harness.workers.pool import _BOOT, Setting, Workers, growth_limit
from harness.workers.protocol import Call

KEPT: list[bytes] = []


def test_a_hidden_module_cannot_be_imported_and_leaves_no_trace() -> None:
    """Keras takes a module in `sys.modules` for one that is there, a None too."""
    hiding, _, _ = _BOOT.partition("sys.path.insert")
    check = """
try:
    import colorsys
except ModuleNotFoundError:
    print("hidden", "colorsys" in sys.modules)
import csv
"""
    code = hiding.format(without=("colorsys",)) + check
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "hidden False\n"), done.stderr


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


@pytest.mark.parametrize(
    ("gibibytes", "processors", "mebibytes"), [(24, 2, 600), (32, 8, 204), (8, 8, 200), (1, 1, 200)]
)
def test_growth_is_a_twentieth_of_the_memory_for_each_processor(
    gibibytes: int, processors: int, mebibytes: int
) -> None:
    assert growth_limit(gibibytes << 30, processors) >> 20 == mebibytes
