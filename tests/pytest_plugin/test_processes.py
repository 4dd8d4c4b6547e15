"""`-n auto`: as many processes as processors and memory carry."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.pytest_plugin import processes
from harness.run import crew


@pytest.mark.parametrize(
    ("processors", "gigabytes", "expected"), [(2, 24, 2), (16, 24, 8), (16, 12, 4), (16, 2, 1), (6, 64, 6), (1, 64, 1)]
)
def test_as_many_as_processors_and_memory_carry(
    processors: int, gigabytes: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(crew.os, "sched_getaffinity", lambda pid: set(range(processors)), raising=False)
    monkeypatch.setattr(crew.psutil, "virtual_memory", lambda: SimpleNamespace(total=gigabytes * 2**30))
    assert processes.pytest_xdist_auto_num_workers() == expected


def test_the_plugin_is_asked_and_the_variable_of_xdist_wins(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = pytestconfig.hook.pytest_xdist_auto_num_workers
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(crew, "WORKER_BYTES", 1 << 60)
    assert ask(config=pytestconfig) == 1
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "77")
    assert ask(config=pytestconfig) == 77
