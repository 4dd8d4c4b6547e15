"""Judges a result: its stages against the record, then against the expectations that cover the case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from harness.judge.answers import Answered, Cells, answered
from harness.judge.expectations import Expectation, covering
from harness.judge.facts import facts
from harness.results.events import SOURCE, Answer, Judgement, RecordNote, Stage, fault_of
from harness.spec import Case


@dataclass(frozen=True)
class Judged:
    """The judgement of a result, its message, the expectation that decided or explains, and the record's answer."""

    judgement: Judgement
    message: str = ""
    expectation: Expectation | None = None
    answer: Answer = Answer.NEW
    recorded: RecordNote | None = None


def of_route(route: str, hops: Sequence[str], expectations: Iterable[Expectation]) -> list[Expectation]:
    """The expectations that may cover a case on a route of these hops: an expectation covers only routes through a
    converter that it blames."""
    names = (SOURCE, *hops)
    return [
        item for item in expectations if fnmatchcase(route, item.route) and any(item.blames(name) for name in names)
    ]


def speaking_of(case: Case, route: str, named: Sequence[Expectation]) -> list[Expectation]:
    """The expectations that cover the case on a route, of those that `of_route` gave for it."""
    config = {**facts(case), **case.config}
    whole = covering(named, case=case.id, route=route, layer=case.subject, config=config)
    if len(case.spec.layers) == 1:
        return whole
    # an expectation of a layer may explain a model that contains the layer
    parts = [
        item
        for layer in case.spec.layers
        for item in covering(named, case=case.id, route=route, layer=layer.kind, config={**config, **layer.config})
    ]
    return whole + [replace(item, says=item.says or ".*") for item in parts if item not in whole]


def judge(stages: Sequence[Stage], expectations: Sequence[Expectation], recorded: Sequence[Cells] = ()) -> Judged:
    """Judge the stages of a route by the cells of each on record, and by the expectations that cover its case.

    What the record knows does not fail, and what it knows otherwise is no matter of expectations: a regression and a
    change for the worse fail. Only of what is not on record do expectations decide. They explain the rest. Of the
    deviations only the stage at fault counts: later ones are its consequence. A stage whose outcome is known to be
    random is not held to the record. Nothing excuses a stage that did not run on the device that was asked for.
    """
    elsewhere = next((stage for stage in stages if stage.device and stage.device.trouble), None)
    if elsewhere is not None and elsewhere.device is not None:
        return Judged(Judgement.FAILED, f"{elsewhere.by} in {elsewhere.runtime}: {elsewhere.device.trouble}")
    cells = recorded or [()] * len(stages)
    held = [() if is_random(stage, expectations) else each for stage, each in zip(stages, cells, strict=True)]
    against = answered(stages, held)
    judged = _by_record(stages, expectations, against) or _by_expectations(stages, expectations)
    return replace(judged, answer=against.answer, recorded=against.note)


def is_random(stage: Stage, expectations: Iterable[Expectation]) -> bool:
    """Whether one of the expectations that cover the case knows this stage's outcome to be random."""
    return any(item.random and item.blames(stage.by) for item in expectations)


def _by_record(stages: Sequence[Stage], expectations: Sequence[Expectation], against: Answered) -> Judged | None:
    """The judgement where the record decides; None where the result, or its stage at fault, is not on record."""
    if against.fails:
        stage = stages[against.place]
        before = f"the record has {against.recorded} at {stage.by}"
        return Judged(Judgement.FAILED, f"{_WORDS[against.answer]}: {before}, now it is {_ending(stage)}")
    fault = fault_of(stages)
    if fault is None and against.answer is Answer.NEW:
        return None
    if fault is None:
        explained = _explained(stages[against.place], expectations, against) if against.answer is Answer.FIXED else None
        return Judged(Judgement.PASSED, "", explained)
    if against.fault is Answer.NEW:
        return None
    explaining = next((item for item in expectations if item.foresees(fault)), None)
    why = "on record, and no expectation explains it" if explaining is None else f"expected: {explaining.reason}"
    return Judged(Judgement.EXPECTED, f"{_ending(fault)} ({why})", explaining)


def _explained(stage: Stage, expectations: Sequence[Expectation], against: Answered) -> Expectation | None:
    """The expectation that explained what the record has at a stage; its message is not on record."""
    outcomes = {cell.outcome for cell in against.cells}
    return next((item for item in expectations if outcomes & set(item.outcome) and item.blames(stage.by)), None)


_WORDS = {Answer.REGRESSION: "regression", Answer.CHANGED: "changed for the worse"}


def _by_expectations(stages: Sequence[Stage], expectations: Sequence[Expectation]) -> Judged:
    fault = fault_of(stages)
    # an expectation with `says` need not hold for each case; the run as a whole checks its minimal case
    bound = next((item for item in expectations if not item.says and not item.random), None)
    if fault is None:
        if bound is None:
            return Judged(Judgement.PASSED)
        message = f"fixed upstream: remove this. The {_foreseen(bound)}, but the route passes"
        return Judged(Judgement.FAILED, message, bound)
    for item in expectations:
        if item.foresees(fault):
            return Judged(Judgement.EXPECTED, f"{_ending(fault)} (expected: {item.reason})", item)
    if bound is None:
        return Judged(Judgement.FAILED, _ending(fault))
    return Judged(Judgement.FAILED, f"{_foreseen(bound)}, but it is {_ending(fault)}", bound)


def _ending(stage: Stage) -> str:
    return f"{stage.outcome} at {stage.blamed}: {stage.message}"


def _foreseen(expectation: Expectation) -> str:
    outcomes, hops = " or ".join(expectation.outcome), " or ".join(expectation.blame)
    return f"expectation {expectation.id!r} says {outcomes} at {hops}"
