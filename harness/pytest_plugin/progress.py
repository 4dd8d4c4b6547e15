"""Says how far a run has come, and renews its page, while the run goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.pytest_plugin.order import block_of
from harness.run.estimate import Estimate, Group, told

FIRST_LINE, LINES = 15.0, 30.0
"""Seconds until the first line, and between two."""
FIRST_PAGE, PAGES = 40.0, 30.0
"""Seconds until the first page, and the least between two."""
SHARE = 0.05
"""Share of one processor that the pages of a run may take."""
SECONDS = "parity/seconds"
"""Name, in pytest's cache, of the seconds that a test of each kind takes: of a route, or of a file."""
_REPORT = "from harness.cli.main import main; main()"
_IDLE = 10
"""Niceness of the process that makes a page: the walk goes first."""


def group_of(test: str) -> Group:
    """The tests that take about as long as this one: those of its route and layer, or of its file."""
    file = test.partition("::")[0]
    if block_of(test) == file:
        return file, ""
    case, _, route = test.partition("[")[2].removesuffix("]").rpartition(":")
    return route, case.rpartition("-")[0]


class Progress:
    """Counts what has ended of the tests of a run, and estimates what is left. Prints a line now and then."""

    def __init__(self, config: pytest.Config, tests: Sequence[str], jobs: int) -> None:
        self._config = config
        self._tests = len(tests)
        before = config.cache.get(SECONDS, {}) if getattr(config, "cache", None) else {}
        self._estimate = Estimate(Counter(map(group_of, tests)), jobs, before)
        self._spent: dict[str, float] = {}
        self._begun = time.monotonic()
        self._next = self._begun + FIRST_LINE
        self._last = ""
        self.ended = 0

    def add(self, report: pytest.TestReport) -> None:
        """Take the seconds of a phase of a test."""
        self._spent[report.nodeid] = self._spent.get(report.nodeid, 0.0) + report.duration

    def end(self, test: str) -> None:
        """A test has ended."""
        self.ended += 1
        self._last = test
        self._estimate.add(group_of(test), self._spent.pop(test, 0.0))

    @property
    def unrun(self) -> int:
        """How many tests have not ended."""
        return self._tests - self.ended

    def line(self, results: str) -> str:
        """How far the run is. `results` says how many results came."""
        left = self._estimate.remaining(time.monotonic() - self._begun)
        rest = "" if left is None else f"; about {told(left)} left"
        last = self._last.rpartition("::")[2]
        return f"parity: {results}, {self.ended:,} of {self._tests:,} tests{rest}; last {last}"

    def is_due(self) -> bool:
        """Whether it is time for a line; then not again for a while."""
        if (now := time.monotonic()) < self._next:
            return False
        self._next = now + LINES
        return True

    def keep(self) -> None:
        """Keep the seconds of tests for the estimate of the next run."""
        if cache := getattr(self._config, "cache", None):
            cache.set(SECONDS, {**cache.get(SECONDS, {}), **self._estimate.means})


class Renewal:
    """Makes a page of the results file in a process of its own, again and again, as often as that costs little."""

    def __init__(self, results: Path, page: Path) -> None:
        self._command = [sys.executable, "-c", _REPORT, "report", str(results), "--out", str(page)]
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = 0.0
        self._next = time.monotonic() + FIRST_PAGE

    def go_on(self) -> None:
        """Begin a page if it is time for one. Never waits."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
            self._next = now + max(PAGES, (now - self._begun) / SHARE)
        if now >= self._next:
            self._begun = now
            quiet = subprocess.DEVNULL  # the last page is made in this process, and says what goes wrong
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own command
                self._command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
            )
            with suppress(psutil.Error):
                psutil.Process(self._process.pid).nice(_IDLE)

    def end(self) -> None:
        """Make no further page."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
