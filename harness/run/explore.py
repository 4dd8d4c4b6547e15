"""Exploration: walks fresh cases of a row until one fails; Hypothesis then shrinks the failure to the smallest case.

Crashes and hangs are outcomes, and the next case gets a working worker, so Hypothesis shrinks them like wrong numbers.
Each hang would cost the whole limit. So while a hang is shrunk, requests get less time, at most `MOST_HANGS` cases may
hang, and the smallest case is walked once more with the whole limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings

from harness.adapters.routes import Route
from harness.catalogue import Row
from harness.draw.strategies import cases
from harness.outcomes import Outcome
from harness.results.events import Judgement, Result
from harness.run.reduce import alike, with_first_tensor
from harness.run.walk import Walk
from harness.spec import Case

MOST_HANGS = 12
"""Most cases that may hang while a hang is shrunk; after them, no case is walked."""


class Failed(AssertionError):
    """A case that fails as the first failing case did."""


@dataclass(frozen=True)
class Smallest:
    """A failing case, its route, and its result."""

    case: Case
    route: Route
    result: Result


@dataclass
class Exploration:
    """Walks fresh cases along all routes until one fails; from then on, along the route on which it failed.

    `record` takes each result that the run is to keep.
    """

    walk: Walk
    routes: Sequence[Route]
    record: Callable[[Result], Result]
    failures: dict[str, Smallest] = field(default_factory=dict)
    """Cases that fail alike, by id, in the order in which they failed."""

    def smallest(self, row: Row, profile: settings) -> Smallest | None:
        """The smallest failing case of a row; None if all cases pass or deviate as expected."""

        @settings(profile)
        @given(case=cases(row))
        def search(case: Case) -> None:
            self._try(case)

        try:
            search()
        except Failed as failed:
            return self._confirmed(self.failures[str(failed)])
        return None

    def _try(self, case: Case) -> None:
        """Walk a case, once. Raises Failed if it fails as the first failing case did."""
        if case.id not in self.failures:
            if self.failures:
                self._shrunk(case)
            else:
                self._fresh(case)
        if case.id in self.failures:
            raise Failed(case.id)

    def _fresh(self, case: Case) -> None:
        for route in self.routes:
            result = self.walk.result(case, route)
            if result.judgement is Judgement.FAILED:
                self.failures[case.id] = Smallest(case, route, result)
                return
            self.record(result)

    def _shrunk(self, case: Case) -> None:
        first = next(iter(self.failures.values()))
        if first.result.outcome is Outcome.HANG and len(self.failures) > MOST_HANGS:
            return
        with self.walk.hurried(first.result.stages):
            result = self.walk.result(case, first.route)
        if _alike(first.result, result):
            self.failures[case.id] = Smallest(case, first.route, result)

    def _confirmed(self, smallest: Smallest) -> Smallest:
        """The failure to report: the smallest, or the first if the smallest does not hang with the whole limit."""
        first = next(iter(self.failures.values()))
        if smallest is not first and first.result.outcome is Outcome.HANG:
            again = self.walk.result(smallest.case, smallest.route)
            smallest = Smallest(smallest.case, smallest.route, again) if _alike(first.result, again) else first
        result = with_first_tensor(self.walk, smallest.case, smallest.route, smallest.result)
        return Smallest(smallest.case, smallest.route, self.record(result))


def _alike(first: Result, other: Result) -> bool:
    """Whether two results fail in the same way: with like faults, or both without the deviation that is expected."""
    if other.judgement is not Judgement.FAILED:
        return False
    return other.fault is None if first.fault is None else alike(first.fault, other.fault)
