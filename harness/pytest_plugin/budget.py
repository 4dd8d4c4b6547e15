"""A run with a budget: when its time is spent, no further test begins."""

from __future__ import annotations

import time
from typing import Any

import pytest

_DEADLINE = pytest.StashKey[float]()
_TOLD = "parity_deadline"


def pytest_configure(config: pytest.Config) -> None:
    """Note the moment at which the budget is spent, by the clock that all processes share."""
    told = getattr(config, "workerinput", {}).get(_TOLD)
    budget = config.getoption("--budget")
    if told is not None:
        config.stash[_DEADLINE] = told
    elif budget is not None:
        config.stash[_DEADLINE] = time.time() + budget


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist."""
    node.workerinput[_TOLD] = node.config.stash.get(_DEADLINE, None)


def is_spent(config: pytest.Config) -> bool:
    """Whether the run has a budget, and it is spent."""
    return time.time() > config.stash.get(_DEADLINE, float("inf"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Pass over a test that would begin too late: without a report, so that it counts as not run."""
    return True if is_spent(item.config) else None
