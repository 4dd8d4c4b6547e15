"""One difference between two runs: a result that answers otherwise than the base's, or one that did not come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.judge.acceptance import chains
from harness.judge.accepted import LOST, Accepted
from harness.judge.answers import Answered, Cells, cell_of
from harness.judge.record import split_id
from harness.outcomes import Harm, Outcome
from harness.results.command import walk_of
from harness.results.events import Answer, Header, Result, Stage


@dataclass(frozen=True)
class Change:
    """A difference at one case and route.

    `result` is the head's, None for one that is lost; `earlier` the base's, None beside a record or where the base has
    the stage from another route. `why` says how a result got lost, and `walk` is the command that walks it.
    `accepted` is the entry that accepts the change, and `expired` whether its day has passed.
    """

    case: str
    route: str
    answered: Answered
    result: Result | None = None
    earlier: Result | None = None
    why: str = ""
    walk: str = ""
    accepted: Accepted | None = None
    expired: bool = False

    @classmethod
    def lost(
        cls,
        case: str,
        route: str,
        why: str,
        *,
        header: Header,
        cells: Cells = (),
        earlier: Result | None = None,
    ) -> Change:
        """A result, or a stage on record of these cells, that did not come in the run of this header."""
        answered, walk = Answered(Answer.LOST, cells=cells, fails=True), walk_of(header, case, route)
        return cls(case, route, answered, earlier=earlier, why=why, walk=walk)

    @property
    def key(self) -> tuple[str, str]:
        return (self.case, self.route)

    @property
    def answer(self) -> Answer:
        return self.answered.answer

    @property
    def is_worse(self) -> bool:
        """Whether it is a regression, a change for the worse, or a loss, accepted or not."""
        return self.answered.fails

    @property
    def fails(self) -> bool:
        """Whether it is worse, and no acceptance that still holds covers it."""
        return self.is_worse and (self.accepted is None or self.expired)

    @property
    def layer(self) -> str:
        return split_id(self.case)[1] if self.result is None else self.result.layer

    @property
    def stage(self) -> Stage | None:
        """The head's stage that gives the answer."""
        return None if self.result is None else self.result.stages[self.answered.place]

    @property
    def earlier_stage(self) -> Stage | None:
        """The base's stage there."""
        place = self.answered.place
        return self.earlier.stages[place] if self.earlier is not None and place < len(self.earlier.stages) else None

    @property
    def chain(self) -> str:
        """The chain of hops up to the stage; for a loss the route."""
        return self.route if self.result is None else chains(self.result)[self.answered.place][0]

    @property
    def by(self) -> str:
        """The hop at the stage, or `source`; for a loss the route's last part."""
        return self.route.rpartition("-")[2] if self.stage is None else self.stage.by

    @property
    def outcome(self) -> str:
        """What an acceptance must name: the outcome of the stage, or `lost`."""
        return LOST if self.stage is None else self.stage.outcome.value

    @property
    def before(self) -> str:
        """The base's outcome and noise units there, all of them where it is random; of a loss the worst of any
        stage."""
        if self.answered.cells or self.earlier is None:
            return self.answered.recorded or "nothing"
        return str(max(map(cell_of, self.earlier.stages), key=lambda cell: cell.outcome.severity))

    @property
    def now(self) -> str:
        return f"lost: {self.why}" if self.stage is None else str(cell_of(self.stage))

    @property
    def message(self) -> str:
        return self.why if self.stage is None else self.stage.message

    @property
    def earlier_message(self) -> str:
        """The base's message at the stage; '' if it passed there, or is not known."""
        stage = self.earlier_stage
        return "" if stage is None or stage.outcome.passes else stage.message

    @property
    def replay(self) -> str:
        """The command that shows it again."""
        return self.walk if self.result is None else self.result.replay

    @property
    def text(self) -> str:
        """One line: case, chain, what it was, what it is."""
        return f"{self.case} {self.chain}: {self.before} -> {self.now}"

    def to_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "route": self.route,
            "layer": self.layer,
            "answer": self.answer.value,
            "worse": self.is_worse,
            "fails": self.fails,
            "hop": self.by,
            "before": self.before,
            "now": self.now,
            "message": self.message,
            "earlier_message": self.earlier_message,
            "replay": self.replay,
            "accepted": None if self.accepted is None else self.accepted.to_json(),
        }


def harm_of(changes: Iterable[Change]) -> int:
    """How harmful the worst of the changes is: silent wrong numbers first, 0. A loss counts as loud."""
    order = [Harm.SILENT, Harm.STRUCTURE, Harm.LOUD, Harm.NONE]
    return min(order.index(Harm.LOUD if change.stage is None else change.stage.outcome.harm) for change in changes)


def worst_outcome(changes: Iterable[Change]) -> Outcome | None:
    """The worst outcome of the changes' stages; None if all are lost."""
    return Outcome.worst(stages) if (stages := [c.stage.outcome for c in changes if c.stage is not None]) else None
