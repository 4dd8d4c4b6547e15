"""Taking results into the record: what takes the place of what, and what an acceptance lists."""

from __future__ import annotations

from harness.judge.acceptance import proposed
from harness.judge.record import Cell, Record
from harness.outcomes import Metrics, Outcome
from harness.results.events import Judgement, Result, Stage

CASE = "keras-Dense-aa"
EXACT, REFUSED, WRONG = Cell(Outcome.EXACT, 0.0), Cell(Outcome.REFUSED), Cell(Outcome.DIVERGENT, 1e6)


def result(*cells: Cell, case: str = CASE) -> Result:
    hops = [None, "tf2onnx", "onnx2torch"]
    stages = tuple(
        Stage("keras", cell.outcome, hop=hop, metrics=Metrics(units=cell.units))
        for hop, cell in zip(hops, cells, strict=False)
    )
    return Result(case, "keras", "Dense", "main", {}, "keras-tf2onnx-onnx2torch", stages, Judgement.PASSED)


def test_the_first_acceptance_takes_every_stage_once() -> None:
    proposal = proposed(Record(), [result(EXACT, WRONG, REFUSED), result(EXACT, WRONG)])
    assert proposal.record.cells == {
        (CASE, "keras"): (EXACT,),
        (CASE, "keras-tf2onnx"): (WRONG,),
        (CASE, "keras-tf2onnx-onnx2torch"): (REFUSED,),
    }
    assert dict(proposal.answers) == {"new": 3}
    assert proposal.stages == ()


def test_what_is_the_same_stays_as_it_is_on_record() -> None:
    record = Record({(CASE, "keras"): (EXACT,), (CASE, "keras-tf2onnx"): (WRONG,)})
    proposal = proposed(record, [result(Cell(Outcome.FAITHFUL, 0.9), Cell(Outcome.DIVERGENT, 2e6))])
    assert proposal.record.cells == record.cells
    assert dict(proposal.answers) == {"same": 2}


def test_a_regression_takes_the_place_and_is_listed() -> None:
    record = Record({(CASE, "keras"): (EXACT,)})
    proposal = proposed(record, [result(WRONG)])
    assert proposal.record.cells == {(CASE, "keras"): (WRONG,)}
    assert proposal.stages == ("keras-Dense-aa keras: exact 0 -> divergent 1e+06",)


def test_a_random_outcome_is_kept_beside_the_other() -> None:
    record = Record({(CASE, "keras"): (EXACT,)})
    kept = proposed(record, [result(WRONG)], beside=True).record
    assert kept.cells == {(CASE, "keras"): (EXACT, WRONG)}
    assert proposed(kept, [result(EXACT)], beside=True).record.cells == kept.cells


def test_what_is_lost_is_taken_off_and_listed() -> None:
    record = Record({(CASE, "keras"): (EXACT,), ("keras-Dense-bb", "keras"): (REFUSED,)})
    proposal = proposed(record, [result(EXACT)], [("keras-Dense-bb", "keras")])
    assert list(proposal.record.cells) == [(CASE, "keras")]
    assert proposal.stages == ("keras-Dense-bb keras: refused -> nothing",)
    assert dict(proposal.answers) == {"same": 1, "lost": 1}


def test_an_empty_batch_is_kept_only_where_it_differs_from_its_case() -> None:
    proposal = proposed(Record(), [result(EXACT, EXACT), result(EXACT, REFUSED, case=f"{CASE}+empty")])
    assert proposal.record.cells == {
        (CASE, "keras"): (EXACT,),
        (CASE, "keras-tf2onnx"): (EXACT,),
        (f"{CASE}+empty", "keras-tf2onnx"): (REFUSED,),
    }
    fixed = proposed(proposal.record, [result(EXACT, EXACT), result(EXACT, EXACT, case=f"{CASE}+empty")])
    assert list(fixed.record.cells) == [(CASE, "keras"), (CASE, "keras-tf2onnx")]
    assert dict(fixed.answers) == {"same": 3, "fixed": 1}
