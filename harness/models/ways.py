"""The ways of a user's model to PyTorch: each route from its file, walked on its inputs; the layers that break it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.adapters.plugin import Plugin
from harness.adapters.routes import Route
from harness.judge.compare import Comparison, compare, worst
from harness.judge.findings import Finding
from harness.judge.judgement import of_route
from harness.models.alone import LIMIT, Alone, Culprit, Given, Ground, Tried
from harness.models.counterpart import NAME as THEIRS
from harness.models.inside import Accused, accused, inside
from harness.models.origin import KERAS, ONNX, SAVED, TORCH, Origin
from harness.outcomes import Outcome
from harness.results.events import ExpectationNote, Judgement, Result, Stage
from harness.run.session import Session
from harness.run.step import Step
from harness.run.walk import Walk
from harness.spec import Array
from harness.workers.pool import WorkerFailure
from harness.workers.protocol import Call, Failure

OWN_WAY = "keras-program"
WAYS = {
    KERAS: (
        "keras-tf2onnx",
        "keras-tf2onnx-onnx2torch",
        "keras-tf2onnx-onnx2pytorch",
        "keras-kerasexport",
        "keras-kerasexport-onnx2torch",
        "keras-kerasexport-onnx2pytorch",
        "keras-kerastorch",
        "keras-kerastorch-kerastorchexport",
        OWN_WAY,
    ),
    "onnx": ("onnx-onnx2torch", "onnx-onnx2pytorch"),
}
"""The routes that are ways to PyTorch, or to ONNX on the way there."""
HOPS = {SAVED: ("harness.models.converters:SavedModelToOnnx",)}
"""Converters that only models of a format need."""
PROGRAM = "harness.models.converters:KerasToProgram"
"""Our own converter, which has no route in the corpus."""
OURS = {KERAS: (PROGRAM,)}
"""Converters of ours by the format that they start from; `WAYS` has their routes."""
MATLAB = {KERAS: ("keras-mat-octave",)}
"""The routes to MATLAB's layers, which are walked only where one asks for that."""
TENSORS = "harness.models.onnx_graph:tensors"
"""What a worker calls for the outputs of an ONNX file."""
WHOLE = "Model"
"""The layer of an expectation that is about models as such."""


@dataclass(frozen=True)
class Way:
    """One way: the result of its walk, the layers that break it, and the artifacts of its stages.

    A way that works may have a layer at fault too, where its outputs only drift: the model hides most of the error.
    """

    route: str
    result: Result
    culprits: tuple[Culprit, ...] = ()
    note: str = ""
    artifacts: tuple[Path | None, ...] = ()
    finding: Finding | None = None
    """The known defect of the optimisation that errs, if one does."""
    hidden: tuple[str, ...] = ()
    """Layers of which neither the outputs nor a tensor inside tell anything, on a way that works."""
    untried: tuple[str, ...] = ()
    """Layers that could not be tried alone, on a way that breaks."""

    @property
    def works(self) -> bool:
        return self.result.outcome.passes

    @property
    def arrives(self) -> bool:
        """Whether it does not work, and what it ends in is right: a file on the way breaks in its own runtime only."""
        stages = self.result.stages
        whole = len(stages) == len(self.artifacts) and self.artifacts[-1] is not None
        return not self.works and whole and stages[-1].outcome.passes

    @property
    def units(self) -> float | None:
        """Noise units of what it ends in."""
        return self.result.stages[-1].units

    @property
    def is_undecided(self) -> bool:
        """Whether the outputs agree, and a layer may be wrong behind them."""
        return (self.works or self.arrives) and bool(self.hidden)

    @property
    def known(self) -> str:
        """The known defect that explains it, with its upstream link; '' if none does."""
        told = (self.result.expectation, *(culprit.known for culprit in self.culprits))
        item, finding = next(filter(None, told), None), self.finding
        if item is not None:
            return f"{item.id}: {item.reason}" + (f" ({item.link})" if item.link else "")
        if finding is None:
            return ""
        fixed = f"; fixed in {finding.fixed_in}" if finding.fixed_in else ""
        return f"{finding.id}: {finding.cause}" + (f" ({finding.link}{fixed})" if finding.link else "")

    @property
    def blame(self) -> str:
        """The converter, or the runtime, that breaks it; '' where it works."""
        return "" if self.works else self.first.by if self.first else self.result.blame or ""

    @property
    def first(self) -> Culprit | None:
        """The layer to name first. A layer that the converter at fault breaks comes before layers that other converters
        break. A layer that only a later converter breaks is never first."""
        hops = self.route.split("-")
        reached = hops[: hops.index(self.result.blame) + 1] if self.result.blame in hops else hops
        possible = [
            culprit
            for culprit in self.culprits
            if (culprit.by not in hops or culprit.by in reached) and not self._is_another_fault(culprit)
        ]
        at_fault = (culprit for culprit in possible if culprit.by == self.result.blame)
        return next(at_fault, next(iter(possible), None))

    def _is_another_fault(self, culprit: Culprit) -> bool:
        """Whether a converter that refuses the whole model converts the layer alone, and wrongly."""
        fault = self.result.fault
        refuses = fault is not None and fault.outcome is Outcome.REFUSED and culprit.by == fault.blamed
        return refuses and culprit.outcome not in (None, Outcome.REFUSED)

    @property
    def known_as(self) -> str:
        """The id of that defect; '' if none explains it."""
        return "" if not self.known else self.known.partition(":")[0]


def to_add(route: str) -> tuple[str, ...]:
    """What `--hop` must name so that a command knows a way: our own converter, which no other command has."""
    return (PROGRAM,) if route == OWN_WAY else ()


def routes_of(session: Session, origin: Origin, form: str = "") -> list[Route]:
    """The ways that start from the model's format, whether they can run here or not: first those through converters
    that were named, then the usual ones. With `form` those that end in an artifact of this format."""
    chosen = set(session.selection.hops) - set(OURS.get(origin.source, ()))
    added = [
        route
        for route in session.every_route
        if route.source.name == origin.source
        and any(hop.reference in chosen for hop in route.hops)
        and len(set(route.formats)) == len(route.formats)  # a way back to a format is no way on
    ]
    named = {route.name: route for route in session.every_route}
    names = (*WAYS.get(origin.source, ()), *(MATLAB.get(origin.source, ()) if form else ()))
    usual = [named[name] for name in names if name in named]
    if origin.source == TORCH:
        source = Plugin("", TORCH, TORCH, (TORCH,), suffix=".pt", dialect=TORCH)  # no case of the corpus starts there
        usual = [Route(source, (hop,)) for hop in session.registry.hops if hop.source == TORCH]
    return [replace(route, given=1, anew=True) for route in (*added, *usual) if not form or route.formats[-1] == form]


def walked(ground: Ground, routes: Iterable[Route], told: Callable[[str], None]) -> Iterator[Way]:
    """Walk the ways that can run here, one after the other. `told` is called with what is being done."""
    with closing(_walk(ground)) as walk, closing(Alone(ground)) as alone:
        for route in routes:
            if not route.missing(ground.session.registry):
                told(route.name)
                yield _way(walk, alone, ground, route)


def _walk(ground: Ground) -> Walk:
    session = ground.session
    sources = (Given(ground.origin.file),)
    return Walk(session.registry, session.workers, session.expectations, sources=sources, limit=LIMIT)


def _way(walk: Walk, alone: Alone, ground: Ground, route: Route) -> Way:
    steps = walk.steps(ground.case, route)
    result = walk.result(ground.case, route)
    said = ""
    is_theirs = route.hops[0].name == THEIRS
    if is_theirs and len(steps) == len(route.hops) + 1:
        result, said = _by_meaning(ground, steps, result)
    found = Accused() if said else accused(ground, steps)
    finding = _finding_of(ground.session, found.optimiser)
    if found.optimiser is not None and found.place < len(route.hops) == len(steps) - 1:
        result, found = _past_optimisation(ground, steps, result, found)
    culprits, note, tried = found.culprits, found.note or said, Tried()
    passes = result.fault is None
    # what is known of the corpus explains, and excuses nothing
    result = replace(result, judgement=Judgement.PASSED if passes else Judgement.FAILED)
    tries_layers = ground.origin.source == KERAS and not is_theirs  # no layer alone has such a file
    if culprits and tries_layers:
        culprits = tuple(alone.with_piece(culprit, route) for culprit in culprits)
    elif not passes and tries_layers:
        tried = alone.tried(route, made=sum(step.artifact is not None for step in steps))
        culprits = tried.culprits
    if not passes and not culprits:
        culprits = _refused(ground, route, steps)
        note = "; ".join(filter(None, [note, "" if culprits else tried.note]))
    result = _known_as_a_whole(ground, route, result)
    hidden: tuple[str, ...] = ()
    if len(steps) == len(route.hops) + 1 and not passes and steps[-1].stage.outcome.passes:
        hidden = ground.hidden
    elif passes and not culprits and (ground.hidden or is_theirs):
        culprits, seen = inside(ground, steps)
        hidden = tuple(name for name in ground.hidden if name not in seen)
    elif passes:
        hidden = ground.hidden
    artifacts = _copied(steps, ground.folder / route.name)
    return Way(route.name, result, culprits, note, artifacts, finding, hidden, tried.untried)


def _known_as_a_whole(ground: Ground, route: Route, result: Result) -> Result:
    """The result with the known defect of models as such, where the message of the stage at fault is that of one."""
    fault = result.fault
    if fault is None or result.expectation is not None:
        return result
    items = of_route(route.plain_name, [hop.name for hop in route.hops], ground.session.expectations)
    item = next((item for item in items if WHOLE in item.layer and item.says and item.foresees(fault)), None)
    note = None if item is None else ExpectationNote(item.id, item.outcome[0], item.reason, item.link)
    return replace(result, expectation=note)


def _by_meaning(ground: Ground, steps: Sequence[Step], result: Result) -> tuple[Result, str]:
    """The result of a file of `--against` by what it says, in double precision, where ONNX Runtime computes something
    else of it; and a note of that."""
    step = steps[-1]
    if result.outcome is not Outcome.DIVERGENT or step.artifact is None:
        return result, ""
    plain = [dict(sample.inputs) for sample in ground.case.samples]
    call = Call("harness.models.sources:onnx_truth", (step.artifact, plain))
    try:
        value = ground.session.workers["onnxruntime"].request(call, LIMIT).value
    except WorkerFailure:
        return result, ""
    if isinstance(value, Failure) or value["fault"]:
        return result, ""
    found = _compared(ground, ([_single(each) for each, _ in outputs] for outputs in value["outputs"]))
    if not found.outcome.passes:
        return result, ""
    note = f"in ONNX Runtime it deviates: {step.stage.message}; judged by what the file says, in double precision"
    return replace(result, stages=(*result.stages[:-1], _ended(step.stage, found, "in double precision"))), note


def _ended(stage: Stage, comparison: Comparison, how: str) -> Stage:
    """The stage with another comparison than that of what its runtime gives; `how` says of what."""
    return replace(
        stage,
        outcome=comparison.outcome,
        metrics=comparison.metrics,
        message=f"{how}: {comparison.message}",
        where=comparison.where,
        picture=comparison.picture,
        evidence=None,
    )


def _past_optimisation(ground: Ground, steps: Sequence[Step], result: Result, found: Accused) -> tuple[Result, Accused]:
    """The result with the file as it is, which is right and only optimised wrongly, and what is at fault behind it."""
    stages = list(result.stages)
    stages[found.place] = _unoptimised(ground, steps[found.place])
    further = accused(ground, steps, found.place + 1)
    notes = f"on the way, in {stages[found.place].runtime}: {found.note}", further.note
    return replace(result, stages=tuple(stages)), replace(further, note="; ".join(filter(None, notes)))


def _unoptimised(ground: Ground, step: Step) -> Stage:
    """The stage of an ONNX file as ONNX Runtime runs it without optimisations; as it was if that fails."""
    outputs: list[list[Array]] = []
    for sample in ground.case.samples:
        call = Call(TENSORS, (step.artifact, dict(sample.inputs), (), False, False))
        try:
            value = ground.session.workers["onnxruntime"].request(call, LIMIT).value
        except WorkerFailure:
            return step.stage
        if isinstance(value, Failure):
            return step.stage
        outputs.append(list(value.values()))
    return _ended(step.stage, _compared(ground, outputs), "without optimisations")


def _compared(ground: Ground, outputs: Iterable[Sequence[Array]]) -> Comparison:
    """The worst comparison of what was computed for each sample with the truth."""
    goldens = [sample.golden for sample in ground.case.samples]
    pairs = zip(goldens, outputs, strict=True)
    return worst([compare(golden, given) for golden, given in pairs if golden is not None])


def _single(value: Array) -> Array:
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _finding_of(session: Session, optimiser: str | None) -> Finding | None:
    """The known defect of an optimisation: that of the function of its name."""
    name = (optimiser or "").replace("_", "").lower()
    known = (item for item in session.findings.findings if item.converter == "ONNX Runtime")
    return next((item for item in known if name and item.function.lower() == name), None)


def _copied(steps: Sequence[Step], folder: Path) -> tuple[Path | None, ...]:
    """The artifacts in a folder where they last; that of the source lies where it lies."""
    places: list[Path | None] = [step.artifact for step in steps[:1]]
    for step in steps[1:]:
        if step.artifact is None or not step.artifact.exists():
            places.append(None)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / step.artifact.name
        if step.artifact.is_dir():
            shutil.copytree(step.artifact, place, dirs_exist_ok=True)
        else:
            shutil.copy2(step.artifact, place)
        places.append(place)
    return tuple(places)


def _refused(ground: Ground, route: Route, steps: Sequence[Step]) -> tuple[Culprit, ...]:
    """The nodes that the converter refuses alone, where it refuses an ONNX file; none if they cannot be tried."""
    place = next(place for place, step in enumerate(steps) if not step.stage.outcome.passes)
    outcome, before = steps[place].stage.outcome, steps[place - 1].artifact
    if outcome is not Outcome.REFUSED or not place or before is None or steps[place - 1].stage.artifact != ONNX:
        return ()
    hop = route.hops[place - 1]
    layers = [layer.owner for layer in ground.origin.spec.layers] if ground.origin.source == KERAS else []
    call = Call("harness.models.sources:refused_nodes", (before, hop.reference, layers))
    try:
        value = ground.session.workers[hop.worker].request(call, LIMIT).value
    except WorkerFailure:
        return ()
    if isinstance(value, Failure):
        return ()
    kinds = {layer.name: layer.kind for layer in ground.origin.spec.layers}
    return tuple(
        Culprit(name, kinds.get(name, kind), hop.name, outcome=outcome, message=message)
        for name, kind, message in value
    )


def missing(session: Session, routes: Iterable[Route]) -> dict[str, str]:
    """Why the ways that cannot run here cannot, by name."""
    return {route.name: why for route in routes if (why := route.missing(session.registry))}
