"""Exploration: fresh cases of a row along its routes. A failure is shrunk by Hypothesis and the smallest case kept.

The worker boundary makes this possible: a crash and a hang are outcomes, after which the next candidate finds a working
worker, so Hypothesis shrinks them as it shrinks wrong numbers. Hangs would cost the whole limit each: candidates get
less time, few may hang, and the smallest is walked again with all the time there is.
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
"""Candidates that may hang while a hang is shrunk; those that come after are not walked."""


class Failed(AssertionError):
    """A case fails as the first one did."""


@dataclass(frozen=True)
class Smallest:
    """The smallest failing case that was found, and how it fails."""

    case: Case
    route: Route
    result: Result


@dataclass
class Exploration:
    """Walks fresh cases along routes until one fails; from then on, only asks whether others fail in the same way."""

    walk: Walk
    routes: Sequence[Route]
    record: Callable[[Result], Result]
    found: dict[str, Smallest] = field(default_factory=dict)
    """Failing cases by id, the first one first."""

    def smallest(self, row: Row, profile: settings) -> Smallest | None:
        """The smallest failing case of a row; None where all cases pass or deviate as expected."""

        @settings(profile)
        @given(case=cases(row))
        def search(case: Case) -> None:
            self._try(case)

        try:
            search()
        except Failed as failed:
            return self._told(self.found[str(failed)])
        return None

    def _try(self, case: Case) -> None:
        """Walk a case once. Raises Failed if it fails as the first one did."""
        if case.id not in self.found:
            if self.found:
                self._shrunk(case)
            else:
                self._fresh(case)
        if case.id in self.found:
            raise Failed(case.id)

    def _fresh(self, case: Case) -> None:
        for route in self.routes:
            result = self.walk.result(case, route)
            if result.judgement is Judgement.FAILED:
                self.found[case.id] = Smallest(case, route, result)
                return
            self.record(result)

    def _shrunk(self, case: Case) -> None:
        first = next(iter(self.found.values()))
        if first.result.outcome is Outcome.HANG and len(self.found) > MOST_HANGS:
            return
        with self.walk.hurried(first.result.stages):
            result = self.walk.result(case, first.route)
        if _alike(first.result, result):
            self.found[case.id] = Smallest(case, first.route, result)

    def _told(self, found: Smallest) -> Smallest:
        """The one to report: what hung in a hurry must hang with all the time there is."""
        first = next(iter(self.found.values()))
        if found is not first and first.result.outcome is Outcome.HANG:
            again = self.walk.result(found.case, found.route)
            found = Smallest(found.case, found.route, again) if _alike(first.result, again) else first
        result = with_first_tensor(self.walk, found.case, found.route, found.result)
        return Smallest(found.case, found.route, self.record(result))


def _alike(first: Result, other: Result) -> bool:
    """Whether two results fail in the same way, two that should deviate and do not among them."""
    if other.judgement is not Judgement.FAILED:
        return False
    return other.fault is None if first.fault is None else alike(first.fault, other.fault)
