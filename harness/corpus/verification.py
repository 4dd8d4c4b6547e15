"""The result of verifying the whole corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.corpus.freeze import Check

COUNTS = ("cases", "drifted", "edited", "unused", "missing")


@dataclass(frozen=True)
class Verification:
    """The check of each layer, and the stray archives: those without a row in the catalogue."""

    checks: tuple[Check, ...]
    stray: tuple[str, ...] = ()

    @property
    def totals(self) -> dict[str, float]:
        """Counts over all layers; a stray archive counts as unused. `pairs` is the percentage of the valid pairs of
        axis values that occur in a case."""
        counts = {key: sum(getattr(check, key) for check in self.checks) for key in COUNTS}
        valid = sum(check.valid for check in self.checks)
        pairs = 100.0 * sum(check.covered for check in self.checks) / valid if valid else 100.0
        return {**counts, "unused": counts["unused"] + len(self.stray), "pairs": round(pairs, 2)}

    @property
    def edited(self) -> bool:
        """Whether a case differs from what was frozen."""
        return any(check.edited for check in self.checks)

    @property
    def sound(self) -> bool:
        """Whether the store is exactly what the catalogue and the oracle give."""
        return not self.stray and all(check.sound for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        return {**self.totals, "layers": [check.to_json() for check in self.checks], "stray": list(self.stray)}
