"""The record: what a cell says, which two are alike, and files that come back or are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judge import record as records
from harness.judge.record import Acceptance, Cell, Record, RecordError, load, plain_id, split_id
from harness.outcomes import Outcome

FAITHFUL, REFUSED = Cell(Outcome.FAITHFUL, 0.5), Cell(Outcome.REFUSED)
CELLS = {
    ("keras-Dense-aa", "keras"): (Cell(Outcome.EXACT, 0.0),),
    ("keras-Dense-aa", "keras-mat-octave"): (REFUSED,),
    ("keras-Dense-aa+empty", "keras"): (Cell(Outcome.CRASH),),
    ("matlab-Two-Words-bb", "matlab"): (FAITHFUL, Cell(Outcome.DIVERGENT, float("inf"))),
}
RECORD = Record(CELLS, {"keras": "3.15.1"})


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Cell(Outcome.FAITHFUL, 0.5312), "faithful 0.53"),
        (Cell(Outcome.DIVERGENT, 1.234e6), "divergent 1.2e+06"),
        (Cell(Outcome.DIVERGENT, float("inf")), "divergent inf"),
        (REFUSED, "refused"),
    ],
)
def test_a_cell_is_text_and_back(cell: Cell, text: str) -> None:
    assert str(cell) == text
    assert str(Cell.parse(text)) == text


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        (Cell(Outcome.EXACT, 0.0), Cell(Outcome.FAITHFUL, 1.0), True),
        (Cell(Outcome.FAITHFUL, 1.01), Cell(Outcome.EXACT, 0.0), False),  # drift: more than one, from nothing
        (Cell(Outcome.FAITHFUL, 8.0), Cell(Outcome.FAITHFUL, 2.0), True),
        (Cell(Outcome.FAITHFUL, 8.1), Cell(Outcome.FAITHFUL, 2.0), False),
        (Cell(Outcome.FAITHFUL, 2.0), Cell(Outcome.FAITHFUL, 8.1), True),  # less noise is no drift
        (Cell(Outcome.EXACT), Cell(Outcome.EXACT), True),
        (Cell(Outcome.DIVERGENT, 4e6), Cell(Outcome.DIVERGENT, 1e6), True),
        (Cell(Outcome.DIVERGENT, 4.1e6), Cell(Outcome.DIVERGENT, 1e6), False),
        (Cell(Outcome.DIVERGENT, 1e6), Cell(Outcome.DIVERGENT, 4.1e6), False),
        (Cell(Outcome.DIVERGENT, float("inf")), Cell(Outcome.DIVERGENT, float("inf")), True),
        (Cell(Outcome.DIVERGENT, float("inf")), Cell(Outcome.DIVERGENT, 1e6), False),
        (Cell(Outcome.DIVERGENT), Cell(Outcome.DIVERGENT, 1e6), False),
        (Cell(Outcome.DIVERGENT, 0.0), Cell(Outcome.DIVERGENT, 0.0), True),
        (REFUSED, REFUSED, True),
        (REFUSED, Cell(Outcome.INVALID), False),
        (REFUSED, FAITHFUL, False),
        (FAITHFUL, REFUSED, False),
    ],
)
def test_like_cells_pass_without_drift_or_deviate_alike(first: Cell, second: Cell, alike: bool) -> None:
    assert first.is_like(second) is alike


def test_drift_is_four_times_the_units_and_more_than_one() -> None:
    assert Cell(Outcome.FAITHFUL, 1.2).is_drift_of(Cell(Outcome.FAITHFUL, 0.2))
    assert not Cell(Outcome.FAITHFUL, 0.9).is_drift_of(Cell(Outcome.FAITHFUL, 0.1))
    assert not Cell(Outcome.DIVERGENT, 1e6).is_drift_of(FAITHFUL)
    assert not FAITHFUL.is_drift_of(REFUSED)


def test_a_record_comes_back_from_its_files(tmp_path: Path) -> None:
    RECORD.save(tmp_path)
    assert (tmp_path / "keras" / "Dense.txt").read_text() == (
        "[keras]\naa exact 0\naa+empty crash\n\n[keras-mat-octave]\naa refused\n"
    )
    assert (tmp_path / "matlab" / "Two-Words.txt").read_text() == "[matlab]\nbb faithful 0.5 | divergent inf\n"
    assert load(tmp_path) == RECORD


def test_a_layer_without_a_stage_loses_its_file(tmp_path: Path) -> None:
    RECORD.save(tmp_path)
    RECORD.with_cells({("matlab-Two-Words-bb", "matlab"): ()}).save(tmp_path)
    assert [path.name for path in tmp_path.glob("*/*")] == ["Dense.txt"]


def test_without_files_the_record_is_empty(tmp_path: Path) -> None:
    assert load(tmp_path / "none") == Record()
    assert Record().at("keras-Dense-aa", "keras") == ()


@pytest.mark.parametrize(
    "text",
    [
        "aa exact 0\n",
        "[keras]\naa perfect 0\n",
        "[keras]\naa exact zero\n",
        "[keras]\naa exact 0\naa exact 0\n",
        "[keras]\naa\n",
    ],
)
def test_a_damaged_line_is_refused_by_name(tmp_path: Path, text: str) -> None:
    RECORD.save(tmp_path)
    path = tmp_path / "keras" / "Dense.txt"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"Dense\.txt, line \d.*parity record accept"):
        load(tmp_path)


def test_damaged_versions_are_refused_by_name(tmp_path: Path) -> None:
    RECORD.save(tmp_path)
    (tmp_path / "versions.json").write_text("{")
    with pytest.raises(RecordError, match=r"versions\.json"):
        load(tmp_path)


def test_an_id_has_dialect_layer_and_digest() -> None:
    assert split_id("keras-Two-Words-aa+empty") == ("keras", "Two-Words", "aa+empty")
    assert plain_id("keras-Dense-aa+empty") == plain_id("keras-Dense-aa") == "keras-Dense-aa"


def test_acceptances_are_kept_in_order_with_their_reasons(tmp_path: Path) -> None:
    records.append(tmp_path, "the first whole run", {"new": 3}, [])
    records.append(
        tmp_path, 'torch "2.16" pads otherwise', {"regression": 1}, ["keras-Dense-aa keras: exact 0 -> refused"]
    )
    first, second = records.acceptances(tmp_path)
    assert (first.reason, dict(first.answers), first.stages) == ("the first whole run", {"new": 3}, ())
    assert second == Acceptance(
        second.day, 'torch "2.16" pads otherwise', {"regression": 1}, ("keras-Dense-aa keras: exact 0 -> refused",)
    )


def test_an_acceptance_without_a_reason_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="needs a reason"):
        records.append(tmp_path, "because so", {"new": 3}, [])
    assert not list(tmp_path.iterdir())


def test_a_damaged_list_of_acceptances_is_refused(tmp_path: Path) -> None:
    (tmp_path / "accepted.toml").write_text("[[acceptance]]\nday = 1\n")
    with pytest.raises(RecordError, match=r"accepted\.toml"):
        records.acceptances(tmp_path)
