"""What a stage of a route ends in."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

FAITHFUL = 32.0
"""Largest normwise error, in noise units, of a faithful implementation."""
DRIFT = 1024.0
"""Largest normwise error, in noise units, that still passes."""


class Outcome(StrEnum):
    """What happened at one stage, best first."""

    EXACT = "exact"
    FAITHFUL = "faithful"
    DRIFT = "drift"
    DIVERGENT = "divergent"
    MALFORMED = "malformed"
    REFUSED = "refused"
    INVALID = "invalid"
    CRASH = "crash"
    HANG = "hang"

    @property
    def severity(self) -> int:
        """Position in the order of harm; 0 is best."""
        return list(Outcome).index(self)

    @property
    def passes(self) -> bool:
        return self.severity <= Outcome.DRIFT.severity


def worst_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The most harmful of several outcomes."""
    return max(outcomes, key=lambda outcome: outcome.severity)
