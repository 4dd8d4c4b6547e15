"""Adds graphs with the local and the propagated error of each node to results that people look at.

These are results that fail, and the minimal cases of expectations where their route ends with the fault. A trace takes
a tenth of a second and more for each
stage, so other results have none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.adapters.registry import Plugin
from harness.adapters.routes import Route
from harness.results.events import Judgement, Result, Stage
from harness.results.evidence import Evidence
from harness.run.kept import Kept
from harness.run.step import Step
from harness.run.walk import Walk
from harness.spec import EMPTY_BATCH, Case
from harness.trace.request import MODULES, Subject, TraceError, trace
from harness.trace.trace import Trace

MOST_NODES = 400
"""Most nodes of a graph that are shown."""
MOST_RESULTS = 200
"""Most results of one process that are traced; those that come later have no graphs."""


class Graphs:
    """Traces the stages of results. `kept` has the traces of earlier runs."""

    def __init__(self, walk: Walk, kept: Kept | None = None) -> None:
        self.walk = walk
        self.kept = kept
        self.results = 0
        self._traces: tuple[str, dict[tuple[str, int], Trace]] = ("", {})
        """The traces of the last case, by chain and sample: routes share their beginnings."""

    def added(self, case: Case, route: Route, result: Result) -> Result:
        """The result, with a graph for each of its stages that has one, if it is of those that people look at."""
        if not self._is_wanted(case, route, result):
            return result
        self.results += 1
        places = _Places(case, route, self.walk.steps(case, route), lasts=result.judgement is Judgement.EXPECTED)
        stages = (self._with_graph(places, number, stage) for number, stage in enumerate(result.stages))
        return replace(result, stages=tuple(stages))

    def _is_wanted(self, case: Case, route: Route, result: Result) -> bool:
        if result.fault is None or result.case.endswith(EMPTY_BATCH) or self.results >= MOST_RESULTS:
            return False
        if result.judgement is Judgement.FAILED:
            return True
        if result.stages[-1] is not result.fault:  # a shorter route ends with it, and shows it
            return False
        return any(item.case == case.id for item in self.walk.speaking_of(case, route))

    def _with_graph(self, places: _Places, number: int, stage: Stage) -> Stage:
        runtime = self.walk.registry.runtime_of(stage.artifact)
        if runtime is None or runtime.missing or stage.artifact not in MODULES:
            return stage
        if places.steps[number].artifact is None:
            return stage
        evidence = stage.evidence or Evidence()
        try:
            graph, note = self._trace(places, number, stage, runtime).graph(MOST_NODES)
        except TraceError as error:
            return replace(stage, evidence=replace(evidence, note=_joined(evidence.note, error.problem)))
        return replace(stage, evidence=replace(evidence, graph=graph, note=_joined(evidence.note, note)))

    def _trace(self, places: _Places, number: int, stage: Stage, runtime: Plugin) -> Trace:
        """The trace of a stage, on the inputs on which it is wrong. Raises TraceError."""
        tensor = stage.evidence.tensor if stage.evidence else None
        sample = tensor.sample if tensor else 0
        if self._traces[0] != places.case.id:
            self._traces = places.case.id, {}
        known, key = self._traces[1], (places.route.chains[number][0], sample)
        if key not in known:
            known[key] = self._kept_or_made(places, number, sample, runtime)
        return known[key]

    def _kept_or_made(self, places: _Places, number: int, sample: int, runtime: Plugin) -> Trace:
        case, route, what = places.case, places.route, f"trace on {sample}"
        if self.kept is not None and (data := self.kept.beside(case, route, number, what)):
            return Trace.from_plain(json.loads(data))
        made = trace(self.walk.workers[runtime.worker], places.subject(number, sample), self.walk.limit)
        if self.kept is not None and places.lasts:
            self.kept.keep_beside(case, route, number, what, json.dumps(made.to_plain()).encode())
        return made


@dataclass(frozen=True)
class _Places:
    """The steps of a case on a route. `lasts`: another run would see the same."""

    case: Case
    route: Route
    steps: Sequence[Step]
    lasts: bool

    def subject(self, number: int, sample: int) -> Subject:
        """The artifact of a step, with the inputs and outputs of a sample."""
        step, before = self.steps[number], self.steps[number - 1] if number else None
        told = self.case.samples[sample]
        assert step.artifact is not None
        return Subject(
            format=step.stage.artifact,
            artifact=step.artifact,
            inputs=told.inputs,
            spec=self.case.spec,
            weights=self.case.weights,
            outputs=tuple(told.golden.expected.values()) if told.golden else (),
            source=before.artifact if before and before.stage.artifact == "onnx" else None,
        )


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))
