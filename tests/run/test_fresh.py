"""Fresh cases: the same for the same number and seed, valid, with goldens, and drawn once."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalogue import Row, find
from harness.corpus.freeze import DRIFT_UNITS, drift
from harness.run.fresh import drawn
from harness.run.selection import Fresh, Selection, SelectionError
from harness.run.session import Session

ROWS = (find("keras", "ELU"), find("keras", "Conv1D"))


def ids(folder: Path, count: int = 3, seed: int = 0, rows: tuple[Row, ...] = ROWS) -> list[str]:
    return [entry.id for entry in drawn(Fresh(count, seed, folder / f"{count}-{seed}.zip"), rows)]


def test_the_same_number_and_seed_draw_the_same_cases(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first = ids(tmp_path)
    assert sorted(name.rsplit("-", 1)[0] for name in first) == ["keras-Conv1D"] * 3 + ["keras-ELU"] * 3
    assert ids(tmp_path / "again") == first
    assert set(ids(tmp_path, count=4)) > set(first)
    assert not set(ids(tmp_path, seed=1)) & set(first)


def test_they_are_valid_cases_with_goldens(tmp_path: Path) -> None:
    (elu, conv) = ROWS
    for entry in drawn(Fresh(3, 0, tmp_path / "fresh.zip"), ROWS):
        case = entry.load()
        assert case.id == entry.id
        assert {"ELU": elu, "Conv1D": conv}[case.subject].allows(case.choice)
        assert drift(case) <= DRIFT_UNITS


def test_who_asks_first_draws_them(tmp_path: Path) -> None:
    """Another process that has the same archive does not draw again."""
    first = ids(tmp_path)
    assert ids(tmp_path, rows=()) == first


def test_a_session_walks_those_of_the_selected_layers_beside_the_goldens(tmp_path: Path) -> None:
    fresh = Fresh(2, 0, tmp_path / "fresh.zip")
    with Session(Selection(route=("matlab-matlab2torch",), layer=("*ELULayer",), explore=fresh)) as session:
        pairs, drawn_pairs = session.pairs(), session.fresh
        layers = {entry.subject for entry, _ in pairs}
        assert session.selection.options()["explore"] == "2 by the seed 0"
    assert pairs[-len(drawn_pairs) :] == drawn_pairs
    assert {entry.subject for entry, _ in drawn_pairs} == layers
    assert len(drawn_pairs) == 2 * len(layers) > 0


def test_layers_without_a_row_have_none(tmp_path: Path) -> None:
    """Whole models are goldens that nobody draws."""
    fresh = Fresh(2, 0, tmp_path / "fresh.zip")
    with (
        Session(Selection(route=("keras-tf2onnx-onnx2torch",), layer=("digits",), explore=fresh)) as session,
        pytest.raises(SelectionError, match="no selected route walks fresh cases of these layers"),
    ):
        session.pairs()
