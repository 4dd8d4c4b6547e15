"""Judges a result: the stages of a route against the expectations that cover the case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.judge.expectations import Expectation, covering
from harness.judge.facts import facts
from harness.results.events import SOURCE, Judgement, Stage, fault_of
from harness.spec import Case


@dataclass(frozen=True)
class Judged:
    """The judgement of a result, its message, and the expectation that decided; None if none did."""

    judgement: Judgement
    message: str = ""
    expectation: Expectation | None = None


def speaking_of(case: Case, route: str, hops: Sequence[str], expectations: Iterable[Expectation]) -> list[Expectation]:
    """The expectations that cover the case on a route of these hops."""
    config = {**facts(case), **case.config}
    # an expectation covers only routes through a converter that it blames
    named = [item for item in expectations if any(item.blames(name) for name in (SOURCE, *hops))]
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


def judge(stages: Sequence[Stage], expectations: Sequence[Expectation]) -> Judged:
    """Judge the stages of a route by the expectations that cover its case.

    Only the stage at fault counts: later stages that deviate are its consequence.
    """
    fault = fault_of(stages)
    # an expectation with `says` need not hold for each case; the run as a whole checks its minimal case
    bound = next((item for item in expectations if not item.says), None)
    if fault is None:
        if bound is None:
            return Judged(Judgement.PASSED)
        message = f"fixed upstream: remove this. The {_foreseen(bound)}, but the route passes"
        return Judged(Judgement.FAILED, message, bound)
    ending = f"{fault.outcome} at {fault.by}: {fault.message}"
    for item in expectations:
        if item.foresees(fault):
            return Judged(Judgement.EXPECTED, f"{ending} (expected: {item.reason})", item)
    if bound is None:
        return Judged(Judgement.FAILED, ending)
    return Judged(Judgement.FAILED, f"{_foreseen(bound)}, but it is {ending}", bound)


def _foreseen(expectation: Expectation) -> str:
    outcomes, hops = " or ".join(expectation.outcome), " or ".join(expectation.blame)
    return f"expectation {expectation.id!r} says {outcomes} at {hops}"
