"""The meanings of the words on the page."""

from __future__ import annotations

from typing import Any

from harness.report import legend
from harness.report.sections import Look

PLACE = 70


def facts(look: Look) -> dict[str, Any]:
    """Outcomes, judgements, answers and the digits of an error picture, each with its meaning."""
    return {
        "outcomes": [{"name": kind.value, "meaning": meaning} for kind, meaning in legend.OUTCOMES.items()],
        "judgements": [{"name": kind.value, "meaning": meaning} for kind, meaning in legend.JUDGEMENTS.items()],
        "answers": [{"name": kind.value, "meaning": meaning} for kind, meaning in legend.ANSWERS.items()],
        "picture": legend.PICTURE,
    }
