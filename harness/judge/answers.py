"""What a run answers to the record: the same, or one of six differences, for each stage and for a whole result.

The record is asked first. What passed and deviates now is a regression, whatever expectation would cover it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judge.record import OR, Cell
from harness.outcomes import Harm
from harness.results.events import Answer, RecordNote, Stage

Cells = tuple[Cell, ...]
"""The cells of a stage on record: none if it is not on record, several if its outcome is random."""


def cell_of(stage: Stage) -> Cell:
    """What the record would say of a stage."""
    return Cell(stage.outcome, stage.units)


def answer_of(stage: Stage, cells: Cells) -> Answer:
    """The answer of one stage to its cells."""
    now = cell_of(stage)
    if not cells:
        return Answer.NEW
    if any(now.is_like(cell) for cell in cells):
        return Answer.SAME
    passed = any(cell.passes for cell in cells)
    if now.passes:
        return Answer.DRIFT if passed else Answer.FIXED
    return Answer.REGRESSION if passed else Answer.CHANGED


def is_worse(stage: Stage, cells: Cells) -> bool:
    """Whether a changed deviation is silent now, or more harmful than every one on record."""
    silent = stage.outcome.harm in (Harm.SILENT, Harm.STRUCTURE)
    return silent or all(stage.outcome.severity > cell.outcome.severity for cell in cells)


@dataclass(frozen=True)
class Answered:
    """The answer of a result: that of the stage at `place`, whose `cells` the record has.

    `fails` is true of a regression and of a change for the worse. `fault` is the answer of the stage at fault: SAME if
    the record knows this deviation; None if every stage passes.
    """

    answer: Answer
    place: int = 0
    cells: Cells = ()
    fails: bool = False
    fault: Answer | None = None

    @property
    def recorded(self) -> str:
        """The cells in words, '' if there are none."""
        return OR.join(map(str, self.cells))

    @property
    def note(self) -> RecordNote | None:
        """What a result says of the cells; None if there are none."""
        return RecordNote(self.place, self.recorded) if self.cells else None


def answered(stages: Sequence[Stage], recorded: Sequence[Cells]) -> Answered:
    """The answer of a result whose stages have these cells.

    A regression decides before a change for the worse, this before what is new at the stage at fault, and then come
    other changes, fixes and drift; of several equal answers the first stage's counts. What deviates behind a stage that
    was fixed or changed had another artifact to start from: it is new, unless it passed before.
    """
    answers: list[Answer] = []
    for stage, cells in zip(stages, recorded, strict=True):
        answer = answer_of(stage, cells)
        moved = any(before in (Answer.FIXED, Answer.CHANGED) for before in answers)
        answers.append(Answer.NEW if moved and answer is Answer.CHANGED else answer)
    at_fault = next((k for k, stage in enumerate(stages) if not stage.outcome.passes), None)
    fault = None if at_fault is None else answers[at_fault]

    def first(answer: Answer, fails: bool = False) -> Answered | None:
        if answer not in answers:
            return None
        place = answers.index(answer)
        return Answered(answer, place, recorded[place], fails, fault)

    worse = [k for k, answer in enumerate(answers) if answer is Answer.CHANGED and is_worse(stages[k], recorded[k])]
    if regression := first(Answer.REGRESSION, fails=True):
        return regression
    if worse:
        return Answered(Answer.CHANGED, worse[0], recorded[worse[0]], fails=True, fault=fault)
    if fault is Answer.NEW:
        assert at_fault is not None
        return Answered(Answer.NEW, at_fault, fault=fault)
    for answer in (Answer.CHANGED, Answer.FIXED, Answer.DRIFT, Answer.NEW):
        if (decided := first(answer)) is not None:
            return decided
    return Answered(Answer.SAME, fault=fault)
