"""The number of processes that pytest-xdist starts for `-n auto`."""

from __future__ import annotations

import os

import pytest

from harness.run.crew import most_jobs


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """As many as the machine carries. None leaves the choice to xdist's own variable."""
    return None if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else most_jobs()
