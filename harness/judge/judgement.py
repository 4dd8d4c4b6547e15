"""What a result means for the run: its stages against the expectations that speak of the case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.judge.expectations import Expectation, covering
from harness.judge.facts import facts
from harness.results.events import SOURCE, Judgement, Stage, fault_of
from harness.spec import Case


@dataclass(frozen=True)
class Judged:
    """What a result means for the run, the sentence that says so, and the expectation that decided, if one did."""

    judgement: Judgement
    message: str = ""
    expectation: Expectation | None = None


def speaking_of(case: Case, route: str, hops: Sequence[str], expectations: Iterable[Expectation]) -> list[Expectation]:
    """The expectations that speak of the case on a route of these hops."""
    config = {**facts(case), **case.config}
    # an expectation speaks of the converters it names, and of no other that happens to be on such a route
    named = [item for item in expectations if any(item.blames(name) for name in (SOURCE, *hops))]
    whole = covering(named, route=route, layer=case.subject, config=config)
    if len(case.spec.layers) == 1:
        return whole
    # of a model, what is known of any of its layers may be what happens
    parts = [
        item
        for layer in case.spec.layers
        for item in covering(named, route=route, layer=layer.kind, config={**config, **layer.config})
    ]
    return whole + [replace(item, says=item.says or ".*") for item in parts if item not in whole]


def judge(stages: Sequence[Stage], expectations: Sequence[Expectation]) -> Judged:
    """Judge the stages of a route by the expectations that speak of its case.

    An expectation speaks of the stage at fault; what its bad artifact does further on is its consequence.
    """
    fault = fault_of(stages)
    # one that speaks of some of its cases only is held to its minimal one by the run as a whole
    bound = next((item for item in expectations if not item.says), None)
    if fault is None:
        if bound is None:
            return Judged(Judgement.PASSED)
        message = f"fixed upstream: remove this. The {_foreseen(bound)}, but the route passes"
        return Judged(Judgement.FAILED, message, bound)
    happened = f"{fault.outcome} at {fault.by}: {fault.message}"
    for item in expectations:
        if item.foresees(fault):
            return Judged(Judgement.EXPECTED, f"{happened} (expected: {item.reason})", item)
    if bound is None:
        return Judged(Judgement.FAILED, happened)
    return Judged(Judgement.FAILED, f"{_foreseen(bound)}, but it is {happened}", bound)


def _foreseen(expectation: Expectation) -> str:
    outcomes, hops = " or ".join(expectation.outcome), " or ".join(expectation.blame)
    return f"expectation {expectation.id!r} says {outcomes} at {hops}"
