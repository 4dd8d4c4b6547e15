"""How long the rest of a run takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

LEAST = 0.02
"""Share of the tests that must have ended before there is an estimate."""
FIRST = 5
"""Tests of a group from which on the longest does not count: it began with the start of a framework."""


class Estimate:
    """Estimates the remaining seconds of a run by groups of tests that take about as long as each other.

    `totals` counts the tests of each group, `jobs` processes share them. `before` has the seconds of a test of each
    group in an earlier run. They stand in for groups of which nothing has ended yet, times the speed of this run.
    """

    def __init__(self, totals: Mapping[str, int], jobs: int, before: Mapping[str, float] | None = None) -> None:
        self._left = dict(totals)
        self._jobs = jobs
        self._before = dict(before or {})
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def add(self, group: str, seconds: float) -> None:
        """A test of this group has ended, and took so long."""
        self._left[group] = max(self._left.get(group, 0) - 1, 0)
        self._seconds[group].append(seconds)

    @property
    def means(self) -> dict[str, float]:
        """The mean seconds of a test, for each group in which a test has ended."""
        return {group: _mean(seconds) for group, seconds in self._seconds.items()}

    def remaining(self, elapsed: float) -> float | None:
        """Seconds until the end, `elapsed` seconds after the first test began; None before enough have ended."""
        spent = sum(map(sum, self._seconds.values()))
        ended = sum(map(len, self._seconds.values()))
        if ended < max(LEAST * (ended + sum(self._left.values())), FIRST) or elapsed <= 0:
            return None
        means = self.means
        each = {group: means[group] if group in means else self._unseen(group, means) for group in self._left}
        left = sum(count * each[group] for group, count in self._left.items())
        share = min(spent / (elapsed * self._jobs), 1.0)  # the rest is spent between tests
        return left / (self._jobs * share)

    def _unseen(self, group: str, means: Mapping[str, float]) -> float:
        """Seconds of a test of a group of which none has ended."""
        common = means.keys() & self._before.keys()
        if group in self._before and common:
            counts = {each: len(self._seconds[each]) for each in common}
            now, then = (sum(counts[each] * of[each] for each in common) for of in (means, self._before))
            return self._before[group] * (now / then if then else 1.0)
        return sum(map(sum, self._seconds.values())) / sum(map(len, self._seconds.values()))


def _mean(seconds: list[float]) -> float:
    longest = max(seconds) if len(seconds) >= FIRST else 0.0
    return (sum(seconds) - longest) / (len(seconds) - (len(seconds) >= FIRST))


def told(seconds: float) -> str:
    """Seconds as a person says them: `40 s`, `12 min`, `1 h 5 min`."""
    if seconds < 90:
        return f"{max(round(seconds, -1), 10):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
