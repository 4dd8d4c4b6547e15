"""Writes the results file of `pytest suites/`, checks the floor of the run, and prints its last lines.

A test attaches its results to its report. xdist sends the report to the process that started the run: only this process
sees every report, and only it has a ledger.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.defects import sentence
from harness.analysis.tally import Tally
from harness.pytest_plugin.options import session_of
from harness.pytest_plugin.parameters import GOLDEN_TEST
from harness.results.events import Judgement, Result
from harness.results.file import Writer

PROPERTY = "parity-result"
OPTIONS = ("route", "layer", "explore", "random", "hop", "opset", "all-cases", "limit")
"""Options that go into the header of the results file."""


def attach(test: pytest.Item, result: Result) -> None:
    """Send a result with the report of a test."""
    test.user_properties.append((PROPERTY, json.dumps(result.to_json())))


def attached(report: pytest.TestReport) -> Iterator[Result]:
    """The results that a report carries."""
    for name, value in report.user_properties:
        if name == PROPERTY:
            yield Result.from_json(json.loads(str(value)))


def pytest_configure(config: pytest.Config) -> None:
    """Register a ledger in the process that reports."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Ledger(config), "parity-ledger")


class Ledger:
    """Writes the results file. Fails a run below its floor, or with expectations that no longer happen."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.path = Path(config.rootpath, config.getoption("--results"))
        self.writer: Writer | None = None
        self.floor = 0
        self.seen: set[tuple[str, str]] = set()
        self.matched: Counter[str] = Counter()
        self.tally = Tally()
        self.failure = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        goldens = sum(name.partition("::")[2].startswith(f"{GOLDEN_TEST}[") for name in ids)
        explored = sum("explore" in name.partition("::")[0] for name in ids)
        self.open(goldens, goldens + explored)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        goldens = sum(item.get_closest_marker("goldens") is not None for item in session.items)
        explored = sum(item.get_closest_marker("explored") is not None for item in session.items)
        if not self.config.getoption("collectonly"):
            self.open(goldens, goldens + explored)

    def open(self, floor: int, walked: int) -> None:
        """Begin the file if tests will be walked; `floor` is the least number of results."""
        if self.writer is not None or not walked:
            return
        self.floor = floor
        options = {name: self.config.getoption(f"--{name}") for name in OPTIONS}
        command = ["pytest", *map(str, self.config.invocation_params.args)]
        header = session_of(self.config).header(command, options, floor)
        self.tally = Tally(header.plugins)
        self.writer = Writer(self.path, header)
        self.writer.open()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or self.writer is None:
            return
        for result in attached(report):
            if result.key not in self.seen:
                self.seen.add(result.key)
                self.writer.add(result)
                self.tally.add(result)
                if result.expectation is not None and result.judgement is Judgement.EXPECTED:
                    self.matched[result.expectation.id] += 1

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.writer is None:
            return
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self.writer.close()
        else:
            self.writer.abandon()
        if exitstatus == pytest.ExitCode.OK and (failure := self._failure()):
            self.failure = failure
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _failure(self) -> str:
        """The reason why the run fails although every test passed; '' if it does not."""
        if len(self.seen) < self.floor:
            return f"only {len(self.seen)} results came, the run owes {self.floor}: nothing green on nothing"
        if self.gone:
            names = ", ".join(self.gone)
            return f"fixed upstream: remove these expectations, whose minimal cases no longer deviate: {names}"
        return ""

    @property
    def gone(self) -> list[str]:
        """Expectations with `says` that foresaw no result of this run, although their minimal case was walked."""
        if self.config.getoption("--route"):  # the minimal case may deviate on other routes
            return []
        cases = {case for case, _ in self.seen}
        known = session_of(self.config).expectations
        return [x.id for x in known if x.says and x.applies and x.case in cases and x.id not in self.matched]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.writer is None:
            return
        terminalreporter.section("parity")
        for line in self._warnings():
            terminalreporter.write_line(line, yellow=True)
        for name, count in self.matched.most_common():
            terminalreporter.write_line(f"{count:5} deviate as expected: {name}")
        if defects := self.tally.defects():
            terminalreporter.write_line(f"{sentence(defects)}; see `parity defects`")
        terminalreporter.write_line(f"{len(self.seen)} results in {self.path} (python {sys.version.split()[0]})")
        if self.failure:
            terminalreporter.write_line(self.failure, red=True)

    def _warnings(self) -> Iterator[str]:
        """Warnings of routes and plugins that cannot be used, and of expectations that foresaw nothing."""
        parity = session_of(self.config)
        for route in parity.routes:
            if why := route.missing(parity.registry):
                yield f"route {route.name} could not run: {why}"
        for problem in parity.registry.problems:
            yield f"plugin not usable: {problem}"
        cases = {case for case, _ in self.seen}
        for item in parity.expectations:
            if item.case in cases and item.id not in self.matched:
                yield f"expectation {item.id} matched nothing, though its minimal case {item.case} was run"
