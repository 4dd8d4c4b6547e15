"""What the words on the page mean, as data: the page's foot, its tooltips and its tests read it here."""

from __future__ import annotations

from harness.outcomes import Outcome
from harness.results.events import Judgement

FAITHFUL_UNITS = 32
"""Upper edge of `faithful` as the page states it; a test holds it equal to the comparator's."""
DRIFT_UNITS = 1024
"""Upper edge of `drift` as the page states it; a test holds it equal to the comparator's."""

OUTCOMES: dict[Outcome, str] = {
    Outcome.EXACT: "Every element equals the golden rounded to the output's type.",
    Outcome.FAITHFUL: f"At most {FAITHFUL_UNITS} noise units: as good as a correct float32 implementation.",
    Outcome.DRIFT: f"At most {DRIFT_UNITS} noise units normwise, or small elements lost their relative accuracy. "
    "It passes and is shown; its growth is a regression.",
    Outcome.DIVERGENT: f"More than {DRIFT_UNITS} noise units, or NaN, infinity or bits where they do not belong: "
    "another function was computed.",
    Outcome.MALFORMED: "The number, order, names, shapes or types of the outputs are wrong; no value was compared.",
    Outcome.REFUSED: "The converter said clearly that it does not support this.",
    Outcome.INVALID: "The converter reported success, but the artifact does not load or run.",
    Outcome.CRASH: "The process died.",
    Outcome.HANG: "The process did not answer in time and was ended.",
}

VERDICTS: dict[Judgement, str] = {
    Judgement.FAILED: "Deviates and nothing expects it, or an expected deviation no longer happens.",
    Judgement.EXPECTED: "Deviates as a recorded expectation says.",
    Judgement.PASSED: "Agrees, and no deviation was expected.",
}

PICTURE: tuple[tuple[str, str], ...] = (
    ("0", "below 1"),
    ("1-5", f"below {FAITHFUL_UNITS}"),
    ("6-a", f"below {DRIFT_UNITS}"),
    ("b-f", "below 33 thousand"),
    ("g-m", "below 4 million"),
    ("n-y", "more"),
    ("z", "infinite, or NaN"),
)
"""Digits of an error picture (1 + log2 of the noise units, base 36) and the sizes they stand for."""
