"""The processes of a run: how many `-n auto` starts, how each collects its tests, and what interrupts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.run.crew import most_jobs
from harness.signals import interruptible
from harness.workers.garbage import uncollected


def pytest_configure(config: pytest.Config) -> None:
    """Let the SIGTERM of a CI system end the run as Ctrl-C does."""
    signals = ExitStack()
    signals.enter_context(interruptible())
    config.add_cleanup(signals.close)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """As many as the machine carries. None leaves the choice to xdist's own variable."""
    return None if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else most_jobs()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect twenty thousand tests once, not again at each look of the garbage collector."""
    with uncollected():
        return (yield)
