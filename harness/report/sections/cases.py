"""The list of cases, which the page's script fills, and its filters."""

from __future__ import annotations

from typing import Any

from harness.outcomes import Outcome
from harness.report.sections import Look
from harness.results.events import Answer, Judgement

PLACE = 60


def facts(look: Look) -> dict[str, Any]:
    """The choices of each filter: the values that occur, in the page's order."""
    results = look.results
    return {
        "choices": {
            "layer": sorted({layer for _, layer in results.layers}),
            "route": list(results.routes),
            "outcome": [kind.value for kind in reversed(Outcome) if kind.value in results.outcomes],
            "judgement": [kind.value for kind in reversed(Judgement) if kind.value in results.judgements],
            "answer": [name for name in results.answers if name != Answer.LOST],
            "profile": sorted({result.profile for result in results.results}),
            "defect": [str(place) for place in range(1, len(look.defects) + 1)],
        }
    }
