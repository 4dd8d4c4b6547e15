"""Freezing fills the store, and verifying counts what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.catalogue import find
from harness.corpus.freeze import drift, freeze, unused, verify
from harness.corpus.store import Store
from harness.spec import Case, Exactness
from tests.miniatures import dense_case

ROW = find("keras", "Dense")


def test_freeze_then_verify_is_sound_and_covers_every_pair(tmp_path: Path) -> None:
    store = Store(tmp_path)
    count = freeze(ROW, store)
    (check,) = verify([ROW], store)
    assert check.sound
    assert (check.cases, check.pairs) == (count, 100.0)


def test_verify_counts_missing_edited_and_unused(store: Store) -> None:
    (check,) = verify([ROW], store)
    assert check.missing > 0
    assert check.pairs < 100
    assert not check.sound
    (store.root / "keras" / "Dense.zip").write_bytes(b"")
    (check,) = verify([ROW], store)
    assert check.edited == 2
    store.put("keras", "Nonsense", [dense_case()], seed=0)
    assert unused([ROW], store) == ["keras/Nonsense.zip"]
    store.drop("keras/Nonsense.zip")
    assert unused([ROW], store) == []


def test_a_pin_beyond_the_axes_is_frozen_and_current_as_long_as_it_is_pinned(tmp_path: Path) -> None:
    """RandomFlip has a pin of whole numbers and no axis `dtype`."""
    row, store = find("keras", "RandomFlip"), Store(tmp_path)
    freeze(row, store)
    (check,) = verify([row], store)
    assert (check.unused, check.sound) == (0, True)
    (check,) = verify([replace(row, pins=())], store)
    assert (check.unused, check.sound) == (1, False)
    (check,) = verify([replace(row, pins=({"dtype": "int64"},))], store)
    assert (check.unused, check.sound) == (1, False)


def test_drift_is_told_in_noise_units() -> None:
    case = dense_case()
    assert case.golden
    assert drift(case) == 0
    off = replace(case.golden, expected={"layer": case.golden.expected["layer"] + 5 * case.golden.noise["layer"]})
    assert 1 < drift(replace(case, samples=(replace(case.samples[0], golden=off),))) < 6


def changed(case: Case, **fields: Any) -> Case:
    """The case whose first golden has other fields."""
    assert case.golden
    return replace(case, samples=(replace(case.samples[0], golden=replace(case.golden, **fields)), *case.samples[1:]))


def frozen_again(folder: Path, edit: Callable[[Case], Case]) -> tuple[Case, Case]:
    """The first case of a store whose cases were all edited, and what it is when the row is frozen again."""
    row, store = find("keras", "ELU"), Store(folder)
    freeze(row, store)
    store.put("keras", "ELU", [edit(entry.load()) for entry in store.entries()], seed=0)
    before = store.entries()[0].load()
    freeze(row, Store(folder))
    return before, Store(folder).entries()[0].load()


def test_a_golden_that_agrees_stays_when_it_is_frozen_again(tmp_path: Path) -> None:
    """The last bits are those of the processor, and a pack knows a golden by all of its bits."""

    def other(case: Case) -> Case:
        return changed(case, expected={n: v * (1 + 2**-50) for n, v in case.golden.expected.items()})

    before, after = frozen_again(tmp_path, other)
    assert after.golden.expected["layer"].tobytes() == before.golden.expected["layer"].tobytes()


@pytest.mark.parametrize(
    "edit",
    [
        lambda case: changed(case, expected={n: v * (1 + 1e-6) for n, v in case.golden.expected.items()}),
        lambda case: changed(case, noise={n: v * 2 for n, v in case.golden.noise.items()}),
        lambda case: changed(case, exactness=Exactness.MOVES),
        lambda case: changed(case, channel_axis=1),
    ],
    ids=["expected", "noise", "exactness", "channel_axis"],
)
def test_a_golden_that_differs_is_replaced(tmp_path: Path, edit: Callable[[Case], Case]) -> None:
    _, after = frozen_again(tmp_path, edit)
    fresh = Store(tmp_path / "fresh")
    freeze(find("keras", "ELU"), fresh)
    expected = fresh.entries()[0].load().golden
    for field in ("expected", "noise"):
        for name, value in getattr(expected, field).items():
            assert np.array_equal(getattr(after.golden, field)[name], value)
    assert (after.golden.exactness, after.golden.channel_axis) == (expected.exactness, expected.channel_axis)


def test_another_sign_of_zero_is_no_rounding(tmp_path: Path) -> None:
    row, store = find("keras", "ReLU"), Store(tmp_path)
    freeze(row, store)
    right = store.entries()

    def minus(case: Case) -> Case:
        assert case.golden
        return changed(case, expected={n: np.where(v == 0, -v, v) for n, v in case.golden.expected.items()})

    store.put("keras", "ReLU", [minus(entry.load()) for entry in right], seed=0)
    answers = {entry.id: entry.data["answers"] for entry in right}
    assert {entry.id: entry.data["answers"] for entry in store.entries()} != answers
    freeze(row, store)
    assert {entry.id: entry.data["answers"] for entry in store.entries()} == answers


def test_a_damaged_archive_is_frozen_anew(tmp_path: Path) -> None:
    row, store = find("keras", "ELU"), Store(tmp_path)
    count = freeze(row, store)
    (tmp_path / "keras" / "ELU.zip").write_bytes(b"")
    assert freeze(row, Store(tmp_path)) == count
    (check,) = verify([row], Store(tmp_path))
    assert check.sound
