"""What a run knows of the one before: which cases failed, and the results of a cut run with which it goes on.

Only the process that reports reads the results file, before it writes there. pytest-xdist's other processes are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.errors import InputError
from harness.pytest_plugin.options import session_of, workplace
from harness.results.file import Results
from harness.results.resumed import failed_cases
from harness.run.unchanged import taken_up

_EARLIER = pytest.StashKey["Earlier"]()
_FAILED, _DONE = "parity_failed", "parity_done"


@dataclass(frozen=True)
class Earlier:
    """The ids of the cases that `failed`, the results of a `cut` run to go on with, and what is `done` there: pairs of
    case and route."""

    failed: frozenset[str] = frozenset()
    done: frozenset[tuple[str, str]] = frozenset()
    cut: Results | None = None


def earlier_of(config: pytest.Config) -> Earlier:
    """What this run knows of the one before."""
    return config.stash.get(_EARLIER, Earlier())


@pytest.hookimpl(trylast=True)  # behind the session, of which it asks
def pytest_configure(config: pytest.Config) -> None:
    """Read the results file of the run before. Raises UsageError where a run cannot go on with it."""
    if (told := getattr(config, "workerinput", None)) is not None:
        done = frozenset((case, route) for case, route in told[_DONE])
        config.stash[_EARLIER] = Earlier(frozenset(told[_FAILED]), done)
        return
    path = Path(workplace(config), config.getoption("--results"))
    if not config.getoption("--resume"):
        config.stash[_EARLIER] = Earlier(failed_cases(path))
        return
    if config.getoption("--plant"):
        raise pytest.UsageError("--resume does not go with --plant: of planted faults a cut run leaves nothing behind")
    try:
        cut = taken_up(session_of(config), path)
    except InputError as error:
        raise pytest.UsageError(str(error)) from None
    if cut is not None:
        failed = frozenset(result.case for result in cut.failures)
        config.stash[_EARLIER] = Earlier(failed, frozenset(result.key for result in cut.results), cut)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist before it collects."""
    earlier = earlier_of(node.config)
    node.workerinput[_FAILED] = sorted(earlier.failed)
    node.workerinput[_DONE] = sorted(earlier.done)
