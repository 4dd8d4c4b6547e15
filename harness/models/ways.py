"""The ways of a user's model to PyTorch: each route from its file, walked on its inputs; the layers that break it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.adapters.plugin import Plugin
from harness.adapters.routes import Route
from harness.judge.compare import Comparison, compare
from harness.judge.findings import Finding
from harness.models.alone import LIMIT, Alone, Culprit, Ground, by_keras
from harness.models.counterpart import NAME as THEIRS
from harness.models.guard import ModelError
from harness.models.origin import KERAS, ONNX, SAVED, TORCH, Origin
from harness.outcomes import Outcome
from harness.results.events import Judgement, Result, Stage
from harness.run.session import Session
from harness.run.step import Step
from harness.run.walk import Walk
from harness.spec import Array, Case
from harness.trace.noise import HALF
from harness.trace.trace import FAULT, Trace
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
TRACED = {
    "onnx": ("onnxruntime", "harness.trace.onnx_graph:answer"),
    "torch": ("torch", "harness.trace.torch_modules:answer"),
}
"""Worker and function of the trace of an artifact, by its format."""
TELLING = {Outcome.DRIFT, Outcome.DIVERGENT, Outcome.MALFORMED, Outcome.INVALID}
"""Outcomes of an artifact that a trace may explain."""


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

    @property
    def works(self) -> bool:
        return self.result.outcome.passes

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
        """The layer to name first: one that the converter at fault breaks, before those that later ones break."""
        at_fault = (culprit for culprit in self.culprits if culprit.by == self.result.blame)
        return next(at_fault, next(iter(self.culprits), None))

    @property
    def known_as(self) -> str:
        """The id of that defect; '' if none explains it."""
        return "" if not self.known else self.known.partition(":")[0]


def to_add(route: str) -> tuple[str, ...]:
    """What `--hop` must name so that a command knows a way: our own converter, which no other command has."""
    return (PROGRAM,) if route == OWN_WAY else ()


class Given:
    """A source of steps: the user's file in the place of the first artifact, which is not made but taken."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def find(self, case: Case, route: Route, place: int, scratch: Path) -> Step | None:
        if place:
            return None
        return Step(Stage(route.source.name, Outcome.EXACT, kept=True), self.file)

    def fetch(self, case: Case, route: Route, place: int, scratch: Path) -> None:
        """The file lies where it lies."""


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
    accused = _accused(ground, steps)
    finding = _finding_of(ground.session, accused.optimiser)
    if accused.optimiser is not None and accused.place < len(route.hops) == len(steps) - 1:
        result, accused = _past_optimisation(ground, steps, result, accused)
    culprits, note = accused.culprits, accused.note
    passes = result.fault is None
    # what is known of the corpus explains, and excuses nothing
    result = replace(result, judgement=Judgement.PASSED if passes else Judgement.FAILED)
    tries_layers = ground.origin.source == KERAS and route.hops[0].name != THEIRS  # no layer alone has such a file
    if culprits and tries_layers:
        culprits = tuple(alone.with_piece(culprit, route) for culprit in culprits)
    elif not passes and tries_layers:
        culprits, more = alone.culprits(route, made=sum(step.artifact is not None for step in steps))
        note = "; ".join(filter(None, [note, more]))
    if not passes and not culprits and ground.origin.source == ONNX:
        culprits = _refused(ground, route, steps)
    return Way(route.name, result, culprits, note, _copied(steps, ground.folder / route.name), finding)


def _past_optimisation(
    ground: Ground, steps: Sequence[Step], result: Result, accused: _Accused
) -> tuple[Result, _Accused]:
    """The result with the file as it is, which is right and only optimised wrongly, and what is at fault behind it."""
    stages = list(result.stages)
    stages[accused.place] = _unoptimised(ground, steps[accused.place])
    further = _accused(ground, steps, accused.place + 1)
    notes = f"on the way, in {stages[accused.place].runtime}: {accused.note}", further.note
    return replace(result, stages=tuple(stages)), replace(further, note="; ".join(filter(None, notes)))


def _unoptimised(ground: Ground, step: Step) -> Stage:
    """The stage of an ONNX file as ONNX Runtime runs it without optimisations; as it was if that fails."""
    found: list[Comparison] = []
    for sample in ground.case.samples:
        assert sample.golden is not None
        call = Call(TENSORS, (step.artifact, dict(sample.inputs), (), False, False))
        try:
            value = ground.session.workers["onnxruntime"].request(call, LIMIT).value
        except WorkerFailure:
            return step.stage
        if isinstance(value, Failure):
            return step.stage
        found.append(compare(sample.golden, list(value.values())))
    worst = max(found, key=lambda each: (each.outcome.severity, each.units or 0.0))
    return replace(
        step.stage,
        outcome=worst.outcome,
        metrics=worst.metrics,
        message=f"without optimisations: {worst.message}",
        where=worst.where,
        picture=worst.picture,
        evidence=None,
    )


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


@dataclass(frozen=True)
class _Accused:
    """The layers at fault in the artifact behind `place` hops, a note of what could not be measured or is fused, and
    the optimisation of the runtime that is at fault ('' if several are, None if none is)."""

    culprits: tuple[Culprit, ...] = ()
    note: str = ""
    place: int = 0
    optimiser: str | None = None


def _accused(ground: Ground, steps: Sequence[Step], start: int = 0) -> _Accused:
    """What is at fault in the first artifact from `start` on that deviates, or drifts."""
    outcomes = [step.stage.outcome for step in steps]
    deviating = [place for place, outcome in enumerate(outcomes) if place >= start and not outcome.passes]
    drifting = [place for place, outcome in enumerate(outcomes) if place >= start and outcome is Outcome.DRIFT]
    place = next(iter(deviating or drifting), 0)
    step = steps[place]
    form = step.stage.artifact
    if place == 0 or step.artifact is None or form not in TRACED or step.stage.outcome not in TELLING:
        return _Accused()
    found = _Accused()
    for sample in ground.case.samples:  # what shows on one need not show on the others
        traced = _traced(ground, form, steps[place - 1], step.artifact, sample.inputs)
        found = _Accused(note=traced, place=place) if isinstance(traced, str) else _named(ground, step, place, traced)
        if found.culprits:
            break
    return found


def _named(ground: Ground, step: Step, place: int, traced: Trace) -> _Accused:
    """The layers of the nodes that a trace finds at fault."""
    kinds = {layer.name: layer.kind for layer in ground.origin.spec.layers}
    by = step.stage.blamed if traced.optimiser is None else step.stage.runtime or step.stage.blamed
    message = "" if traced.optimiser is None else traced.note
    layers: dict[str, Culprit] = {}
    for node in traced.nodes:
        if node.local is not None and not node.local <= FAULT:
            name = node.layer or node.id
            known = layers.get(name)
            if known is None or known.local is None or known.local < node.local:
                layers[name] = Culprit(name, kinds.get(name, node.op), by, node.local, node.propagated, message=message)
    return _Accused(tuple(layers.values()), traced.note, place, traced.optimiser)


def _refused(ground: Ground, route: Route, steps: Sequence[Step]) -> tuple[Culprit, ...]:
    """The nodes that the converter refuses alone, where it refuses an ONNX file; none if they cannot be tried."""
    place = next(place for place, step in enumerate(steps) if not step.stage.outcome.passes)
    outcome, before = steps[place].stage.outcome, steps[place - 1].artifact
    if outcome is not Outcome.REFUSED or not place or before is None or steps[place - 1].stage.artifact != ONNX:
        return ()
    hop = route.hops[place - 1]
    call = Call("harness.models.sources:refused_nodes", (before, hop.reference, ()))
    try:
        value = ground.session.workers[hop.worker].request(call, LIMIT).value
    except WorkerFailure:
        return ()
    if isinstance(value, Failure):
        return ()
    return tuple(Culprit(name, kind, hop.name, outcome=outcome, message=message) for name, kind, message in value)


def _traced(ground: Ground, form: str, before: Step, artifact: Path, inputs: Mapping[str, Array]) -> Trace | str:
    """The trace of an artifact on these inputs, or why there is none."""
    worker, function = TRACED[form]
    session, origin, case = ground.session, ground.origin, ground.case
    known = (case.spec, dict(case.weights)) if origin.source == KERAS else (None, None)
    beside = (before.artifact if before.stage.artifact == "onnx" else None,) if form == "torch" else ()
    told: tuple[Any, ...] = ()
    if form == ONNX and origin.source == KERAS and not ground.truth.is_documented:
        told = ((), None, _keras_tensors(ground, inputs))
    arguments = (artifact, dict(inputs), *beside, *known, *told)
    try:
        answer = session.workers[worker].request(Call(function, arguments), LIMIT)
    except WorkerFailure as failure:
        return f"no trace: {failure}"
    if isinstance(answer.value, Failure):
        return f"no trace: {answer.value.sentence[:200]}"
    return Trace.from_plain(answer.value)


def _keras_tensors(ground: Ground, inputs: Mapping[str, Array]) -> Mapping[str, Array] | None:
    """What each layer gives in Keras. None where that is not known, or where some compute in half precision, whose
    rounding would look like a fault in layers behind it."""
    try:
        tensors = by_keras(ground.session.workers, ground.origin, inputs)
    except ModelError:
        return None
    return None if any(value.dtype.name in HALF for value in tensors.values()) else tensors


def missing(session: Session, routes: Iterable[Route]) -> dict[str, str]:
    """Why the ways that cannot run here cannot, by name."""
    return {route.name: why for route in routes if (why := route.missing(session.registry))}
