"""How long the rest of a run takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from statistics import median

LEAST = 0.02
"""Share of the tests that must have ended before there is an estimate."""
FEW = 5
"""Tests of a group below which the median of its kind stands for that of the group."""
USUAL = 3.0
"""How many times the median a mean may count for: the first test of a route starts a framework."""
Group = tuple[str, str]
"""A kind of test, such as a route, and a part of it, such as a layer: tests that take about as long as each other."""


class Estimate:
    """Estimates the remaining seconds of a run.

    `totals` counts the tests of each group, `jobs` processes share them. A group takes the mean of its tests that
    ended, or the median over the groups of its kind. `before` has the seconds of a test of each kind in an earlier run.
    They stand in for kinds of which nothing has ended yet, times the speed of this run.
    """

    def __init__(self, totals: Mapping[Group, int], jobs: int, before: Mapping[str, float] | None = None) -> None:
        self._left = dict(totals)
        self._jobs = jobs
        self._before = dict(before or {})
        self._seconds: dict[Group, list[float]] = defaultdict(list)

    def add(self, group: Group, seconds: float) -> None:
        """A test of this group has ended, and took so long."""
        self._left[group] = max(self._left.get(group, 0) - 1, 0)
        self._seconds[group].append(seconds)

    @property
    def means(self) -> dict[str, float]:
        """The mean seconds of a test, for each kind of which a test has ended."""
        every: dict[str, list[float]] = defaultdict(list)
        for (kind, _), seconds in self._seconds.items():
            every[kind] += seconds
        return {kind: _mean(seconds) for kind, seconds in every.items()}

    def remaining(self, elapsed: float) -> float | None:
        """Seconds until the end, `elapsed` seconds after the first test began; None before enough have ended."""
        spent = sum(map(sum, self._seconds.values()))
        ended = sum(map(len, self._seconds.values()))
        if ended < max(LEAST * (ended + sum(self._left.values())), FEW) or elapsed <= 0:
            return None
        usual = self._usual()
        left = sum(count * self._each(group, usual) for group, count in self._left.items() if count)
        share = min(spent / (elapsed * self._jobs), 1.0)  # the rest is spent between tests
        return left / (self._jobs * share)

    def _each(self, group: Group, usual: Mapping[str, float]) -> float:
        """Seconds of a test of this group."""
        seconds, kind = self._seconds.get(group), usual[group[0]]
        if not seconds:
            return kind
        return min(_mean(seconds), USUAL * (median(seconds) if len(seconds) >= FEW else kind))

    def _usual(self) -> dict[str, float]:
        """Seconds of a test that are usual for each kind: the median over its groups, or those of an earlier run."""
        groups: dict[str, list[float]] = defaultdict(list)
        for (kind, _), seconds in self._seconds.items():
            groups[kind].append(_mean(seconds))
        seen = {kind: median(means) for kind, means in groups.items()}
        overall = median(mean for means in groups.values() for mean in means)
        speed = self._speed()
        unseen = {kind for kind, _ in self._left} - seen.keys()
        return seen | {kind: self._before[kind] * speed if kind in self._before else overall for kind in unseen}

    def _speed(self) -> float:
        """How many times as long as in the earlier run a test takes."""
        counts: dict[str, int] = defaultdict(int)
        for (kind, _), seconds in self._seconds.items():
            counts[kind] += len(seconds)
        means = self.means
        common = means.keys() & self._before.keys()
        now, then = (sum(counts[each] * of[each] for each in common) for of in (means, self._before))
        return now / then if then else 1.0


def _mean(seconds: list[float]) -> float:
    return sum(seconds) / len(seconds)


def told(seconds: float) -> str:
    """Seconds as a person says them: `40 s`, `12 min`, `1 h 5 min`."""
    if seconds < 90:
        return f"{max(round(seconds, -1), 10):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
