"""The defects of the run, each with the conditions under which it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.analysis.condition import Condition
from harness.analysis.defects import Defect, sentence
from harness.report.sections import Look

PLACE = 50
SHOWN = 2
"""Most layers, conditions and expectations of a defect in a row; a tooltip has the others."""


def facts(look: Look) -> dict[str, Any] | None:
    """A row for each defect; None if nothing deviates."""
    if not look.defects:
        return None
    rows = [_row(place, defect) for place, defect in enumerate(look.defects, 1)]
    return {"defects": rows, "sentence": sentence(look.defects)}


def _row(place: int, defect: Defect) -> dict[str, Any]:
    more = len(defect.layers) - SHOWN
    conditions = [
        {
            "layers": _few(item.layers) if len(defect.conditions) > 1 else "",
            "text": item.text,
            "sure": item.sure,
            "counts": _counts(item),
        }
        for item in defect.conditions
    ]
    fits = len(conditions) <= SHOWN + 1
    return {
        "place": place,
        "hop": defect.hop,
        "outcome": defect.outcome.value,
        "harm": defect.harm,
        "layers": _few(defect.layers) if more > 1 else ", ".join(defect.layers),
        "all_layers": ", ".join(defect.layers),
        "conditions": conditions if fits else conditions[:SHOWN],
        "hidden": 0 if fits else len(conditions) - SHOWN,
        "condition": defect.condition,
        "message": defect.short_message,
        "cases": len(defect.cases),
        "results": len(defect.results),
        "units": None if defect.units is None else f"{defect.units:.2g}",
        "unexpected": defect.unexpected,
        "notes": [
            {
                "id": note.id,
                "reason": note.reason,
                "link": link if (link := note.link or "").startswith("https://") else "",
            }
            for note in defect.notes[:SHOWN]
        ],
        "more_notes": ", ".join(defect.expectations[SHOWN:]),
        "smallest": defect.smallest,
    }


def _counts(condition: Condition) -> str:
    """Numbers of failing and passing stages from which a condition was derived."""
    return f"{condition.failing:,} fail{'s' if condition.failing == 1 else ''}, {condition.passing or 'none'} pass"


def _few(names: Sequence[str]) -> str:
    if len(names) <= SHOWN + 1:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
