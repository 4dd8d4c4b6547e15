"""Outcomes of a stage, from exact to hang, and the metrics of its error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

FAITHFUL = 32.0
"""Largest normwise error, in noise units, of a faithful implementation."""
DRIFT = 1024.0
"""Largest normwise error, in noise units, that still passes."""


class Harm(StrEnum):
    """Whether a user notices."""

    NONE = "none"
    SILENT = "silent"
    STRUCTURE = "silent structure"
    LOUD = "loud"


class Palette(NamedTuple):
    """CSS colours of an outcome: background and ink on a light page, then on a dark page."""

    light: str
    light_ink: str
    dark: str
    dark_ink: str


@dataclass(frozen=True)
class Wording:
    """How an upstream issue speaks of an outcome: what the model does, whether a user notices, what was expected."""

    happens: str
    loudness: str
    expected: str = ""


@dataclass(frozen=True)
class About:
    """An outcome's harm, its meaning in a sentence, its colours, and the words of an issue unless it passes."""

    harm: Harm
    meaning: str
    palette: Palette
    wording: Wording | None = None


class Outcome(StrEnum):
    """The outcome of one stage, best first."""

    EXACT = "exact"
    FAITHFUL = "faithful"
    DRIFT = "drift"
    MUTATING = "mutating"
    DIVERGENT = "divergent"
    MALFORMED = "malformed"
    REFUSED = "refused"
    INVALID = "invalid"
    CRASH = "crash"
    HANG = "hang"

    @property
    def harm(self) -> Harm:
        """Whether a user notices."""
        return ABOUT[self].harm

    @property
    def severity(self) -> int:
        """Position in the order of harm; 0 is best."""
        return _ORDER[self]

    @property
    def passes(self) -> bool:
        return self.harm is Harm.NONE

    @classmethod
    def worst(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """The most harmful of several outcomes. Raises ValueError for none."""
        return max(outcomes, key=lambda outcome: outcome.severity)


_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}
ABOUT: Mapping[Outcome, About] = MappingProxyType(
    {
        Outcome.EXACT: About(
            Harm.NONE,
            "Every element equals the golden rounded to the output's type.",
            Palette("#cfeed8", "#0c3a1d", "#17402a", "#c9f2d6"),
        ),
        Outcome.FAITHFUL: About(
            Harm.NONE,
            f"At most {FAITHFUL:g} noise units: as good as a correct float32 implementation.",
            Palette("#e7f5e2", "#254417", "#24391f", "#d7efcd"),
        ),
        Outcome.DRIFT: About(
            Harm.NONE,
            f"At most {DRIFT:g} noise units normwise, or small elements lost their relative accuracy. It passes and is "
            "shown; its growth is a regression.",
            Palette("#fdecb3", "#513c00", "#4d3d08", "#fbe8ac"),
        ),
        Outcome.MUTATING: About(
            Harm.SILENT,
            "The outputs are right, but the call wrote into the caller's arrays.",
            Palette("#f9d3a8", "#5a2c00", "#5e3507", "#fde3c6"),
            Wording(
                "writes into the arrays that it is called with", "silent: no exception", "The arrays stay as they were."
            ),
        ),
        Outcome.DIVERGENT: About(
            Harm.SILENT,
            f"More than {DRIFT:g} noise units, or NaN, infinity or bits where they do not belong: another function was "
            "computed.",
            Palette("#f8bdb3", "#650d03", "#6b2018", "#ffdcd6"),
            Wording("gives wrong numbers", "silent: no exception"),
        ),
        Outcome.MALFORMED: About(
            Harm.STRUCTURE,
            "The number, order, names, shapes or types of the outputs are wrong; no value was compared.",
            Palette("#f0bfe4", "#560844", "#5a1d4b", "#fbd5f1"),
            Wording("gives an output of another shape or type", "silent: no exception"),
        ),
        Outcome.REFUSED: About(
            Harm.LOUD,
            "The converter said clearly that it does not support this.",
            Palette("#d6dde9", "#22304a", "#34405a", "#dbe4f5"),
            Wording("is refused", "loud: the conversion raises", "The conversion succeeds."),
        ),
        Outcome.INVALID: About(
            Harm.LOUD,
            "The converter reported success, but the artifact does not load or run.",
            Palette("#d2c3f3", "#2f0d63", "#432a74", "#e6dbff"),
            Wording(
                "is converted to a model that does not run",
                "half loud: the conversion reports success, running its result raises",
                "The converted model runs.",
            ),
        ),
        Outcome.CRASH: About(
            Harm.LOUD,
            "The process died.",
            Palette("#6d1022", "#ffffff", "#ffb3bf", "#4a0513"),
            Wording("ends the process", "loud: the process dies", "The process lives."),
        ),
        Outcome.HANG: About(
            Harm.LOUD,
            "The process did not answer in time and was ended.",
            Palette("#173f63", "#ffffff", "#a8d4f7", "#06263f"),
            Wording("does not come to an end", "silent: there is no answer", "There is an answer."),
        ),
    }
)


def _metric(label: str, digits: int = 4) -> Any:
    """A field of `Metrics`, with its label in tables and the number of significant digits that a page shows."""
    return field(default=None, metadata={"label": label, "digits": digits})


@dataclass(frozen=True)
class Metrics:
    """The error of one stage over all finite elements of all outputs; None if there is nothing to compare.

    `units` is the largest normwise error in noise units, which decides the grade; `componentwise` the largest
    elementwise one. `max_ulp` counts units in the last place of float32; `cosine` is the cosine similarity of the
    flattened outputs, `sqnr_db` the signal-to-quantization-noise ratio 10 log10(signal / noise) in decibels.
    """

    units: float | None = _metric("units")
    componentwise: float | None = _metric("componentwise")
    max_abs: float | None = _metric("max abs")
    max_rel: float | None = _metric("max rel")
    max_ulp: float | None = _metric("max ulp")
    rmse: float | None = _metric("rmse")
    cosine: float | None = _metric("cosine", digits=9)
    sqnr_db: float | None = _metric("SQNR dB")

    def items(self) -> list[tuple[str, float | None]]:
        """Names and values, in order."""
        return [(item.name, getattr(self, item.name)) for item in fields(self)]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(item.name for item in fields(cls))

    @classmethod
    def labels(cls) -> dict[str, str]:
        """Label of each metric in tables, by name."""
        return {item.name: item.metadata["label"] for item in fields(cls)}

    @classmethod
    def digits(cls) -> dict[str, int]:
        """Number of significant digits that a page shows of each metric, by name."""
        return {item.name: item.metadata["digits"] for item in fields(cls)}
