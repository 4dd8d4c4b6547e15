"""The meanings of the words on the page, as data for its legend, its tooltips, its script and its tests."""

from __future__ import annotations

from typing import Any

from harness.outcomes import ABOUT, DRIFT, FAITHFUL, Metrics, Outcome
from harness.results.events import Answer, Judgement

OUTCOMES: dict[Outcome, str] = {outcome: about.meaning for outcome, about in ABOUT.items()}

JUDGEMENTS: dict[Judgement, str] = {
    Judgement.FAILED: "A regression, a change for the worse, or a deviation that is neither on record nor expected.",
    Judgement.EXPECTED: "Deviates as it does on record, or as an expectation says where the record is silent.",
    Judgement.PASSED: "Agrees.",
}

ANSWERS: dict[Answer, str] = {answer: answer.meaning for answer in Answer}

PICTURE: tuple[tuple[str, str], ...] = (
    ("0", "below 1"),
    ("1-5", f"below {FAITHFUL:g}"),
    ("6-a", f"below {DRIFT:g}"),
    ("b-f", "below 33 thousand"),
    ("g-m", "below 4 million"),
    ("n-y", "more"),
    ("z", "infinite, or NaN"),
)
"""Digits of an error picture (1 + log2 of the noise units, base 36) and their meaning in noise units."""


def words() -> dict[str, Any]:
    """Words for the page's script: outcomes and judgements, best first, metrics with labels, digits of pictures.

    An outcome is `calm` if it is as good as a correct implementation; `drift` passes without being calm.
    """
    return {
        "outcomes": [
            {"name": kind.value, "passes": kind.passes, "calm": kind.severity <= Outcome.FAITHFUL.severity}
            for kind in Outcome
        ],
        "judgements": [kind.value for kind in Judgement],
        "metrics": [*Metrics.labels().items(), ("seconds", "seconds")],
        "picture": PICTURE,
    }


def palette() -> list[dict[str, str]]:
    """The colours of each outcome, as the style sheet names them."""
    return [{"name": kind.value, **about.palette._asdict()} for kind, about in ABOUT.items()]
