"""Hypothesis strategies and profiles that draw fresh cases from the catalogue, beyond the golden corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st

from harness.catalogue import Row
from harness.draw import draw_case, with_golden
from harness.spec import Case

T = TypeVar("T")

GATE = "parity-gate"
DISCOVERY = "parity-discovery"


def register_profiles() -> None:
    """Register both profiles with every key set.

    A missing key would take its value from the loaded profile, which in CI is that of Hypothesis.
    """
    common: dict[str, Any] = {
        "deadline": None,
        "database": None,
        "print_blob": True,
        "phases": (Phase.explicit, Phase.generate, Phase.shrink),
        "stateful_step_count": 50,
        "suppress_health_check": list(HealthCheck),
        "verbosity": Verbosity.normal,
        "report_multiple_bugs": False,
        "backend": "hypothesis",
        "max_examples": 20,
    }
    settings.register_profile(GATE, settings(**common, derandomize=True))
    settings.register_profile(DISCOVERY, settings(**common, derandomize=False))


FILLS = 24
"""Least number of draws per case. Hypothesis takes an example with fewer draws for simpler, whatever its values;
with the same number for every choice of a row, the simpler values win."""


class Drawn:
    """A `Chooser` over Hypothesis' draw: its picks shrink towards the first option."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw
        self._count = 0

    def pick(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def integer(self, low: int, high: int) -> int:
        self._count += 1
        return int(self._draw(st.integers(low, high)))

    def finish(self) -> None:
        """Draw until there are `FILLS` draws."""
        while self._count < FILLS:
            self.integer(0, 0)


@st.composite
def choices(draw: Any, row: Row) -> dict[str, Any]:
    """A full valid choice of a row, axis by axis. Each value is one that can be completed, so Hypothesis never
    rejects a choice."""
    choice: dict[str, Any] = {}
    for axis, values in row.axes.items():
        open_values = [value for value in values if row.possible({**choice, axis: value})]
        choice[axis] = open_values[draw(st.integers(0, len(open_values) - 1))]  # drawn even where there is but one
    return choice


@st.composite
def cases(draw: Any, row: Row) -> Case:
    """A case of a row with its golden. The stratum and the sizes shrink; so does the seed of weights and inputs,
    towards 0."""
    choice = draw(choices(row))
    source = np.random.Generator(np.random.PCG64(draw(st.integers(0, 2**32 - 1))))
    fill = Drawn(draw)
    case = draw_case(row, choice, fill, source)
    fill.finish()
    return with_golden(case)
