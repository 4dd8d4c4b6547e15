"""Reproducers of the known deviations: one for the minimal case of each expectation."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from harness.judge.expectations import Expectation
from harness.reproducer.write import ReproduceError, of_expectation
from harness.run.session import SelectionError, Session


def choose(session: Session, glob: str) -> list[Expectation]:
    """Expectations whose id matches, those of one case together. Raises SelectionError if none does."""
    chosen = [item for item in session.expectations if fnmatchcase(item.id, glob)]
    if not chosen:
        raise SelectionError(
            f"no expectation fits {glob!r}", where="--id", advice="`parity list expectations` shows all"
        )
    return sorted(chosen, key=lambda item: item.case)


def write_known(session: Session, expectations: Iterable[Expectation], folder: Path) -> list[str]:
    """Write `folder/<id>` for each expectation; a sentence for each that could not be written."""
    problems = []
    for item in expectations:
        try:
            of_expectation(session, item, folder / item.id)
        except ReproduceError as error:
            problems.append(f"{item.id}: {error}")
    return problems
