"""Numbers of results by judgement, by answer to the record, and by outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report import legend
from harness.report.sections import Look

PLACE = 10


def facts(look: Look) -> dict[str, Any]:
    """The counts, with the meaning of each word."""
    return {
        "judgements": _counted(look.results.judgements, legend.JUDGEMENTS),
        "answers": _counted(look.results.answers, legend.ANSWERS),
        "outcomes": _counted(look.results.outcomes, legend.OUTCOMES),
    }


def _counted(counts: Mapping[str, int], meanings: Mapping[Any, str]) -> list[dict[str, Any]]:
    return [
        {"name": kind.value, "meaning": meaning, "count": counts.get(kind.value, 0)}
        for kind, meaning in meanings.items()
    ]
