"""Writes the results file of `pytest suites/`, checks the floor of the run, and prints its last lines.

A test attaches its results to its report. xdist sends the report to the process that started the run: only this process
sees every report, and only it has a ledger.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.changes import Changes
from harness.analysis.defects import sentence
from harness.analysis.tally import Tally
from harness.errors import InputError
from harness.files import CannotWriteError, atomic_write
from harness.judge.expectations import Expectation
from harness.pytest_plugin.budget import is_spent
from harness.pytest_plugin.earlier import earlier_of
from harness.pytest_plugin.options import session_of, workplace
from harness.pytest_plugin.order import GOLDEN_TEST
from harness.pytest_plugin.progress import Progress, Renewal
from harness.report import cut
from harness.results.events import Answer, Judgement, Owed, Result
from harness.results.file import Results, Writer
from harness.results.resumed import check_same
from harness.run.universal import Planted, by_layer, table
from harness.spec import EMPTY_BATCH

UNIVERSAL = ".universal.json"
"""Ending of the file beside the results that tells of each converter, layer and universal fault how many cases fail."""
EXPLORE = "explore"
"""Name of every folder of tests that draw fresh cases."""
PROPERTY, PLANTED = "parity-result", "parity-planted"
OPTIONS = (
    "route", "layer", "explore", "random", "hop", "opset", "all-cases", "limit", "pack", "baseline", "across", "shard",
    "no-cache",
)  # fmt: skip
"""Options that go into the header of the results file."""


def attach(test: pytest.Item, result: Result) -> None:
    """Send a result with the report of a test."""
    test.user_properties.append((PROPERTY, json.dumps(result.to_json())))


def attach_planted(test: pytest.Item, planted: Iterable[Planted]) -> None:
    """Send what became of universal faults with the report of a test."""
    test.user_properties.append((PLANTED, json.dumps([each.to_json() for each in planted])))


def attached(report: pytest.TestReport) -> Iterator[Result]:
    """The results that a report carries."""
    for name, value in report.user_properties:
        if name == PROPERTY:
            yield Result.from_json(json.loads(str(value)))


def pytest_configure(config: pytest.Config) -> None:
    """Register a ledger in the process that reports."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Ledger(config), "parity-ledger")


def _is_golden(test: str) -> bool:
    return test.startswith(f"{GOLDEN_TEST}[")


class Ledger:
    """Writes the results file. Fails a run that lost results, and one with what `--fail-on` names."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.path = Path(workplace(config), config.getoption("--results"))
        self.writer: Writer | None = None
        self.floor = 0
        self.seen: set[tuple[str, str]] = set()
        self.matched: Counter[str] = Counter()
        self.owed: set[tuple[str, str]] = set()
        self.tally = Tally()
        self.changes = Changes()
        self.planted: list[Planted] = []
        self.failure = ""
        self.is_cut = False
        self.why_cut = cut.INTERRUPTED
        self.failed = self.failed_before = 0
        self.page: Path | None = config.getoption("--page")
        self.progress: Progress | None = None
        self.renewal: Renewal | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.open(ids, jobs=len(node.config.option.tx))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self.config.getoption("collectonly"):
            self.open([item.nodeid for item in session.items])

    def open(self, ids: Sequence[str], jobs: int = 1) -> None:
        """Begin the file if tests of these ids walk cases, or go on with that of a cut run. The pairs of the golden
        tests are owed."""
        names = [name.partition("::") for name in ids]
        cut_run = earlier_of(self.config).cut
        pairs = (rest[len(GOLDEN_TEST) + 1 : -1].rsplit(":", 1) for _, _, rest in names if _is_golden(rest))
        owed = [(case, route) for case, route in pairs]
        owed += sorted(earlier_of(self.config).done & cut_run.owed_pairs) if cut_run else []
        explored = sum(EXPLORE in Path(file).parts for file, _, rest in names if not _is_golden(rest))
        if self.writer is not None or not (owed or explored):
            return
        self.owed = set(owed)
        self.floor = len(self.owed)
        options = {name: self.config.getoption(f"--{name}") for name in OPTIONS}
        command = ["pytest", *map(str, self.config.invocation_params.args)]
        header = session_of(self.config).header(command, options, self.floor)
        self.tally = Tally(header.plugins)
        try:
            if cut_run is not None:
                check_same(cut_run, header, self.owed, self.path)
            self.writer = Writer(self.path, header, Owed.of(owed), cut=cut_run).open()
        except InputError as error:
            raise pytest.UsageError(str(error)) from None
        for result in cut_run.results if cut_run is not None else ():
            self._take(result)
        self.failed_before = self.failed
        self.progress = Progress(self.config, ids, jobs)
        if self.page is not None:
            self.renewal = Renewal(self.path, self.page)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self.writer is None or self.progress is None:
            return
        self.progress.add(report)
        if report.when != "call":
            return
        for name, text in report.user_properties:
            self.planted += [Planted(**each) for each in json.loads(str(text))] if name == PLANTED else []
        # what is owed last: where the run is cut between two results of a test, the test is walked again
        for result in sorted(attached(report), key=lambda result: result.key in self.owed):
            if result.key not in self.seen:
                try:
                    self.writer.add(result)
                except CannotWriteError as error:
                    self._give_up(error)
                    return
                self._take(result)

    def _take(self, result: Result) -> None:
        self.seen.add(result.key)
        self.tally.add(result)
        self.changes.add(result)
        self.failed += result.judgement is Judgement.FAILED
        if result.expectation is not None and result.judgement is Judgement.EXPECTED:
            self.matched[result.expectation.id] += 1

    def _give_up(self, error: CannotWriteError) -> None:
        """End the run: its results cannot be written any more, as where the disk is full."""
        plugins = self.config.pluginmanager
        session: Any = plugins.get_plugin("dsession") or plugins.get_plugin("session")  # the loop that is in charge
        self.why_cut = "stopped"
        session.shouldstop = str(error)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if self.writer is None or self.progress is None:
            return
        self.progress.end(nodeid)
        if self.renewal is not None:
            self.renewal.go_on()
        if self.progress.is_due() and (terminal := self.config.pluginmanager.get_plugin("terminalreporter")):
            failed = f", {self.failed:,} failed" if self.failed else ""
            results = f"{len(self.seen & self.owed):,} of {len(self.owed):,} results{failed}"
            terminal.ensure_newline()
            terminal.write_line(self.progress.line(results), bold=True)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.writer is None:
            return
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.failed_before + len(self.seen):
            exitstatus = session.exitstatus = pytest.ExitCode.OK  # the cut run had walked all
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        stopped = session.shouldfail or session.shouldstop  # by --maxfail
        if ended and is_spent(self.config) and self.progress is not None and self.progress.unrun:
            self.why_cut = cut.BUDGET
            self.is_cut = True
        self.is_cut = self.is_cut or not ended or bool(stopped and self.owed - self.seen)
        if self.renewal is not None:
            self.renewal.end()
        if self.progress is not None:
            self.progress.keep()
        if self.is_cut:
            self.writer.abandon()
        else:
            self.writer.close()
        if self.planted:
            atomic_write(self.path.with_suffix(UNIVERSAL), json.dumps(by_layer(self.planted), indent=1).encode())
        if exitstatus == pytest.ExitCode.OK and (failure := self._failure()):
            self.failure = failure
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _failure(self) -> str:
        """The reason why the run fails although every test passed; '' if it does not."""
        if self.failed_before:
            return f"{self.failed_before} results failed before the run was cut"
        is_whole = not self.is_cut  # what a budget did not let come is no loss
        if is_whole and len(self.seen) < self.floor:
            return f"only {len(self.seen)} results came, the run owes {self.floor}: nothing green on nothing"
        if survivors := [each for each in self.planted if not each.fails]:
            first = survivors[0]
            where = f"{first.fault!r} behind {first.converter} on {first.case}"
            return (
                f"{len(survivors)} universal faults pass, the first is {where}: an expectation or the record covers it"
            )
        if is_whole and self.lost:
            return f"{len(self.lost)} results are owed and did not come; accept a loss by `parity record accept`"
        failing = {
            "fixed": len(self.changes.differing[Answer.FIXED]) + len(self.gone),
            "drift": len(self.changes.differing[Answer.DRIFT]),
            "unexplained": self.changes.unexplained,
        }
        wrong = [f"{failing[name]} {name}" for name in self.config.getoption("--fail-on") if failing[name]]
        if wrong:
            gone = f"; remove these expectations: {', '.join(self.gone)}" if self.gone else ""
            return f"--fail-on: {', '.join(wrong)} beside the record{gone}"
        return ""

    @cached_property
    def lost(self) -> list[tuple[str, str]]:
        """Case and route, or chain, of what the run or the record owes and what did not come."""
        return sorted(self.owed - self.seen) + session_of(self.config).unwalked()

    @cached_property
    def idle(self) -> list[Expectation]:
        """Expectations that foresaw no result of this run, although their minimal case was walked.

        An expectation of a random outcome may foresee none in any one run, and says nothing by it.
        """
        if self.is_cut or self.config.getoption("--route"):  # the minimal case may deviate on other routes
            return []
        cases = {case.removesuffix(EMPTY_BATCH) for case, _ in self.seen}
        known = session_of(self.config).expectations
        return [item for item in known if item.case in cases and item.id not in self.matched and not item.random]

    @property
    def gone(self) -> list[str]:
        """Idle expectations of installed versions that know their deviation by its message."""
        return [item.id for item in self.idle if item.says and item.applies]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.writer is None:
            return
        terminalreporter.section("parity")
        for line in self._warnings():
            terminalreporter.write_line(line, yellow=True)
        for name, count in self.matched.most_common():
            terminalreporter.write_line(f"{count:5} deviate as expected: {name}")
        for line in table(self.planted):
            terminalreporter.write_line(line)
        for line in self.changes.lines(() if self.is_cut else self.lost):
            terminalreporter.write_line(line)
        if defects := self.tally.defects():
            terminalreporter.write_line(f"{sentence(defects)}; see `parity defects`")
        terminalreporter.write_line(f"{len(self.seen)} results in {self.path} (python {sys.version.split()[0]})")
        if self.failure:
            terminalreporter.write_line(self.failure, red=True)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Write the page. Say of a run that was cut how far it came, below all else."""
        if self.writer is None or not (self.is_cut or self.page):
            return
        results = Results.load(self.path, cut_ok=True)
        page = self.page or cut.page_of(self.path)
        terminal = self.config.get_terminal_writer()
        if self.is_cut:
            terminal.line(cut.line(results, page, self.why_cut), red=True)
            if self.why_cut == cut.BUDGET and self.progress is not None and self.progress.unrun:
                terminal.line(f"{self.progress.unrun:,} tests did not begin", red=True)
        else:
            terminal.line(f"{page} shows all")
        terminal.flush()
        try:
            cut.write(results, page)
        except CannotWriteError as error:
            terminal.line(f"there is no new page: {error}", red=True)

    def _warnings(self) -> Iterator[str]:
        """Warnings of routes and plugins that cannot be used, and of expectations that foresaw nothing."""
        parity = session_of(self.config)
        for route in parity.routes:
            if why := route.missing(parity.registry):
                yield f"route {route.name} could not run: {why}"
        for problem in parity.registry.problems:
            yield f"plugin not usable: {problem}"
        for item in self.idle:
            yield f"expectation {item.id} matched nothing, though its minimal case {item.case} was run"
