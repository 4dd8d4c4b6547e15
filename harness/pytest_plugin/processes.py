"""The number of processes that pytest-xdist starts for `-n auto`."""

from __future__ import annotations

import os

import psutil
import pytest

WORKER_BYTES = 3 << 30
"""Memory of one process of pytest with its framework workers."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """The number of processors, limited by memory, at most 8. None leaves the choice to xdist's own variable."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, psutil.virtual_memory().total // WORKER_BYTES, 8))
