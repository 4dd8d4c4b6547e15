"""What a result means for the run: the outcome of its stages against the expectations that speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.judge.expectations import Expectation, covering
from harness.judge.facts import traits
from harness.outcomes import Outcome
from harness.results.events import Judgement, Stage
from harness.spec import Case


def foreseen_of(case: Case, route: str, hops: Sequence[str], expectations: Iterable[Expectation]) -> list[Expectation]:
    """The expectations that speak of the case on a route of these hops."""
    facts = {**traits(case), **case.config}
    # an expectation speaks of the converters it names, and of no other that happens to be on such a route
    named = [item for item in expectations if any(item.blames(name) for name in ("source", *hops))]
    found = covering(named, route=route, layer=case.subject, config=facts)
    if len(case.spec.layers) > 1:  # of a model, what is known of any of its layers may be what happens
        some = [
            item
            for layer in case.spec.layers
            for item in covering(named, route=route, layer=layer.kind, config={**facts, **layer.config})
        ]
        found += [replace(item, says=item.says or ".*") for item in some if item not in found]
    return found


def judge(
    outcome: Outcome, blame: str | None, stages: Sequence[Stage], foreseen: Sequence[Expectation]
) -> tuple[Judgement, str, Expectation | None]:
    """What a result means for the run, the sentence that says so, and the expectation that decided.

    An expectation speaks of the stage at fault; what its bad artifact does further on is its consequence.
    """
    fault = next((stage for stage in stages if (stage.hop or "source") == blame), None)
    happened = f"{fault.outcome} at {blame}: {fault.message}" if fault else str(outcome)
    if not foreseen:
        return (Judgement.FAILED, happened, None) if fault else (Judgement.PASSED, "", None)
    if fault is not None:
        for item in foreseen:
            if item.foresees(fault.outcome, blame or "", fault.message):
                return Judgement.EXPECTED, f"{happened} (expected: {item.reason})", item
    # one that speaks of some of its cases only is held to its minimal one by the run as a whole
    bound = [item for item in foreseen if not item.says]
    if not bound:
        return (Judgement.FAILED, happened, None) if fault else (Judgement.PASSED, "", None)
    first = bound[0]
    said = f"expectation {first.id!r} says {' or '.join(first.outcome)} at {' or '.join(first.blame)}"
    if fault is None:
        return Judgement.FAILED, f"fixed upstream: remove this. The {said}, but the route passes", first
    return Judgement.FAILED, f"{said}, but it is {happened}", first
