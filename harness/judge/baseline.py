"""A baseline: the results of another run in place of the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from harness.judge.acceptance import chains
from harness.judge.answers import answer_of, cell_of
from harness.judge.record import Cell, Key, Record
from harness.results.environments import discrepancies
from harness.results.events import Answer
from harness.results.file import Results


def record_of(results: Results, known: Record | None = None) -> Record:
    """What a run did, as a record.

    A stage that ended in several ways within the run has a cell for each. So has one that is random in the record
    `known`, where the run shows one of its possibilities: the others are no difference either.
    """
    cells: dict[Key, tuple[Cell, ...]] = {}
    for result in results.results:
        for chain, stage in chains(result):
            key = (result.case, chain)
            before = cells.get(key, ())
            if answer_of(stage, before) is not Answer.SAME:
                cells[key] = (*before, cell_of(stage))
    for key, others in (known or Record()).cells.items():
        if len(others) > 1 and any(cell.is_like(other) for cell in cells.get(key, ()) for other in others):
            cells[key] = (*cells[key], *(other for other in others if other not in cells[key]))
    return Record(MappingProxyType(cells), results.header.versions)


def baseline(
    results: Results, versions: Mapping[str, str], *, across: Iterable[str] = (), known: Record | None = None
) -> Record:
    """The record of a run that judges another one, made with `versions`.

    Raises OtherEnvironment if what was installed differs and `across` does not name it. What is named is held to the
    baseline in whatever version: the record that comes back has no versions.
    """
    discrepancies(results.header.versions, versions, across=across)
    return replace(record_of(results, known), versions={})
