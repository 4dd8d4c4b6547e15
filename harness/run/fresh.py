"""Draws fresh cases from the catalogue, beyond the goldens, for a gate. The same number and seed draw the same cases.

The draw needs no Hypothesis, so fresh cases do not depend on a version of Hypothesis. They lie in an archive, as
goldens do, where every process of a gate finds them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from harness.catalogue import Row
from harness.corpus.store import Entry, pack_archive, read_index
from harness.draw import seeded_case
from harness.draw.cover import random_choice
from harness.files import atomic_write
from harness.run.selection import Fresh
from harness.spec import Case


def drawn(fresh: Fresh, rows: Iterable[Row]) -> list[Entry]:
    """The fresh cases of these rows, from their archive. Who asks first writes it."""
    if not fresh.archive.exists():
        cases = {case.id: case for row in rows for case in _cases(fresh, row)}
        atomic_write(fresh.archive, pack_archive(cases.values()))
    return read_index(fresh.archive)


def _cases(fresh: Fresh, row: Row) -> Iterator[Case]:
    for number in range(fresh.count):
        source = random.Random(f"{row.dialect}/{row.layer}/{fresh.seed}/{number}")  # noqa: S311 - repeatable, not secret
        yield seeded_case(row, random_choice(row, source), source.getrandbits(32))
