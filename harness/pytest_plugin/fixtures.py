"""Fixtures of the suites: the session, the walks, and the recording of results."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from harness import optional
from harness.adapters.routes import Route
from harness.catalogue import Row
from harness.corpus.store import Entry, keep
from harness.draw.strategies import DISCOVERY, GATE, register_profiles
from harness.optional import REAL_FILES
from harness.pytest_plugin.assertion import failure_text
from harness.pytest_plugin.ledger import attach, attach_planted
from harness.pytest_plugin.options import session_of
from harness.results.events import Result
from harness.run.corpus_walk import CorpusWalk
from harness.run.explore import Exploration
from harness.run.session import Session
from harness.run.walk import LacksPackage

register_profiles()

Record = Callable[[Result], Result]


def pytest_exception_interact(node: pytest.Item | pytest.Collector, call: pytest.CallInfo[object]) -> None:
    """End the run, with exit code 2, where a converter lacks a package: no other test could say more."""
    if call.excinfo is not None and isinstance(call.excinfo.value, LacksPackage):
        node.session.shouldstop = str(call.excinfo.value)


@pytest.fixture(scope="session")
def parity(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The run's session. Its workers start side by side when one is needed."""
    session = session_of(request.config)
    session.warm(session.runnable)
    yield session
    session.close()
    if session.kept is not None and session.kept.trouble:
        warnings.warn(session.kept.trouble, stacklevel=1)  # what a worker of pytest-xdist prints is not shown


@pytest.fixture(scope="session")
def corpus_walk(parity: Session) -> CorpusWalk:
    """The walk over the golden cases."""
    return CorpusWalk(parity)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """A function that records a result for the results file, each case and route once."""
    seen: set[tuple[str, str]] = set()

    def keep(result: Result) -> Result:
        if result.key not in seen:
            seen.add(result.key)
            attach(request.node, result)
        return result

    return keep


@pytest.fixture
def results(
    pair: tuple[Entry, Route], corpus_walk: CorpusWalk, record: Record, request: pytest.FixtureRequest
) -> tuple[Result, ...]:
    """The result of one golden case along one route, and that of its empty batch where it is one of its own."""
    results = tuple(map(record, corpus_walk.results(*pair)))
    if request.config.getoption("--plant"):
        attach_planted(request.node, corpus_walk.planted(*pair))
    return results


@pytest.fixture
def explore(parity: Session, record: Record, request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """A function that walks fresh cases of a row along every route of its dialect.

    A failure is shrunk, stored as a case, and reported.
    """
    config = request.config

    def run(row: Row) -> None:
        __tracebackhide__ = True
        profile = settings.get_profile(DISCOVERY if config.getoption("--random") else GATE)
        exploration = Exploration(parity.walk, parity.explored(row.dialect), record)
        smallest = exploration.smallest(row, settings(profile, max_examples=config.getoption("--explore")))
        if smallest is not None:
            path = os.path.relpath(keep(smallest.case, parity.root))
            model = "\n    ".join(smallest.case.spec.lines)
            pytest.fail(
                f"{failure_text(smallest.result)}\n  kept: {path}\n  model:\n    {model}",
                pytrace=False,
            )

    return run


@pytest.fixture(scope="session")
def real_files(request: pytest.FixtureRequest) -> Path:
    """The folder of real files written by MATLAB. Skips the test if there is none."""
    folder = optional.real_files(request.config.rootpath)
    if folder is None:
        pytest.skip(optional.absence(REAL_FILES))
    return folder
