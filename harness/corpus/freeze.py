"""Freezing the golden corpus from the catalogue, and verifying the store against the catalogue and the oracle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from harness.catalogue import Row
from harness.corpus.store import Entry, GoldenError, Store, read_index
from harness.draw import seeded_case
from harness.draw.cover import covered, covering_array
from harness.oracle import evaluate
from harness.spec import Array, Case, Golden, Sample, canonical
from harness.units import UNIT

MODELS = "models"
"""Folder of the store for whole models; the scripts that train or build them write it."""
DRIFT_UNITS = 0.01
"""Recomputed goldens may differ by this many noise units: float64 rounding is about 1e-8 of one."""


@dataclass(frozen=True)
class Check:
    """The result of `verify` for one layer.

    `cases`, `drifted`, `edited` and `unused` count cases. `valid`, `covered` and `missing` count pairs of axis
    values: all that the rules allow, those that occur in a case, and those that occur in none.
    """

    dialect: str
    layer: str
    cases: int = 0
    drifted: int = 0
    edited: int = 0
    unused: int = 0
    missing: int = 0
    covered: int = 0
    valid: int = 0
    problem: str = ""

    @property
    def pairs(self) -> float:
        """Percent of the valid pairs of axis values that occur in a golden case."""
        return 100.0 * self.covered / self.valid if self.valid else 100.0

    @property
    def sound(self) -> bool:
        return not (self.drifted or self.edited or self.unused or self.missing) and self.covered == self.valid

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "pairs": round(self.pairs, 2)}


def freeze(row: Row, store: Store, *, seed: int = 0) -> int:
    """Draw the cases of a row's covering array, compute their goldens and store them. Returns their number.

    A stored golden that agrees with today's oracle stays as it is. Processors compute float64 functions with other last
    bits (with AVX512, for instance), and a pack knows a golden by all of its bits.
    """
    cases = [seeded_case(row, choice, seed) for choice in covering_array(row)]
    stored = _readable(row, store)
    unique = {case.id: _settled(case, stored.get(case.id)) for case in cases}
    store.put(row.dialect, row.layer, unique.values(), seed=seed)
    return len(unique)


def _readable(row: Row, store: Store) -> dict[str, Entry]:
    """The stored cases of a row by id; none where there is no archive, or a damaged one."""
    try:
        return {entry.id: entry for entry in store.entries(row.layer, folder=row.dialect)}
    except GoldenError:
        return {}


def _settled(drawn: Case, entry: Entry | None) -> Case:
    """The drawn case, with the stored goldens where these agree with the drawn ones."""
    if entry is None:
        return drawn
    try:
        samples = entry.load().samples
    except GoldenError:
        return drawn
    agree = len(samples) == len(drawn.samples) and all(map(_agree, samples, drawn.samples))
    return replace(drawn, samples=samples) if agree else drawn


def _agree(stored: Sample, drawn: Sample) -> bool:
    """Whether two samples have the same inputs and rules, and goldens and noise scales that differ by rounding only."""
    old, new = stored.golden, drawn.golden
    if old is None or new is None or (old.exactness, old.channel_axis) != (new.exactness, new.channel_axis):
        return False
    if list(old.expected) != list(new.expected) or list(stored.inputs) != list(drawn.inputs):
        return False
    if any(value.tobytes() != drawn.inputs[name].tobytes() for name, value in stored.inputs.items()):
        return False
    with np.errstate(all="ignore"):  # infinities are compared as such
        return all(
            _drift(old, name, value) <= DRIFT_UNITS
            and _same_zeros(old.expected[name], value)
            and np.allclose(old.noise[name], new.noise[name], rtol=2**-4, atol=0, equal_nan=True)
            for name, value in new.expected.items()
        )


def _same_zeros(stored: Array, now: Array) -> bool:
    """Whether the elements that are zero in both arrays have the same signs."""
    if now.dtype.kind != "f":
        return True
    zero = (stored == 0) & (now == 0)
    return np.array_equal(np.signbit(stored[zero]), np.signbit(now[zero]))


def verify(rows: Iterable[Row], store: Store) -> Iterator[Check]:
    """Check the archive of each row against the catalogue and the oracle.

    Raises GoldenError if there is no manifest.
    """
    wanted = {f"{row.dialect}/{row.layer}.zip": row for row in rows}
    for name, row in wanted.items():
        record = store.manifest["archives"].get(name)
        if record is None:
            valid = covered(row, [])[1]
            problem = "no archive: run `parity golden freeze`"
            yield Check(row.dialect, row.layer, missing=valid, valid=valid, problem=problem)
        else:
            yield _verify_archive(row, store, name, record["sha256"], record["cases"])


def unused(rows: Iterable[Row], store: Store) -> list[str]:
    """Archives of the manifest that belong to no row of the catalogue, except those of whole models."""
    wanted = {f"{row.dialect}/{row.layer}.zip" for row in rows}
    return [name for name in store.manifest["archives"] if name not in wanted and not name.startswith(MODELS)]


def verify_models(store: Store, layers: Sequence[str] = ()) -> Iterator[Check]:
    """Check the digests and goldens of whole models, to which no covering array applies."""
    for path, record in store.archives(*layers, folder=MODELS):
        try:
            counts = _counted(read_index(path, record["sha256"]))
        except GoldenError as error:
            counts = {"cases": record["cases"], "edited": record["cases"], "problem": str(error)}
        yield Check(MODELS, path.stem, **counts)


def _verify_archive(row: Row, store: Store, name: str, sha256: str, count: int) -> Check:
    try:
        entries = read_index(store.root / name, sha256)
    except GoldenError as error:
        return Check(row.dialect, row.layer, cases=count, edited=count, valid=covered(row, [])[1], problem=str(error))
    stale = [entry for entry in entries if not _is_current(row, entry)]
    have, valid = covered(row, [entry.choice for entry in entries])
    return Check(
        dialect=row.dialect,
        layer=row.layer,
        unused=len(stale),
        missing=valid - have,
        covered=have,
        valid=valid,
        **_counted(entries),
    )


def _counted(entries: Sequence[Entry]) -> dict[str, Any]:
    """Numbers of cases, of drifted and of edited ones, and the first problem, as arguments of Check."""
    drifted = edited = 0
    problem = ""
    for entry in entries:
        try:
            units = drift(entry.load())
        except GoldenError as error:
            edited += 1
            problem = problem or str(error)
            continue
        if units > DRIFT_UNITS:
            drifted += 1
            problem = problem or f"case {entry.id}: the oracle now differs by {units:.3g} noise units"
    return {"cases": len(entries), "drifted": drifted, "edited": edited, "problem": problem}


def _is_current(row: Row, entry: Entry) -> bool:
    """Whether the case's choice is valid in today's catalogue: a pin, or its axes and values with no rule broken."""
    choice = entry.choice
    if canonical(choice) in {canonical(pin) for pin in row.pinned}:
        return True
    return row.has(choice) and row.allows({axis: _axis_value(value, row.axes[axis]) for axis, value in choice.items()})


def _axis_value(value: Any, values: tuple[Any, ...]) -> Any:
    """The axis value that a JSON value stands for (JSON has lists where axes have tuples)."""
    return next(each for each in values if canonical(each) == canonical(value))


def drift(case: Case) -> float:
    """Largest difference between the stored goldens and today's oracle, in noise units."""
    return max(_drift_of(case, sample) for sample in case.samples)


def _drift_of(case: Case, sample: Sample) -> float:
    if sample.golden is None:
        return float("inf")
    with np.errstate(all="ignore"):  # infinities are compared as such
        now = evaluate(case.spec, case.weights, sample.inputs)
        return max(_drift(sample.golden, name, value) for name, value in now.items())


def _drift(golden: Golden, name: str, now: Array) -> float:
    stored = golden.expected[name]
    if now.shape != stored.shape or now.dtype != stored.dtype:
        return float("inf")
    if now.dtype.kind != "f":
        return 0.0 if np.array_equal(now, stored) else float("inf")
    same = (now == stored) | (np.isnan(now) & np.isnan(stored))
    scale = np.maximum(np.maximum(golden.noise[name], UNIT * np.abs(stored)), 1e-300)
    error = np.where(same, 0.0, np.abs(now - stored) / scale)
    return float(np.nan_to_num(error, nan=np.inf, posinf=np.inf).max(initial=0.0))
