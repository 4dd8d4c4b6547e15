"""The meanings of the words on the page, as data for the page's program and its tests."""

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
    """Words for the page: outcomes and judgements, best first, answers, metrics with labels, digits of pictures.

    An outcome is `calm` if it is as good as a correct implementation; `drift` passes without being calm. Outcomes that
    do not pass have the words of an issue.
    """
    return {
        "outcomes": [_outcome(kind) for kind in Outcome],
        "judgements": [{"name": kind.value, "meaning": JUDGEMENTS[kind]} for kind in Judgement],
        "answers": [{"name": kind.value, "meaning": meaning} for kind, meaning in ANSWERS.items()],
        "metrics": [*Metrics.labels().items(), ("seconds", "seconds")],
        "picture": PICTURE,
        "edges": {"faithful": FAITHFUL, "drift": DRIFT},
    }


def _outcome(kind: Outcome) -> dict[str, Any]:
    about = ABOUT[kind]
    known = {
        "name": kind.value,
        "passes": kind.passes,
        "calm": kind.severity <= Outcome.FAITHFUL.severity,
        "harm": about.harm.value,
        "meaning": about.meaning,
    }
    return (
        known if about.wording is None else known | {"happens": about.wording.happens, "loud": about.wording.loudness}
    )


def palette_css() -> str:
    """The colours of each outcome as custom properties of the style sheet, light and dark, and a class for each."""
    light, dark, classes = [], [], []
    for kind, about in ABOUT.items():
        light.append(f"--{kind}: {about.palette.light}; --{kind}-ink: {about.palette.light_ink};")
        dark.append(f"--{kind}: {about.palette.dark}; --{kind}-ink: {about.palette.dark_ink};")
        classes.append(f".o-{kind} {{ background-color: var(--{kind}); color: var(--{kind}-ink); }}")
    dark_rules = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {' '.join(dark)} }} }}"
    return "\n".join([f":root {{ {' '.join(light)} }}", dark_rules, *classes])
