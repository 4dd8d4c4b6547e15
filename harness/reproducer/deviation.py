"""The deviation that a script shows: a case, and a route up to the stage at fault."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.adapters.routes import Route
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.results.events import Stage
from harness.run.step import Step
from harness.run.walk import AGAIN
from harness.spec import Case

BEGINNING = 80
"""Most characters of an exception's message that a script compares."""
_CHANGES = re.compile(r"/|0x|_\d|<|\n|\.\.\. from | object at |[\w.-]+\.(?:onnx|keras|h5|torch|saved\w*)\b")
"""Where a message begins to differ from run to run: paths, files, addresses, counters."""
_RAISING = (Outcome.REFUSED, Outcome.INVALID)
_DEADLY = (Outcome.CRASH, Outcome.HANG)


@dataclass(frozen=True)
class Deviation:
    """A case that deviates on a route. The last of `steps` is the one at fault, and `route` ends there.

    `expectation` is the known deviation that foresees this one; None for a new one. A case that agrees here may deviate
    with other releases, then in any way: with any exception, with the second inputs, by the end of the process.
    """

    case: Case
    route: Route
    steps: Sequence[Step]
    expectation: Expectation | None

    @property
    def fault(self) -> Stage:
        return self.steps[-1].stage

    @property
    def is_elsewhere(self) -> bool:
        """Whether the case agrees here."""
        return self.fault.outcome.passes

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of this run, then those that the expectation foresees."""
        return (self.fault.outcome, *(self.expectation.outcome if self.expectation else ()))

    @property
    def converted(self) -> Path | None:
        """The ONNX file that the converter at fault wrote; None if it wrote none."""
        path = self.steps[-1].artifact
        return path if path is not None and path.suffix == ".onnx" and self.route.hops else None

    @property
    def needs_second_inputs(self) -> bool:
        """Whether the deviation shows only with the second inputs, or may, because the process ends."""
        shows_later = self.fault.message.startswith(("with ", AGAIN))
        return len(self.case.samples) > 1 and (shows_later or self.is_elsewhere or self.fault.outcome in _DEADLY)

    @property
    def ends_the_process(self) -> bool:
        """Whether the script needs a process of its own for the conversion: it may die or hang."""
        return self.is_elsewhere or Outcome.CRASH in self.outcomes or self.fault.outcome is Outcome.HANG

    @property
    def exception(self) -> str | None:
        """The beginning of the exception that shows the deviation; '' if any exception does, None if none does."""
        if self.is_elsewhere:
            return ""
        if self.fault.outcome in _DEADLY:
            return "" if set(_RAISING) & set(self.outcomes) else None
        return beginning(self.fault.message) if self.fault.outcome in _RAISING else None


def beginning(message: str) -> str:
    """The part of an exception's class and message that is the same on every run."""
    text = message.partition(": ")[2] if message.startswith(AGAIN) else message
    kind, _, words = text.partition(": ")
    return " ".join(f"{kind}: {_CHANGES.split(words.strip())[0][:BEGINNING]}".split())
