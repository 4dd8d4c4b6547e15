"""The walk: a case along a route, stage by stage, to a result. The only place that walks a route.

Every artifact on the way is run and judged. Routes of one case share their beginnings: an artifact that two
routes have in common is made and run once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.registry import Plugin, Registry
from harness.adapters.routes import Route
from harness.judge.compare import Verdict, compare, metrics_of
from harness.judge.expectations import Expectation
from harness.judge.facts import traits
from harness.judge.judgement import foreseen_of, judge
from harness.outcomes import Outcome, worst_outcome
from harness.results.events import ExpectationNote, Result, Stage
from harness.spec import Again, Array, Case
from harness.workers.pool import LIMIT, WorkerFailure, WorkerHang, Workers
from harness.workers.wire import pack_all, unpack

LEAST_LIMIT = 10.0
"""Seconds that a request may take at least when a walk is in a hurry."""
AGAIN = "runs, but not with "
"""How the message begins where the second inputs raise an exception."""
MESSAGE_LENGTH = 600
LAYERS_IN_LIMIT = 20
"""A model of more layers than that has so many times the limit for each request."""


@dataclass(frozen=True)
class Step:
    """One stage and the artifact it leaves for the next; None where there is none to go on with.

    `outputs` are what the artifact gave, `again` what it gave on the second inputs. The artifact lies in the walk's
    scratch folder until another case is walked.
    """

    stage: Stage
    artifact: Path | None
    outputs: tuple[Array | None, ...] = ()
    again: tuple[Array | None, ...] = ()


class Walk:
    """Walks cases along routes with warm workers. Artifacts of the case in hand live in a scratch folder."""

    def __init__(
        self,
        registry: Registry,
        workers: Workers,
        expectations: Sequence[Expectation] = (),
        *,
        limit: float = LIMIT,
    ) -> None:
        self.registry = registry
        self.workers = workers
        self.expectations = expectations
        self.limit = limit
        self.framework_seconds = 0.0
        self._case = ""
        self._size = 1.0
        self._steps: dict[tuple[str, ...], Step] = {}
        self._scratch = Path(tempfile.mkdtemp(prefix="parity-"))

    def close(self) -> None:
        """Remove the scratch folder."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    @contextmanager
    def hurried(self, stages: Sequence[Stage]) -> Iterator[None]:
        """A shorter limit where these stages end in a hang, so that many cases like theirs cost little: three times
        what the slowest of those that ended took. What hangs in a hurry may not hang with the whole limit."""
        whole = self.limit
        if stages[-1].outcome is Outcome.HANG:
            slowest = max((stage.seconds for stage in stages[:-1]), default=0.0)
            self.limit = min(whole, max(LEAST_LIMIT, 3 * slowest / self._size))  # grows with the model again
        try:
            yield
        finally:
            if self.limit != whole:
                self._case = ""  # what hung in a hurry is forgotten
            self.limit = whole

    def result(self, case: Case, route: Route) -> Result:
        """Walk one route. Raises ValueError for a case without golden or of another dialect."""
        steps = self.steps(case, route)
        metrics = None if case.labels is None else task_metrics(case, steps[-1].outputs)
        return self._judged(case, route, [step.stage for step in steps], metrics)

    def steps(self, case: Case, route: Route) -> list[Step]:
        """The stages of one route with their artifacts and outputs. Raises ValueError as `result` does."""
        if case.golden is None or not case.golden.expected:
            raise ValueError(f"case {case.id} has no golden")
        if case.spec.dialect != route.dialect:
            raise ValueError(
                f"case {case.id} is of dialect {case.spec.dialect!r}, route {route.name} of {route.dialect!r}"
            )
        self._begin(case)
        steps = [self._source(case, route)]
        for count in range(1, len(route.hops) + 1):
            artifact = steps[-1].artifact
            if artifact is None:
                break
            steps.append(self._converted(case, route, count, artifact))
        return steps

    def results(self, case: Case, routes: Iterable[Route]) -> list[Result]:
        """Walk several routes of one case, sharing what they share."""
        return [self.result(case, route) for route in routes]

    def _begin(self, case: Case) -> None:
        if self._case == case.id:
            return
        self._case = case.id
        self._size = max(1.0, len(case.spec.layers) / LAYERS_IN_LIMIT)
        self._steps.clear()
        for path in self._scratch.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _source(self, case: Case, route: Route) -> Step:
        key = (route.source.name,)
        if key not in self._steps:
            plugin = route.source
            path = self._scratch / f"source{plugin.suffix}"
            request = {
                "op": "write",
                "reference": plugin.reference,
                "spec": case.spec.to_json(),
                "weights": pack_all(case.weights),
                "path": str(path),
            }
            stage = Stage(artifact=plugin.name, outcome=Outcome.EXACT)
            self._steps[key] = self._made(case, stage, plugin, request, path)
        return self._steps[key]

    def _converted(self, case: Case, route: Route, count: int, artifact: Path) -> Step:
        hop = route.hops[count - 1]
        key = (route.source.name, *(each.name for each in route.hops[:count]))
        if key not in self._steps:
            target = self.registry.format(hop.target)
            out = self._scratch / ("-".join(key) + (target.suffix if target else f".{hop.target}"))
            request = {"op": "convert", "reference": hop.reference, "artifact": str(artifact), "out": str(out)}
            stage = Stage(artifact=hop.target, outcome=Outcome.EXACT, hop=hop.name)
            self._steps[key] = self._made(case, stage, hop, request, out)
        return self._steps[key]

    def _made(self, case: Case, stage: Stage, plugin: Plugin, request: Mapping[str, Any], out: Path) -> Step:
        """Make an artifact, then run it."""
        answer, failed = self._ask(stage, plugin, request, Outcome.REFUSED)
        if failed is not None:
            return Step(failed, None)
        if answer.get("path", out) is None:
            nothing = Verdict(Outcome.INVALID, f"{plugin.name} reported success but returned no path")
            return Step(_stage(stage, nothing, answer["seconds"]), None)
        path = Path(answer.get("path", out))
        if not path.exists():
            gone = Verdict(Outcome.INVALID, f"{plugin.name} reported success but wrote no file at {path.name}")
            return Step(_stage(stage, gone, answer["seconds"]), None)
        runtime = self.registry.runtime_of(stage.artifact)
        if runtime is None or (stage.hop is None and runtime.missing):
            return Step(self._read_back(case, stage, plugin, path, answer["seconds"]), path)
        named = Stage(artifact=stage.artifact, outcome=stage.outcome, hop=stage.hop, runtime=runtime.name)
        return self._run(case, named, runtime, path, answer["seconds"])

    def _run(self, case: Case, stage: Stage, runtime: Plugin, path: Path, seconds: float) -> Step:
        request = {
            "op": "run",
            "reference": runtime.reference,
            "artifact": str(path),
            "inputs": pack_all(case.inputs),
            "again": None if case.again is None else pack_all(case.again.inputs),
        }
        answer, failed = self._ask(stage, runtime, request, Outcome.INVALID, seconds)
        if failed is not None:
            return Step(failed, path)
        outputs = _unpacked(answer["outputs"])
        assert case.golden is not None
        verdict = compare(case.golden, outputs, answer["names"])
        if verdict.outcome.passes and not answer["repeats"]:
            verdict = Verdict(Outcome.DIVERGENT, "a second call on the same inputs gives other values")
        if case.again is not None and verdict.outcome.passes:
            verdict = max(verdict, _again(case, case.again, answer), key=lambda found: found.outcome.severity)
        again = _unpacked(answer.get("again", ()))
        return Step(_stage(stage, verdict, seconds + answer["seconds"]), path, outputs, again)

    def _read_back(self, case: Case, stage: Stage, plugin: Plugin, path: Path, seconds: float) -> Stage:
        """A source format without a runtime here is read back instead: it must hold what was written."""
        if stage.hop is not None:
            return _stage(stage, Verdict(Outcome.INVALID, f"no runtime for {stage.artifact} here"), seconds)
        request = {"op": "read", "reference": plugin.reference, "path": str(path)}
        answer, failed = self._ask(stage, plugin, request, Outcome.INVALID, seconds)
        if failed is not None:
            return failed
        same = dict(answer["weights"]) == pack_all(case.weights)
        verdict = Verdict(Outcome.EXACT) if same else Verdict(Outcome.MALFORMED, "read back, the weights are others")
        return _stage(stage, verdict, seconds + answer["seconds"])

    def _ask(
        self, stage: Stage, plugin: Plugin, request: Mapping[str, Any], otherwise: Outcome, spent: float = 0.0
    ) -> tuple[dict[str, Any], Stage | None]:
        """The answer, or the stage that says why there is none: `otherwise` is what an exception means."""
        worker = self.workers[plugin.worker]
        try:
            answer = worker.request(request, self.limit * self._size)
        except WorkerFailure as failure:
            self.framework_seconds += failure.seconds
            outcome = Outcome.HANG if isinstance(failure, WorkerHang) else Outcome.CRASH
            return {}, _stage(stage, Verdict(outcome, str(failure)), spent + failure.seconds, failure.log)
        self.framework_seconds += answer["seconds"]
        if answer["ok"]:
            return answer, None
        message = f"{answer['error']}: {answer['message']}".replace(f"{self._scratch}/", "")[:MESSAGE_LENGTH]
        return answer, _stage(stage, Verdict(otherwise, message), spent + answer["seconds"], answer["traceback"])

    def _judged(self, case: Case, route: Route, stages: list[Stage], metrics: Mapping[str, Any] | None) -> Result:
        outcome = worst_outcome([stage.outcome for stage in stages])
        config = case.config
        foreseen = foreseen_of(case, route.name, [hop.name for hop in route.hops], self.expectations)
        blame = blame_of(stages)
        verdict, message, spoke = judge(outcome, blame, stages, foreseen)
        note = None if spoke is None else ExpectationNote(spoke.id, spoke.outcome[0], spoke.reason, spoke.link)
        return Result(
            case=case.id,
            dialect=case.spec.dialect,
            layer=case.subject,
            profile=str(case.choice.get("profile", "main")),
            config=config,
            route=route.name,
            stages=tuple(stages),
            outcome=outcome,
            verdict=verdict,
            blame=blame,
            expectation=note,
            message=message,
            replay=f"parity replay {case.id} --route {route.name}"
            + ("" if route.opset is None else f" --opset {route.opset}"),
            metrics=metrics,
            traits={name: value for name, value in traits(case).items() if value is not None},
        )


def _unpacked(values: Sequence[Any]) -> tuple[Array | None, ...]:
    return tuple(None if value is None else unpack(value) for value in values)


def _again(case: Case, again: Again, answer: Mapping[str, Any]) -> Verdict:
    """The verdict on the second inputs, which says so: what only shows there was baked in at export."""
    assert case.golden is not None
    shapes = ", ".join(f"{name} {value.shape}" for name, value in again.inputs.items())
    if failed := answer.get("again_failed"):
        why = f"{failed['error']}: {failed['message']}"[:MESSAGE_LENGTH]
        return Verdict(Outcome.INVALID, f"{AGAIN}{shapes}: {why}")
    golden = replace(case.golden, expected=again.expected, noise=again.noise)
    verdict = compare(golden, _unpacked(answer["again"]))
    return verdict if verdict.outcome.passes else replace(verdict, message=f"with {shapes}: {verdict.message}")


def _stage(stage: Stage, verdict: Verdict, seconds: float, log: str = "") -> Stage:
    return Stage(
        artifact=stage.artifact,
        outcome=verdict.outcome,
        hop=stage.hop,
        runtime=stage.runtime,
        seconds=seconds,
        message=verdict.message,
        where=verdict.where,
        picture=verdict.picture,
        log=log[-2000:],
        **metrics_of(verdict),
    )


def task_metrics(case: Case, outputs: Sequence[Array | None]) -> dict[str, Any] | None:
    """What the difference means for a classifier: its first output are logits or probabilities (samples, classes).

    `top1_agreement` is the share of samples whose best class is the golden's, `accuracy` that whose best class
    is the label, `logits_max_abs` the largest error of an output; `confusion[i][j]` counts samples that the
    golden puts in class i and the route in class j. None where the route ended without outputs.
    """
    if case.golden is None or case.labels is None or not outputs or outputs[0] is None:
        return None
    expected = next(iter(case.golden.expected.values()))
    got = np.asarray(outputs[0])
    if got.shape != expected.shape:
        return None
    wanted, given = expected.argmax(axis=1), got.argmax(axis=1)
    confusion = np.zeros((expected.shape[1],) * 2, dtype=int)
    np.add.at(confusion, (wanted, given), 1)
    return {
        "logits_max_abs": float(np.abs(got - expected).max()),
        "top1_agreement": float((wanted == given).mean()),
        "accuracy": float((given == np.array(case.labels)).mean()),
        "confusion": confusion.tolist(),
    }


def blame_of(stages: Sequence[Stage]) -> str | None:
    """The hop of the first stage that does not pass and is worse than the one before it; `source` for the
    first; None on a route that passes."""
    before = Outcome.EXACT
    for stage in stages:
        if not stage.outcome.passes and stage.outcome.severity > before.severity:
            return stage.hop or "source"
        before = stage.outcome
    return None
