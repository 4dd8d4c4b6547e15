"""Freezing fills the store, and verifying counts what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.catalogue import find
from harness.corpus.freeze import drift, freeze, unused, verify
from harness.corpus.store import Store
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
