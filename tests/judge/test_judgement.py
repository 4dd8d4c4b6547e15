"""What a result means for the run: each kind of stage against each kind of expectation, and the sentence for it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from harness.judge.expectations import Expectation
from harness.judge.judgement import Judged, judge, of_route, speaking_of
from harness.judge.record import Cell
from harness.outcomes import Metrics, Outcome
from harness.results.events import Answer, Judgement, RecordNote, Stage
from harness.spec import Case, Input, Layer, Sample, Spec

SOURCE = Stage("keras", Outcome.EXACT)
REFUSED = Stage("onnx", Outcome.REFUSED, hop="tf2onnx", message="no converter for GRU")
CRASHED = Stage("torch", Outcome.CRASH, hop="onnx2torch", message="it died")


def expectation(**changes: Any) -> Expectation:
    """tf2onnx refuses every GRU."""
    usual = {
        "id": "gru",
        "route": "keras-tf2onnx*",
        "layer": ("GRU",),
        "outcome": (Outcome.REFUSED,),
        "blame": ("tf2onnx",),
        "versions": (),
        "reason": "the gates are fused",
        "link": "not reported upstream",
        "case": "keras-GRU-0",
    }
    return Expectation(**{**usual, **changes})


# Judging


def test_route_that_passes_and_nothing_foreseen() -> None:
    assert judge([SOURCE], []) == Judged(Judgement.PASSED, "", None)


def test_judged_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Judged(Judgement.PASSED).judgement = Judgement.FAILED  # type: ignore[misc]


def test_deviation_that_nothing_foresees() -> None:
    assert judge([SOURCE, REFUSED, CRASHED], []) == Judged(
        Judgement.FAILED, "refused at tf2onnx: no converter for GRU", None
    )


def test_deviation_of_the_source() -> None:
    stage = Stage("keras", Outcome.DIVERGENT, message="40 noise units")
    assert judge([stage], []).message == "divergent at source: 40 noise units"
    known = expectation(outcome=(Outcome.DIVERGENT,), blame=("source",))
    assert judge([stage], [known]).judgement is Judgement.EXPECTED


def test_deviation_that_is_foreseen() -> None:
    other, known = expectation(id="other", outcome=(Outcome.CRASH,)), expectation()
    assert judge([SOURCE, REFUSED], [other, known]) == Judged(
        Judgement.EXPECTED, "refused at tf2onnx: no converter for GRU (expected: the gates are fused)", known
    )


def test_first_expectation_that_foresees_it_decides() -> None:
    first, second = expectation(id="first"), expectation(id="second")
    assert judge([SOURCE, REFUSED], [first, second]).expectation is first


def test_stage_after_the_one_at_fault_is_not_spoken_of() -> None:
    """onnx2torch crashes on what tf2onnx left."""
    later = expectation(outcome=(Outcome.CRASH,), blame=("onnx2torch",))
    judged = judge([SOURCE, REFUSED, CRASHED], [later])
    assert (judged.judgement, judged.expectation) == (Judgement.FAILED, later)


def test_deviation_that_happens_no_more() -> None:
    known = expectation(outcome=(Outcome.REFUSED, Outcome.INVALID), blame=("tf2onnx", "source"))
    assert judge([SOURCE], [known]) == Judged(
        Judgement.FAILED,
        "fixed upstream: remove this. The expectation 'gru' says refused or invalid at tf2onnx or source, "
        "but the route passes",
        known,
    )


def test_deviation_of_another_kind_than_foreseen() -> None:
    known, further = expectation(outcome=(Outcome.INVALID, Outcome.HANG)), expectation(id="further", blame=("other",))
    assert judge([SOURCE, REFUSED], [known, further]) == Judged(
        Judgement.FAILED,
        "expectation 'gru' says invalid or hang at tf2onnx, but it is refused at tf2onnx: no converter for GRU",
        known,
    )


def test_expectation_of_some_cases_binds_none() -> None:
    some, all_of_them = expectation(says="out of memory"), expectation(id="all", outcome=(Outcome.CRASH,))
    assert judge([SOURCE], [some]) == Judged(Judgement.PASSED)
    assert judge([SOURCE, REFUSED], [some]) == Judged(Judgement.FAILED, "refused at tf2onnx: no converter for GRU")
    assert judge([SOURCE, REFUSED], [some, all_of_them]).expectation is all_of_them
    assert judge([SOURCE, REFUSED], [expectation(says="converter for")]).judgement is Judgement.EXPECTED


# By the record

DIVERGENT = Stage("onnx", Outcome.DIVERGENT, hop="tf2onnx", metrics=Metrics(units=2e6), message="2e6 noise units")
FAITHFUL = Stage("onnx", Outcome.FAITHFUL, hop="tf2onnx", metrics=Metrics(units=0.5))
EXACT = (Cell(Outcome.EXACT),)


def on_record(*texts: str) -> list[tuple[Cell, ...]]:
    return [EXACT, tuple(map(Cell.parse, texts))]


def test_a_regression_fails_whatever_expectation_covers_it() -> None:
    blanket = expectation(outcome=(Outcome.DIVERGENT, Outcome.REFUSED), blame=("*",))
    for stage, ending in ((DIVERGENT, "divergent at tf2onnx: 2e6"), (REFUSED, "refused at tf2onnx: no converter for")):
        judged = judge([SOURCE, stage], [blanket], on_record("faithful 0.5"))
        assert (judged.judgement, judged.answer, judged.expectation) == (Judgement.FAILED, Answer.REGRESSION, None)
        assert judged.message.startswith(f"regression: the record has faithful 0.5 at tf2onnx, now it is {ending}")


def test_what_the_record_knows_does_not_fail_and_an_expectation_explains_it() -> None:
    judged = judge([SOURCE, REFUSED], [expectation()], on_record("refused"))
    assert (judged.judgement, judged.answer, judged.expectation) == (Judgement.EXPECTED, Answer.SAME, expectation())
    assert judged.message == "refused at tf2onnx: no converter for GRU (expected: the gates are fused)"
    judged = judge([SOURCE, REFUSED], [], on_record("refused"))
    assert (judged.judgement, judged.expectation) == (Judgement.EXPECTED, None)
    assert judged.message.endswith("(on record, and no expectation explains it)")


def test_a_change_for_the_worse_fails_and_another_does_not() -> None:
    judged = judge([SOURCE, DIVERGENT], [expectation(outcome=(Outcome.DIVERGENT,))], on_record("refused"))
    assert (judged.judgement, judged.answer) == (Judgement.FAILED, Answer.CHANGED)
    assert judged.message == (
        "changed for the worse: the record has refused at tf2onnx, now it is divergent at tf2onnx: 2e6 noise units"
    )
    judged = judge([SOURCE, REFUSED], [], on_record("invalid"))
    assert (judged.judgement, judged.answer, judged.recorded) == (
        Judgement.EXPECTED,
        Answer.CHANGED,
        RecordNote(1, "invalid"),
    )


def test_a_fix_passes_and_names_what_explained_the_deviation() -> None:
    other = expectation(id="other", outcome=(Outcome.CRASH,))
    judged = judge([SOURCE, FAITHFUL], [other, expectation()], on_record("refused"))
    assert (judged.judgement, judged.answer, judged.expectation) == (Judgement.PASSED, Answer.FIXED, expectation())


def test_what_passes_on_record_passes_though_an_expectation_covers_it() -> None:
    judged = judge([SOURCE, FAITHFUL], [expectation()], on_record("faithful 0.4"))
    assert judged == Judged(Judgement.PASSED, answer=Answer.SAME)


def test_drift_passes() -> None:
    judged = judge([SOURCE, FAITHFUL], [], on_record("exact 0"))
    assert (judged.judgement, judged.answer) == (Judgement.PASSED, Answer.SAME)
    noisy = replace(FAITHFUL, metrics=Metrics(units=9.0))
    judged = judge([SOURCE, noisy], [], on_record("faithful 0.5"))
    assert (judged.judgement, judged.answer, judged.recorded) == (
        Judgement.PASSED,
        Answer.DRIFT,
        RecordNote(1, "faithful 0.5"),
    )


def test_of_what_is_not_on_record_expectations_decide() -> None:
    assert judge([SOURCE, REFUSED], [], [EXACT, ()]).judgement is Judgement.FAILED
    assert judge([SOURCE, REFUSED], [expectation()], [EXACT, ()]).judgement is Judgement.EXPECTED
    gone = judge([SOURCE, FAITHFUL], [expectation()], [EXACT, ()])
    assert (gone.judgement, gone.answer) == (Judgement.FAILED, Answer.NEW)


def test_what_is_known_to_be_random_is_not_held_to_the_record() -> None:
    """It passes by chance, deviates by numbers of any size, and may not become another deviation."""
    chance = expectation(outcome=(Outcome.DIVERGENT,), random=True)
    for stage, judgement in (
        (FAITHFUL, Judgement.PASSED),
        (DIVERGENT, Judgement.EXPECTED),
        (REFUSED, Judgement.FAILED),
    ):
        for cell in ("divergent 3", "faithful 0.5"):
            judged = judge([SOURCE, stage], [chance], on_record(cell))
            assert (judged.judgement, judged.answer) == (judgement, Answer.NEW)
    elsewhere = expectation(outcome=(Outcome.DIVERGENT,), blame=("source",), random=True)
    assert judge([SOURCE, DIVERGENT], [elsewhere], on_record("faithful 0.5")).answer is Answer.REGRESSION


# Who speaks of a case


def case_of(*layers: Layer, subject: str) -> Case:
    spec = Spec("keras", (Input("x", (4, 3)),), layers, (layers[-1].name,))
    return Case(spec, subject, {"mask": "hole"}, {}, (Sample({"x": np.array([[[np.inf] * 3] * 4], np.float32)}),))


GRU = Layer("GRU", "gru", {"units": 2}, ("x",))
DENSE = Layer("Dense", "dense", {"units": 5}, ("gru",))


def speaking(case: Case, *expectations: Expectation, hops: tuple[str, ...] = ("tf2onnx",)) -> list[Expectation]:
    route = "-".join(["keras", *hops])
    return speaking_of(case, route, of_route(route, hops, expectations))


def test_expectations_of_the_layer_and_the_route_speak() -> None:
    one, other = expectation(), expectation(id="other", layer=("L*", "G*"))
    case = case_of(GRU, subject="GRU")
    assert speaking(case, one, other) == [one, other]
    assert speaking(case, expectation(layer=("LSTM",))) == []
    assert speaking(case, one, hops=("kerasexport",)) == []


def test_expectation_speaks_of_converters_on_the_route_only() -> None:
    case = case_of(GRU, subject="GRU")
    later = expectation(route="*", blame=("onnx2torch",))
    assert speaking(case, later) == []
    assert speaking(case, later, hops=("tf2onnx", "onnx2torch")) == [later]
    of_the_source = expectation(route="*", blame=("source",))
    assert speaking(case, of_the_source, hops=()) == [of_the_source]


def test_conditions_are_about_arguments_choices_and_facts() -> None:
    """The case's `mask`, its layer's `units`, and its inputs' infinities; an argument stands before a fact."""
    case = case_of(GRU, subject="GRU")
    for when in ({"mask": ["hole"]}, {"units": [2]}, {"infinity": ["positive"]}, {"input_rank": [3]}):
        assert len(speaking(case, expectation(when=when))) == 1
    for when in ({"mask": ["none"]}, {"units": [5]}, {"infinity": ["none"]}, {"input_rank": [2]}):
        assert speaking(case, expectation(when=when)) == []
    named = case_of(Layer("GRU", "gru", {"infinity": "mine"}, ("x",)), subject="GRU")
    assert len(speaking(named, expectation(when={"infinity": ["mine"]}))) == 1


def test_what_is_known_of_a_layer_may_speak_of_a_model() -> None:
    """As one that speaks of some cases only: the layer may be there and the model pass."""
    model = case_of(GRU, DENSE, subject="Chain")
    of_the_model = expectation(id="model", layer=("Chain",))
    of_a_layer = expectation(id="layer")
    of_a_message = expectation(id="message", layer=("Dense",), says="no Dense")
    assert [(item.id, item.says) for item in speaking(model, of_a_message, of_a_layer, of_the_model)] == [
        ("model", ""),
        ("layer", ".*"),
        ("message", "no Dense"),
    ]
    assert speaking(model, expectation(layer=("LSTM",))) == []
    assert speaking(model, of_a_layer, hops=("kerasexport",)) == []


def test_conditions_on_a_layer_of_a_model_are_about_that_layer() -> None:
    """`units` is 2 of the GRU and 5 of the Dense; what the layer does not say is the model's."""
    model = case_of(GRU, DENSE, subject="Chain")
    assert len(speaking(model, expectation(when={"units": [2]}))) == 1
    assert speaking(model, expectation(when={"units": [5]})) == []
    assert len(speaking(model, expectation(layer=("Dense",), when={"units": [5]}))) == 1
    assert len(speaking(model, expectation(when={"mask": ["hole"], "infinity": ["positive"]}))) == 1


def test_expectation_of_the_whole_and_of_a_layer_speaks_once() -> None:
    model = case_of(GRU, DENSE, subject="GRU")
    known = expectation()
    assert speaking(model, known) == [known]
    everything = expectation(layer=("*",))
    assert speaking(model, everything) == [everything]
