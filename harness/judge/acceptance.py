"""Takes the results of a run into the record. Nothing gets there by pattern: each stage by its case and its chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.judge.answers import answer_of, cell_of
from harness.judge.record import OR, Cell, Key, Record
from harness.results.events import Answer, Result, Stage
from harness.spec import EMPTY_BATCH

DIFFERENT = (Answer.REGRESSION, Answer.CHANGED, Answer.DRIFT, Answer.LOST)
"""Answers of which an acceptance lists every stage."""


@dataclass(frozen=True)
class Proposal:
    """What an acceptance would change: the new record, the answer of each stage, and lines for what got worse."""

    record: Record
    answers: Counter[str] = field(default_factory=Counter)
    stages: tuple[str, ...] = ()


def chains(result: Result) -> list[tuple[str, Stage]]:
    """The stages of a result, each with the name of its chain."""
    names = [stage.hop or stage.artifact for stage in result.stages]
    return [("-".join(names[: n + 1]), stage) for n, stage in enumerate(result.stages)]


def proposed(record: Record, results: Iterable[Result], lost: Sequence[Key] = (), *, beside: bool = False) -> Proposal:
    """The record with these results in it, and without the stages that are lost.

    A stage that is the same stays as it is on record. With `beside`, what differs becomes a further possibility of a
    stage whose outcome is random, instead of taking its place.
    """
    cells: dict[Key, tuple[Cell, ...]] = {}
    answers: Counter[str] = Counter()
    lines: list[str] = []
    for result in results:
        for chain, stage in chains(result):
            key = (result.case, chain)
            if key in cells:
                continue  # routes share their first stages
            known = record.at(*key) or record.at(result.case.removesuffix(EMPTY_BATCH), chain)
            answer = answer_of(stage, known)
            answers[answer.value] += 1
            now = cell_of(stage)
            if answer in DIFFERENT:
                lines.append(f"{result.case} {chain}: {OR.join(map(str, known))} -> {now}")
            cells[key] = known if answer is Answer.SAME else (*known, now) if beside else (now,)
    for key in lost:
        answers[Answer.LOST.value] += 1
        lines.append(f"{key[0]} {key[1]}: {OR.join(map(str, record.at(*key)))} -> nothing")
        cells[key] = ()
    return Proposal(_tidied(record.with_cells(cells)), answers, tuple(lines))


def _tidied(record: Record) -> Record:
    """The record without cells of an empty batch that are those of its case."""
    said_twice = {
        key: ()
        for key, cells in record.cells.items()
        if key[0].endswith(EMPTY_BATCH) and cells == record.at(key[0].removesuffix(EMPTY_BATCH), key[1])
    }
    return record.with_cells(said_twice)
