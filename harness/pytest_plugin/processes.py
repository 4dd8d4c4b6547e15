"""How many processes pytest-xdist starts where it is to say so itself."""

from __future__ import annotations

import os

import psutil
import pytest

WORKER_BYTES = 3 << 30
"""Memory of one process of pytest with its framework workers."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """`-n auto`: the processors that this process may use, as far as the memory reaches."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None  # xdist's own way to say it
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, psutil.virtual_memory().total // WORKER_BYTES, 8))
