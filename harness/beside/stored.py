"""The results of released converters, stored beside those of the head that was compared with them.

So `parity diff` compares the head with what its gate compared it with; and shards, which nobody compares, bring along
what the whole run is to be compared with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from harness.analysis.difference import Base
from harness.judge.record import Record
from harness.results.environments import Discrepancy
from harness.results.file import Results
from harness.results.merge import MergeError, merge

SUFFIX = ".released"


def path_of(results: Path) -> Path:
    """The file of the released converters' results for this results file: `results.ndjson.released`."""
    return results.with_name(results.name + SUFFIX)


def standing(asked: Base, head: Results, path: Path, record: Record, across: Iterable[str] = ()) -> Base:
    """What a head, whose file has this path, is compared with: the base that was asked for, or the released converters
    where its gate has walked them beside.

    The latter take the place of the record, and of a run of another environment. Raises as `Results.load` and
    `Base.unlike` do.
    """
    under_test = head.header.under_test

    def apart(names: Iterable[str]) -> tuple[Discrepancy, ...]:
        found = asked.unlike(head.header.versions, names)
        return tuple(each for each in found if each.name not in under_test)

    left = apart(tuple(across))
    is_meant = not left and (asked.results is not None or bool(apart(())))  # --across names all that differs
    if not head.header.beside or is_meant:
        return replace(asked, under_test=under_test)
    return Base.released(head.header.beside, Results.load(path_of(path)), record, under_test=under_test, apart=left)


def joined(shards: Iterable[Path], target: Path, *, across: Iterable[str] = ()) -> Results:
    """Join shards, and the results of the released converters that lie beside them. Returns the joined results.

    Raises as `merge` does, and MergeError where released converters were walked and a shard lacks their results; then
    nothing is written.
    """
    shards, across = tuple(shards), tuple(across)
    part = target.with_name(f".{target.name}.joined")
    try:
        merged = merge(shards, part, across=across)
        if merged.header.beside:
            _check_released(shards, merged.header.beside)
            merge([path_of(path) for path in shards], path_of(target), across=across)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return merged


def _check_released(shards: Iterable[Path], beside: str) -> None:
    for path in shards:
        if not path_of(path).is_file():
            raise MergeError(
                f"shard {path} was walked beside {beside}, and their results are missing",
                where=path_of(path),
                advice="Keep both files of each shard together.",
            )
