"""The results of a run in place of the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judge.baseline import baseline, record_of
from harness.judge.record import Cell, Record
from harness.outcomes import Outcome
from harness.results.environments import OtherEnvironment
from tests.two_runs import ROUTE, VERSIONS, base, result

A = "keras-Dense-a1"


def test_each_stage_is_one_cell_and_keeps_its_versions(tmp_path: Path) -> None:
    run = base(tmp_path, result(A, "exact 0", "exact 0.5", "refused"), result(f"{A}+empty", "exact 0", "crash"))
    record = record_of(run)
    assert {key: " | ".join(map(str, cells)) for key, cells in record.cells.items()} == {
        (A, "keras"): "exact 0",
        (A, "keras-tf2onnx"): "exact 0.5",
        (A, ROUTE): "refused",
        (f"{A}+empty", "keras"): "exact 0",
        (f"{A}+empty", "keras-tf2onnx"): "crash",
    }
    assert record.versions == VERSIONS


def test_possibilities_that_are_known_join_where_the_run_shows_one(tmp_path: Path) -> None:
    faithful, invalid, crash = Cell(Outcome.FAITHFUL, 3.2), Cell(Outcome.INVALID), Cell(Outcome.CRASH)
    known = Record({(A, "keras"): (faithful, invalid), (A, "keras-tf2onnx"): (crash, invalid)})
    record = record_of(base(tmp_path, result(A, "invalid", "refused")), known)
    assert record.at(A, "keras") == (invalid, faithful)
    assert record.at(A, "keras-tf2onnx") == (Cell(Outcome.REFUSED),)


def test_a_baseline_of_another_environment_is_refused_unless_it_is_named(tmp_path: Path) -> None:
    run = base(tmp_path, result(A, "exact 0"))
    now = {**VERSIONS, "torch": "2.14.0"}
    with pytest.raises(OtherEnvironment, match=r"torch 2\.15\.0 -> 2\.14\.0"):
        baseline(run, now)
    assert baseline(run, now, across=["torch"]) == Record({(A, "keras"): (Cell(Outcome.EXACT, 0.0),)})
