"""The record: what each stage of each golden case did with the recorded versions, and how that was accepted.

It lies beside the goldens as text: `golden/record/<dialect>/<layer>.txt` holds one line for each stage of each case, by
chain of hops, `golden/record/versions.json` the versions, and `golden/record/accepted.toml` every acceptance with its
reason. A stage is named by its case and its chain: the source format, then the hops up to it, joined by hyphens.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import InputError
from harness.files import atomic_write
from harness.outcomes import Outcome
from harness.spec import EMPTY_BATCH

SIZE = 4.0
"""Errors whose noise units differ by at most this factor are of the same size."""
OR = " | "
"""Stands between the alternatives of a stage whose outcome is random."""
VERSIONS, ACCEPTED = "versions.json", "accepted.toml"
Key = tuple[str, str]
"""A case, and the chain of hops up to one of its stages."""


class RecordError(InputError):
    """A record that cannot be used, or what may not become one."""


@dataclass(frozen=True)
class Cell:
    """What one stage did: its outcome, and its largest normwise error in noise units (None: nothing was compared)."""

    outcome: Outcome
    units: float | None = None

    @classmethod
    def parse(cls, text: str) -> Cell:
        """The cell of `str(cell)`. Raises ValueError."""
        outcome, _, units = text.strip().partition(" ")
        return cls(Outcome(outcome), float(units) if units else None)

    def __str__(self) -> str:
        return self.outcome.value + ("" if self.units is None else f" {self.units:.2g}")

    @property
    def passes(self) -> bool:
        return self.outcome.passes

    def is_drift_of(self, other: Cell) -> bool:
        """Whether both pass, and this one with more than `SIZE` times the units of the other, and above one."""
        return self.passes and other.passes and (self.units or 0.0) > max(1.0, SIZE * (other.units or 0.0))

    def is_like(self, other: Cell) -> bool:
        """Whether both pass without drift, or both deviate by the same outcome and an error of the same size."""
        if self.passes and other.passes:
            return not self.is_drift_of(other)
        return self.outcome is other.outcome and _is_same_size(self.units, other.units)


def _is_same_size(first: float | None, second: float | None) -> bool:
    if first is None or second is None or not (math.isfinite(first) and math.isfinite(second)):
        return str(first) == str(second)
    low, high = sorted((abs(first), abs(second)))
    return high <= SIZE * low or high == low


@dataclass(frozen=True)
class Acceptance:
    """One acceptance: the day, the reason, how many stages got each answer, and the stages that deviate since."""

    day: str
    reason: str
    answers: Mapping[str, int]
    stages: tuple[str, ...] = ()

    def to_toml(self) -> str:
        """A table `[[acceptance]]`. JSON's strings, numbers and lists of strings are TOML's, too."""
        counts = ", ".join(f"{name} = {count}" for name, count in self.answers.items())
        stages = "".join(f"    {json.dumps(stage)},\n" for stage in self.stages)
        return (
            f"[[acceptance]]\nday = {json.dumps(self.day)}\nreason = {json.dumps(self.reason)}\n"
            f"answers = {{ {counts} }}\nstages = [{chr(10) if stages else ''}{stages}]\n"
        )


@dataclass(frozen=True)
class Record:
    """The cells of every stage on record; several where the outcome of a stage is random. Empty without a record."""

    cells: Mapping[Key, tuple[Cell, ...]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def at(self, case: str, chain: str) -> tuple[Cell, ...]:
        """The cells of a stage, empty if it is not on record."""
        return self.cells.get((case, chain), ())

    def deviates(self, case: str, chain: str) -> bool:
        """Whether the stage is on record, and never passes."""
        cells = self.at(case, chain)
        return bool(cells) and not any(cell.passes for cell in cells)

    def with_cells(self, cells: Mapping[Key, tuple[Cell, ...]]) -> Record:
        """The record with these stages; a stage without cells is taken off."""
        merged = {**self.cells, **cells}
        return Record({key: kept for key, kept in merged.items() if kept}, self.versions)

    def save(self, folder: Path) -> None:
        """Write the files of all layers and the versions; files of layers without a stage are removed."""
        texts = {folder / f"{dialect}/{layer}.txt": text for (dialect, layer), text in self._texts()}
        for path in folder.glob("*/*.txt"):
            if path not in texts:
                path.unlink()
        for path, text in texts.items():
            _write(path, text)
        _write(folder / VERSIONS, json.dumps(dict(sorted(self.versions.items())), indent=1) + "\n")

    def _texts(self) -> Iterator[tuple[tuple[str, str], str]]:
        layers: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for (case, chain), cells in sorted(self.cells.items()):
            dialect, layer, rest = split_id(case)
            layers[dialect, layer][chain].append(f"{rest} {OR.join(map(str, cells))}\n")
        for layer_key, chains in sorted(layers.items()):
            yield layer_key, "\n".join(f"[{chain}]\n{''.join(lines)}" for chain, lines in sorted(chains.items()))


def split_id(case: str) -> tuple[str, str, str]:
    """Dialect, layer and digest of a case's id `keras-Conv2D-0123456789ab`; a suffix of the digest stays with it."""
    dialect, _, rest = case.partition("-")
    layer, _, digest = rest.rpartition("-")
    return dialect, layer, digest


def plain_id(case: str) -> str:
    """The id of the golden case whose empty batch may have the id `case`."""
    return case.removesuffix(EMPTY_BATCH)


def load(folder: Path) -> Record:
    """Read a record; an empty one if the folder has none. Raises RecordError for a file that was damaged."""
    if not (folder / VERSIONS).exists():
        return Record()
    versions = recorded_versions(folder)
    cells: dict[Key, tuple[Cell, ...]] = {}
    for path in sorted(folder.glob("*/*.txt")):
        cells.update(_parsed(path))
    return Record(MappingProxyType(cells), MappingProxyType(versions))


def recorded_versions(folder: Path) -> dict[str, str]:
    """The versions of a record by distribution; none if the folder has no record. Raises RecordError."""
    if not (folder / VERSIONS).exists():
        return {}
    try:
        versions: dict[str, str] = json.loads((folder / VERSIONS).read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(folder / VERSIONS, "it is not JSON", str(error)) from None
    return versions


def _parsed(path: Path) -> dict[Key, tuple[Cell, ...]]:
    cells: dict[Key, tuple[Cell, ...]] = {}
    chain = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("["):
            chain = line[1:-1]
        elif line:
            digest, _, rest = line.partition(" ")
            key = (f"{path.parent.name}-{path.stem}-{digest}", chain)
            try:
                kept = tuple(Cell.parse(text) for text in rest.split(OR))
            except ValueError:
                raise _damaged(f"{path}, line {number}", "it is no line of a record", line) from None
            if not chain or key in cells:
                raise _damaged(f"{path}, line {number}", "the stage is twice there, or before any chain", line)
            cells[key] = kept
    return cells


def _damaged(where: Path | str, problem: str, came: str) -> RecordError:
    return RecordError(
        problem,
        where=where,
        expected="[chain], then a line for each case: its digest, outcome and noise units",
        came=repr(came[:80]),
        advice="Take the file as it was committed; `parity record accept` is what changes it.",
    )


def acceptances(folder: Path) -> list[Acceptance]:
    """Every acceptance, the oldest first. Raises RecordError."""
    path = folder / ACCEPTED
    if not path.exists():
        return []
    try:
        tables: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["acceptance"]
        return [Acceptance(each["day"], each["reason"], each["answers"], tuple(each["stages"])) for each in tables]
    except (ValueError, KeyError) as error:
        raise RecordError("it is no list of acceptances", where=path, came=str(error)) from None


def append(folder: Path, reason: str, answers: Mapping[str, int], stages: Iterable[str]) -> Acceptance:
    """Add an acceptance of today to the list. Raises RecordError if the reason says too little."""
    if len(reason.split()) < 3:
        raise RecordError(
            "an acceptance needs a reason", where="--reason", expected="three words or more", came=repr(reason)
        )
    accepted = Acceptance(date.today().isoformat(), reason, dict(answers), tuple(stages))
    before = [each.to_toml() for each in acceptances(folder)]
    _write(folder / ACCEPTED, "\n".join([*before, accepted.to_toml()]))
    return accepted


def _write(path: Path, text: str) -> None:
    atomic_write(path, text.encode())
