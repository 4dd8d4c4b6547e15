"""Walks a case along a route, stage by stage, to a result. No other module walks a route.

Every artifact on the way is run and judged. Routes of one case share their beginnings: an artifact that two routes have
in common is made and run once.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic

import numpy as np

from harness.adapters.plugin import CPU, PluginError
from harness.adapters.registry import Plugin, Registry
from harness.adapters.routes import Route
from harness.installed import older
from harness.judge.answers import Cells, answer_of
from harness.judge.compare import Comparison, compare
from harness.judge.evidence import evidence_of
from harness.judge.expectations import Expectation
from harness.judge.facts import facts
from harness.judge.judgement import is_random, judge, of_route, speaking_of
from harness.judge.record import Record
from harness.oracle.noise import in_tf32
from harness.outcomes import Outcome
from harness.results.device import DeviceNote
from harness.results.events import Answer, ExpectationNote, Judgement, Result, Stage
from harness.run.changes import Changes
from harness.run.selection import Selection
from harness.run.selection import again as again_alone
from harness.run.step import Keeper, Source, Step
from harness.spec import EMPTY_BATCH, Case, Sample
from harness.workers.footprint import Footprint, joined
from harness.workers.pool import LIMIT, WorkerFailure, WorkerHang, Workers
from harness.workers.protocol import A, Convert, Failure, Outputs, Ran, Read, Request, Run, Write, encode

LEAST_LIMIT = 10.0
"""Least limit of a request, in seconds, while a walk is hurried."""
AGAIN = "runs, but not with "
"""The beginning of a stage's message if its artifact raises an exception for the second inputs only."""
MESSAGE_LENGTH = 600
"""Most characters of an exception in a stage's message."""
SHORTAGE = re.compile(r"MemoryError|[Oo]ut of memory|allocate memory|ResourceExhausted|No space left")
"""In messages: the machine's memory or disk was too small."""
PACKAGE_MISSING = re.compile(r"No module named '(\w+)'")
"""The message of a ModuleNotFoundError for a package; one for a module of a package has a dot in the name."""
LAYERS_IN_LIMIT = 20
"""Layers of a model for which the limit of a request is meant; n times as many layers get n times the limit."""


class LacksPackage(PluginError):
    """A converter of another package imports something that is not installed."""


class Walk:
    """Walks cases along routes. Workers stay warm; the artifacts of the current case lie in a scratch folder.

    A step that one of the `sources` has is not walked; a step that is walked is offered to the keepers among them.
    `given` are the versions with which the first stages of routes were walked that a pack gives. Of converters with
    `changes`, results name the changed functions that were entered. `again` makes the command that shows a case on a
    route again.
    """

    def __init__(
        self,
        registry: Registry,
        workers: Workers,
        expectations: Sequence[Expectation] = (),
        *,
        record: Record | None = None,
        sources: Iterable[Source] = (),
        given: Mapping[str, str] | None = None,
        limit: float = LIMIT,
        changes: Changes | None = None,
        again: Callable[[str, Route], str] | None = None,
    ) -> None:
        self.registry = registry
        self._again = again or partial(again_alone, Selection())
        self.workers = workers
        self.expectations = expectations
        self._of_route: dict[str, tuple[Sequence[Expectation], list[Expectation]]] = {}
        self._spoken: tuple[tuple[Case, str, Sequence[Expectation]] | None, list[Expectation]] = (None, [])
        self.record = record or Record()
        self._older = older(self.record.versions)
        self._older_where_given = older(self.record.versions, given) if given else self._older
        self.sources = tuple(sources)
        self._keepers = [source for source in self.sources if isinstance(source, Keeper)]
        self.limit = limit
        self.changes = changes or Changes()
        self._entered: Footprint = {}
        self.framework_seconds = 0.0
        self._coarse: tuple[Case, Case] | None = None
        self._case = ""
        self._size = 1.0
        self._hurries = False
        self._steps: dict[tuple[str, ...], Step] = {}
        self._scratch = Path(tempfile.mkdtemp(prefix="parity-"))

    def close(self) -> None:
        """Remove the scratch folder."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    @contextmanager
    def hurried(self, stages: Sequence[Stage]) -> Iterator[None]:
        """Within this context, a hang is not tried again, and cases like one whose `stages` end in a hang have a
        shorter limit.

        The limit is three times the longest time of the other stages, at least `LEAST_LIMIT`. A case that hangs within
        it may still end within the whole limit. Without a hang the limit stays.
        """
        whole = self.limit
        self._hurries = True
        if stages[-1].outcome is Outcome.HANG:
            slowest = max((stage.seconds for stage in stages[:-1]), default=0.0)
            self.limit = min(whole, max(LEAST_LIMIT, 3 * slowest / self._size))  # grows with the model again
        try:
            yield
        finally:
            if self.limit != whole:
                self._case = ""  # so that the steps of a hurried walk are not reused
            self.limit = whole
            self._hurries = False

    def result(self, case: Case, route: Route) -> Result:
        """Walk one route. Raises ValueError if the case has no golden, or the route another dialect."""
        steps = self._steps_of(case, route)
        stages = [step.stage for step in steps]
        recorded = self._recorded(case, route, stages, with_empty_batch=True)
        result = self._judged(case, route, stages, recorded, task_metrics(case, steps[-1].outputs))
        return replace(result, entered=self._changed_in(steps))

    def _changed_in(self, steps: Iterable[Step]) -> tuple[str, ...]:
        """The changed functions that these steps entered."""
        return self.changes.entered(step.entered for step in steps if step.entered is not None)

    def compared(self, case: Case, stage: Stage, outputs: Sequence[Outputs]) -> Stage:
        """The stage as it would end with these outputs of each sample."""
        return _ended(stage, _compared(case, Ran(tuple(outputs), None, repeats=True)), stage.seconds)

    def speaking_of(self, case: Case, route: Route) -> list[Expectation]:
        """The expectations that cover a case on a route. Those of the route, and of the last case, are remembered: a
        walk asks for every result more than once."""
        asked, answer = self._spoken
        if asked is None or asked[0] is not case or asked[1] != route.name or asked[2] is not self.expectations:
            every, known = self._of_route.get(route.name, ((), []))
            if every is not self.expectations:
                known = of_route(route.plain_name, [hop.name for hop in route.hops], self.expectations)
                self._of_route[route.name] = self.expectations, known
            answer = speaking_of(case, route.plain_name, known)
            self._spoken = (case, route.name, self.expectations), answer
        return answer

    def is_random(self, case: Case, route: Route, stages: Sequence[Stage]) -> bool:
        """Whether the last stage is known to be random, by an expectation or by several cells on record."""
        cells = self._recorded(case, route, stages)[-1]
        return len(cells) > 1 or is_random(stages[-1], self.speaking_of(case, route))

    def judgement(self, case: Case, route: Route, stages: Sequence[Stage]) -> Judgement:
        """The judgement on a route whose stages ended like this."""
        recorded = self._recorded(case, route, stages, with_empty_batch=True)
        return judge(stages, self.speaking_of(case, route), recorded).judgement

    def apart(self, case: Case, route: Route) -> tuple[Result, ...]:
        """The result of one route; where the empty batch fails at a stage that is otherwise as it was, two results.

        The first leaves the empty batch out, so that its failure hides no other stage. The second is that of the empty
        batch, with `+empty` at the end of its case's id; it comes too where the record has one.
        """
        steps = self._steps_of(case, route)
        if all(step.rest is None for step in steps) and not self._has_empty_batch_on_record(case, route):
            return (self.result(case, route),)
        rests = [step.rest or step.stage for step in steps]
        stages = [step.stage for step in steps]
        recorded = self._recorded(case, route, rests)
        with_empty = self._recorded(case, route, stages, with_empty_batch=True)
        rest = self._judged(case, route, rests, recorded, task_metrics(case, steps[-1].outputs))
        rest = replace(rest, entered=self._changed_in(steps))
        return rest, replace(self._judged(case, route, stages, with_empty), case=case.id + EMPTY_BATCH)

    def steps(self, case: Case, route: Route) -> list[Step]:
        """The stages of one route with their artifacts and outputs. Raises ValueError as `result` does."""
        steps = self._steps_of(case, route)
        for place, step in enumerate(steps):
            self._fetch(case, route, place, step)
        return steps

    def _steps_of(self, case: Case, route: Route) -> list[Step]:
        """The stages of one route. The artifacts of those that a source gave need not be there."""
        if case.golden is None or not case.golden.expected:
            raise ValueError(f"case {case.id} has no golden")
        if case.spec.dialect != route.dialect:
            raise ValueError(
                f"case {case.id} is of dialect {case.spec.dialect!r}, route {route.name} of {route.dialect!r}"
            )
        self._begin(case)
        steps = [self._step(case, route, 0)]
        while steps[-1].artifact is not None and len(steps) <= len(route.hops):
            steps.append(self._step(case, route, len(steps)))
        return steps

    def _step(self, case: Case, route: Route, place: int) -> Step:
        """The step behind `place` hops; common steps of routes are walked once."""
        key = self._key(route, place)
        if key not in self._steps:
            given = next(filter(None, (each.find(case, route, place, self._scratch) for each in self.sources)), None)
            if given is not None and route.anew and place == route.given - 1:
                given = self._run_anew(case, route, place, given)
            if given is not None and given.entered is None and self.changes.concern(route, place):
                given = None  # it was kept by a run that did not ask
            self._steps[key] = given or self._walked(case, route, place)
        return self._steps[key]

    def _run_anew(self, case: Case, route: Route, place: int, given: Step) -> Step:
        """A given step with what its artifact gives here; where it has none, as it was."""
        if given.artifact is None:
            return given
        assert self._fetch(case, route, place, given), f"the pack has no artifact of {case.id}"
        stage = Stage(artifact=given.stage.artifact, outcome=Outcome.EXACT, hop=given.stage.hop)
        return self._made(case, stage, route.chains[place][1][-1], given.artifact, 0.0)

    @staticmethod
    def _key(route: Route, place: int) -> tuple[str, ...]:
        return (route.source.name, *(hop.name for hop in route.hops[:place]))

    def _walked(self, case: Case, route: Route, place: int) -> Step:
        """The step behind `place` hops, walked, and offered to the sources."""
        before = self._step(case, route, place - 1) if place else None
        if before is not None and not self._fetch(case, route, place - 1, before):
            before = self._walked(case, route, place - 1)  # another process has removed the artifact meanwhile
            self._steps[self._key(route, place - 1)] = before
        there = set(self._scratch.iterdir()) if self._keepers else set()
        self._entered = {}
        step = self._source(case, route) if before is None else self._converted(case, route, place, before)
        if self.changes.concern(route, place):
            step = replace(step, entered=self._entered)
        if self._keepers and self._lasts(case, route, place, step):
            files = sorted(set(self._scratch.iterdir()) - there)
            for keeper in self._keepers:
                keeper.keep(case, route, place, step, files)
        return step

    def _fetch(self, case: Case, route: Route, place: int, step: Step) -> bool:
        """Have the artifact of a step at hand, if it has one. False if no source has it any more."""
        if step.artifact is None or not step.stage.kept or step.artifact.exists():
            return True
        for source in self.sources:
            with suppress(KeyError):
                source.fetch(case, route, place, self._scratch)
                return step.artifact.exists()
        return False

    def _lasts(self, case: Case, route: Route, place: int, step: Step) -> bool:
        """Whether another run would see the same: not what is random, nor what may be the machine's fault, such as a
        crash that is not on record, or a failure of what passed."""
        steps = [self._step(case, route, before) for before in range(place)] + [step]
        rests = [each.rest or each.stage for each in steps]
        if not self._last(case, route, rests, self._recorded(case, route, rests)):
            return False
        stages = [each.stage for each in steps]
        return stages == rests or self._last(
            case, route, stages, self._recorded(case, route, stages, with_empty_batch=True)
        )

    def _last(self, case: Case, route: Route, stages: Sequence[Stage], recorded: Sequence[Cells]) -> bool:
        speaking = self.speaking_of(case, route)
        return all(
            len(cells) < 2 and not is_random(stage, speaking) and self._is_lasting(stage, answer_of(stage, cells))
            for stage, cells in zip(stages, recorded, strict=True)
        )

    def _is_lasting(self, stage: Stage, answer: Answer) -> bool:
        if stage.outcome in (Outcome.CRASH, Outcome.HANG) or SHORTAGE.search(stage.message):
            return answer is Answer.SAME and not (self._hurries and stage.outcome is Outcome.HANG)
        return answer not in (Answer.REGRESSION, Answer.CHANGED)

    def _has_empty_batch_on_record(self, case: Case, route: Route) -> bool:
        return any(self.record.at(case.id + EMPTY_BATCH, chain) for chain, _ in route.chains)

    def _recorded(
        self, case: Case, route: Route, stages: Sequence[Stage], *, with_empty_batch: bool = False
    ) -> list[Cells]:
        """The cells of each stage: none where what it needs is installed in an older version than the record's."""
        cells: list[Cells] = []
        for chain, plugins in route.chains[: len(stages)]:
            before, behind = plugins[: route.given], plugins[route.given :]
            is_older = self._needed(before) & self._older_where_given or self._needed(behind) & self._older
            if route.anew:
                runs = {name for part in self._runtimes_of(before[-1:]) for name in part.distributions}
                is_older |= runs & self._older
            known = () if is_older else self.record.at(case.id, chain)
            if with_empty_batch and known:
                known = self.record.at(case.id + EMPTY_BATCH, chain) or known
            cells.append(known)
        return cells

    def _needed(self, plugins: Iterable[Plugin]) -> set[str]:
        """The distributions that these plugins and the runtimes of what they make need."""
        plugins = tuple(plugins)
        return {name for part in (*plugins, *self._runtimes_of(plugins)) for name in part.distributions}

    def _runtimes_of(self, plugins: Iterable[Plugin]) -> list[Plugin]:
        formats = (plugin.target or plugin.name for plugin in plugins)
        return [runtime for name in formats if (runtime := self.registry.runtime_of(name)) is not None]

    def results(self, case: Case, routes: Iterable[Route]) -> list[Result]:
        """Walk several routes of one case; common stages are walked once."""
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
        plugin = route.source
        path = self._scratch / f"source{plugin.suffix}"
        stage = Stage(artifact=plugin.name, outcome=Outcome.EXACT)
        wrote = self._ask(stage, plugin, Write(plugin.reference, case.spec, case.weights, path), Outcome.REFUSED)
        return Step(wrote, None) if isinstance(wrote, Stage) else self._made(case, stage, plugin, path, wrote.seconds)

    def _converted(self, case: Case, route: Route, place: int, before: Step) -> Step:
        hop = route.hops[place - 1]
        target = self.registry.format(hop.target)
        name = "-".join(self._key(route, place))
        out = self._scratch / (name + (target.suffix if target else f".{hop.target}"))
        stage = Stage(artifact=hop.target, outcome=Outcome.EXACT, hop=hop.name)
        assert before.artifact is not None, f"{case.id} ended at {before.stage.by} this time, and went on before"
        converted = self._ask(stage, hop, Convert(hop.reference, before.artifact, out), Outcome.REFUSED)
        if isinstance(converted, Stage):
            return Step(converted, None)
        return self._made(case, stage, hop, converted.value, converted.seconds)

    def _made(self, case: Case, stage: Stage, plugin: Plugin, path: Path | None, seconds: float) -> Step:
        """Run the artifact that a format or hop reported, if it exists."""
        if path is None:
            nothing = Comparison(Outcome.INVALID, f"{plugin.name} reported success but returned no path")
            return Step(_ended(stage, nothing, seconds), None)
        if not path.exists():
            gone = Comparison(Outcome.INVALID, f"{plugin.name} reported success but wrote no file at {path.name}")
            return Step(_ended(stage, gone, seconds), None)
        runtime = self.registry.runtime_of(stage.artifact)
        if runtime is None or (stage.hop is None and runtime.missing):
            return Step(self._read_back(case, stage, plugin, path, seconds), path)
        return self._run(self._seen_by(runtime, case), replace(stage, runtime=runtime.name), runtime, path, seconds)

    def _seen_by(self, runtime: Plugin, case: Case) -> Case:
        """The case with the noise scale of a runtime's arithmetic: goldens have that of float32."""
        if not runtime.tf32:
            return case
        if self._coarse is None or self._coarse[0] is not case:
            self._coarse = case, in_tf32(case)
        return self._coarse[1]

    def _run(self, case: Case, stage: Stage, runtime: Plugin, path: Path, seconds: float) -> Step:
        request = Run(runtime.reference, path, tuple(sample.inputs for sample in case.samples))
        answered = self._ask(stage, runtime, request, Outcome.INVALID, seconds)
        rest = replace(case, samples=tuple(sample for sample in case.samples if not sample.is_empty))
        if isinstance(answered, Stage):
            answered = self._noted(case, answered, runtime, path, None)
            if answered.outcome not in (Outcome.CRASH, Outcome.HANG) or rest.samples == case.samples:
                return Step(answered, path)
            step = self._run(rest, stage, runtime, path, seconds)  # perhaps the empty batch killed it
            return replace(step, stage=answered, rest=step.stage if step.stage.outcome.passes else None)
        ran = answered.value
        outputs = tuple(() if isinstance(each, Failure) else each for each in ran.outputs)
        compared = _compared(case, ran)
        evidence = evidence_of(compared, case.samples, outputs)
        ended = replace(_ended(stage, compared, answered.seconds), evidence=evidence)
        ended = self._noted(case, ended, runtime, path, ran.device)
        if ended.outcome.passes or rest.samples == case.samples:
            return Step(ended, path, outputs)
        kept = tuple(each for sample, each in zip(case.samples, ran.outputs, strict=True) if not sample.is_empty)
        bare = replace(ended, log="", evidence=None)
        without = _ended(bare, _compared(rest, replace(ran, outputs=kept)), answered.seconds)
        return Step(ended, path, outputs, without if without.outcome.passes else None)

    def _noted(self, case: Case, stage: Stage, runtime: Plugin, path: Path, ran_on: Mapping[str, Any] | None) -> Stage:
        """The stage with a note of the device it ran on, and, if it does not pass, of what the CPU makes of it."""
        if runtime.device == CPU:
            return stage
        note = DeviceNote(asked=runtime.device, **(ran_on or {"reason": "it did not run"}))
        witness = self.registry.witness_of(stage.artifact)
        if stage.outcome.passes or witness is None or witness.missing:
            return replace(stage, device=note)
        request = Run(witness.reference, path, tuple(sample.inputs for sample in case.samples))
        answered = self._ask(stage, witness, request, Outcome.INVALID)
        on_cpu = answered.outcome if isinstance(answered, Stage) else _compared(case, answered.value).outcome
        message = f"{stage.message}; on the CPU it is {on_cpu}"
        return replace(stage, device=replace(note, on_cpu=on_cpu), message=message)

    def _read_back(self, case: Case, stage: Stage, plugin: Plugin, path: Path, seconds: float) -> Stage:
        """The stage of a source format without a runtime here: read back, the file must hold the same weights."""
        if stage.hop is not None:
            return _ended(stage, Comparison(Outcome.INVALID, f"no runtime for {stage.artifact} here"), seconds)
        answered = self._ask(stage, plugin, Read(plugin.reference, path), Outcome.INVALID, seconds)
        if isinstance(answered, Stage):
            return answered
        same = encode(dict(answered.value.weights)) == encode(dict(case.weights))
        other = Comparison(Outcome.MALFORMED, "read back, the weights are others")
        return _ended(stage, Comparison(Outcome.EXACT) if same else other, answered.seconds)

    def _ask(
        self, stage: Stage, plugin: Plugin, request: Request[A], otherwise: Outcome, spent: float = 0.0
    ) -> _Answered[A] | Stage:
        """The answer, or the stage that ends without one; its outcome is `otherwise` after an exception.

        Raises LacksPackage, because it says nothing about the case.
        """
        worker = self.workers[plugin.worker]
        try:
            answer = (worker.request if self._hurries else worker.insist)(request, self.limit * self._size)
        except WorkerFailure as failure:
            self.framework_seconds += failure.seconds
            outcome = Outcome.HANG if isinstance(failure, WorkerHang) else Outcome.CRASH
            return _ended(stage, Comparison(outcome, str(failure)), spent + failure.seconds, failure.log)
        self.framework_seconds += answer.seconds
        self._entered = joined(self._entered, answer.entered)
        if not isinstance(answer.value, Failure):
            return _Answered(answer.value, spent + answer.seconds)
        if not plugin.is_ours:
            _check_complete(plugin, answer.value)
        message = answer.value.sentence.replace(f"{self._scratch}/", "")[:MESSAGE_LENGTH]
        return _ended(stage, Comparison(otherwise, message), spent + answer.seconds, answer.value.traceback)

    def _judged(
        self,
        case: Case,
        route: Route,
        stages: Sequence[Stage],
        recorded: Sequence[Cells],
        task: Mapping[str, Any] | None = None,
    ) -> Result:
        judged = judge(stages, self.speaking_of(case, route), recorded)
        item = judged.expectation
        return Result(
            case=case.id,
            dialect=case.spec.dialect,
            layer=case.subject,
            profile=str(case.choice.get("profile", "main")),
            config=case.config,
            route=route.name,
            stages=tuple(stages),
            judgement=judged.judgement,
            expectation=None if item is None else ExpectationNote(item.id, item.outcome[0], item.reason, item.link),
            answer=judged.answer,
            recorded=judged.recorded,
            message=judged.message,
            replay=self._again(case.id, route),
            task=task,
            facts={name: value for name, value in facts(case).items() if value is not None},
        )


@dataclass(frozen=True)
class _Answered(Generic[A]):
    """The value of a worker's answer, and the seconds that the stage has taken so far."""

    value: A
    seconds: float


def _compared(case: Case, ran: Ran) -> Comparison:
    """The worst comparison of all samples; of equally bad ones, that of the first sample."""
    (sample, *others), (outputs, *further) = case.samples, ran.outputs
    assert sample.golden is not None
    assert not isinstance(outputs, Failure)
    comparison = compare(sample.golden, outputs, ran.names)
    if comparison.outcome.passes and not ran.repeats:
        comparison = Comparison(Outcome.DIVERGENT, "a second call on the same inputs gives other values")
    for number, (other, answer) in enumerate(zip(others, further, strict=True), start=1):
        if comparison.outcome.passes:
            again = replace(_compared_again(other, answer), sample=number)
            comparison = max(comparison, again, key=lambda one: one.outcome.severity)
    if comparison.outcome.passes and ran.overwrites:
        comparison = Comparison(Outcome.MUTATING, f"the call writes into its inputs {', '.join(ran.overwrites)}")
    return comparison


def _compared_again(sample: Sample, outputs: Outputs | Failure) -> Comparison:
    """The comparison of a further sample; its message names the sample's shapes. A deviation that shows only here was
    baked in at export."""
    assert sample.golden is not None
    shapes = ", ".join(f"{name} {value.shape}" for name, value in sample.inputs.items())
    if isinstance(outputs, Failure):
        return Comparison(Outcome.INVALID, f"{AGAIN}{shapes}: {outputs.sentence[:MESSAGE_LENGTH]}")
    comparison = compare(sample.golden, outputs)
    if comparison.outcome.passes:
        return comparison
    return replace(comparison, message=f"with {shapes}: {comparison.message}")


def _check_complete(plugin: Plugin, failure: Failure) -> None:
    """Raise LacksPackage if the call of a plugin failed because a package is not installed."""
    missing = PACKAGE_MISSING.match(failure.message) if failure.error == ModuleNotFoundError.__name__ else None
    if missing:
        raise LacksPackage(
            f"it cannot run here: it imports {missing[1]}, which is not installed",
            where=plugin.reference,
            advice="Install it, or call this command in the folder that holds it",
        )


def _ended(stage: Stage, comparison: Comparison, seconds: float, log: str = "") -> Stage:
    """The stage with the outcome of its comparison."""
    return replace(
        stage,
        outcome=comparison.outcome,
        metrics=comparison.metrics,
        seconds=seconds,
        message=comparison.message,
        where=comparison.where,
        picture=comparison.picture,
        log=log[-2000:],
    )


def task_metrics(case: Case, outputs: Sequence[Outputs]) -> dict[str, Any] | None:
    """The metrics of a classifier, whose first output holds logits or probabilities of shape (samples, classes).

    `top1_agreement` is the share of samples for which golden and route choose the same class, `accuracy` the share for
    which the route chooses the label, `logits_max_abs` the largest absolute error of an output. `confusion[i][j]`
    counts samples of class i by the golden and class j by the route. None if the case has no labels or the route no
    outputs.
    """
    if case.golden is None or case.labels is None or not outputs or not outputs[0] or outputs[0][0] is None:
        return None
    expected = next(iter(case.golden.expected.values()))
    got = outputs[0][0]
    if got.shape != expected.shape:
        return None
    classes, classes_got = expected.argmax(axis=1), got.argmax(axis=1)
    confusion = np.zeros((expected.shape[1],) * 2, dtype=int)
    np.add.at(confusion, (classes, classes_got), 1)
    return {
        "logits_max_abs": float(np.abs(got - expected).max()),
        "top1_agreement": float((classes == classes_got).mean()),
        "accuracy": float((classes_got == np.array(case.labels)).mean()),
        "confusion": confusion.tolist(),
    }
