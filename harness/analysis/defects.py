"""A defect, the common cause of many deviating results, in words and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.condition import Condition
from harness.analysis.messages import shown
from harness.outcomes import Harm, Outcome
from harness.results.events import ExpectationNote, plain

NAMED = 3
"""Most layers that a line names."""


@dataclass(frozen=True)
class Defect:
    """One defect: the stage at fault, the conditions under which it shows, and all results that it explains."""

    hops: tuple[str, ...]
    outcome: Outcome
    message: str
    layers: tuple[str, ...]
    conditions: tuple[Condition, ...]
    cases: tuple[str, ...]
    results: tuple[tuple[str, str], ...]
    units: float | None
    smallest: str
    notes: tuple[ExpectationNote, ...]
    unexpected: int

    @property
    def expectations(self) -> tuple[str, ...]:
        """Ids of the expectations that foresee it."""
        return tuple(note.id for note in self.notes)

    @property
    def hop(self) -> str:
        """The converters, by number of results."""
        return ", ".join(self.hops)

    @property
    def harm(self) -> Harm:
        """Whether a user notices: wrong numbers are silent, an error is loud."""
        return self.outcome.harm

    @property
    def condition(self) -> str:
        """All conditions in words; several conditions name their layers."""
        if len(self.conditions) == 1:
            return self.conditions[0].text
        return "; ".join(f"{', '.join(item.layers)}: {item.text}" for item in self.conditions)

    @property
    def brief(self) -> str:
        """The condition, short enough for a table's cell: the first two conditions, with two layers each."""
        if len(self.conditions) == 1:
            return self.condition
        first = [f"{_few(item.layers)}: {item.text}" for item in self.conditions[:2]]
        return "; ".join([*first, f"{len(self.conditions) - 2} more"] if len(self.conditions) > 2 else first)

    @property
    def text(self) -> str:
        """A paragraph: converter and outcome, layers, condition, message, and expectations."""
        size = "" if self.units is None else f", {self.units:.3g} units"
        counts = f"{_many(len(self.cases), 'case')}, {_many(len(self.results), 'result')}{size}"
        lines = [f"{self.hop}: {self.outcome} ({self.harm}), {counts}"]
        parts = {
            "layers": _few(self.layers),
            "when": self.brief,
            "message": self.short_message,
            "new": f"{_many(self.unexpected, 'result')} that nothing expects" if self.unexpected else "",
            **{f"known {place}": f"{note.id}: {note.reason}" for place, note in enumerate(self.notes)},
            "smallest": self.smallest,
        }
        for name, text in parts.items():
            if text:
                label = f"  {name.split()[0]:9}"
                lines.append(textwrap.fill(text, 120, initial_indent=label, subsequent_indent=" " * len(label)))
        return "\n".join(lines)

    @property
    def short_message(self) -> str:
        """The message of the smallest case on one line."""
        return shown(self.message)

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """Sorts unexpected defects first, then silent ones, then by number of cases."""
        loudness = list(Harm).index(self.harm)
        counts = -len(self.cases), -len(self.results)
        return (not self.unexpected, loudness, *counts, self.hop, self.layers, self.message)

    def to_json(self) -> dict[str, Any]:
        return {
            "hop": self.hop,
            "outcome": self.outcome.value,
            "harm": self.harm.value,
            "layers": list(self.layers),
            "condition": self.condition,
            "conditions": [item.to_json() for item in self.conditions],
            "message": self.message,
            "cases": len(self.cases),
            "results": len(self.results),
            "unexpected": self.unexpected,
            "expectations": list(self.expectations),
            "units": plain(self.units),
            "smallest": self.smallest,
        }


def sentence(defects: Sequence[Defect]) -> str:
    """Counts in one line: `37 defects, 5,164 results of 1,204 cases`."""
    if not defects:
        return "No defects: no result deviates"
    results = sum(len(defect.results) for defect in defects)
    cases = len({case for defect in defects for case in defect.cases})
    new = sum(1 for defect in defects if defect.unexpected)
    tail = f"; {new:,} unexpected" if new else "; all expected"
    return f"{_many(len(defects), 'defect')}, {_many(results, 'result')} of {_many(cases, 'case')}{tail}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:2])} and {len(names) - 2} more"


def _many(count: int, singular: str) -> str:
    return f"{count:,} {singular}{'' if count == 1 else 's'}"
