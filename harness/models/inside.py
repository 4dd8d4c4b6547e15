"""What errs inside the artifacts of a way: the layers of the nodes that a trace finds at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.models.alone import LIMIT, Culprit, Ground, by_keras
from harness.models.guard import ModelError
from harness.models.origin import KERAS, ONNX
from harness.outcomes import Outcome
from harness.run.step import Step
from harness.spec import Array
from harness.trace.noise import HALF
from harness.trace.trace import FAULT, Trace
from harness.workers.pool import WorkerFailure
from harness.workers.protocol import Call, Failure

TRACED = {
    "onnx": ("onnxruntime", "harness.trace.onnx_graph:answer"),
    "torch": ("torch", "harness.trace.torch_modules:answer"),
}
"""Worker and function of the trace of an artifact, by its format."""
TELLING = {Outcome.DRIFT, Outcome.DIVERGENT, Outcome.MALFORMED, Outcome.INVALID}
"""Outcomes of an artifact that a trace may explain."""


@dataclass(frozen=True)
class Accused:
    """The layers at fault in the artifact behind `place` hops, a note of what could not be measured or is fused, and
    the optimisation of the runtime that is at fault ('' if several are, None if none is)."""

    culprits: tuple[Culprit, ...] = ()
    note: str = ""
    place: int = 0
    optimiser: str | None = None


def accused(ground: Ground, steps: Sequence[Step], start: int = 0) -> Accused:
    """What is at fault in the first artifact from `start` on that deviates, or drifts."""
    outcomes = [step.stage.outcome for step in steps]
    deviating = [place for place, outcome in enumerate(outcomes) if place >= start and not outcome.passes]
    drifting = [place for place, outcome in enumerate(outcomes) if place >= start and outcome is Outcome.DRIFT]
    place = next(iter(deviating or drifting), 0)
    step = steps[place]
    form = step.stage.artifact
    if place == 0 or step.artifact is None or form not in TRACED or step.stage.outcome not in TELLING:
        return Accused()
    found = Accused()
    for sample in ground.case.samples:  # what shows on one need not show on the others
        traced = _traced(ground, form, steps[place - 1], step.artifact, sample.inputs)
        found = Accused(note=traced, place=place) if isinstance(traced, str) else _named(ground, step, place, traced)
        if found.culprits:
            break
    return found


def _named(ground: Ground, step: Step, place: int, traced: Trace) -> Accused:
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
    return Accused(tuple(layers.values()), traced.note, place, traced.optimiser)


def inside(ground: Ground, steps: Sequence[Step]) -> tuple[tuple[Culprit, ...], set[str]]:
    """The layers that err inside of artifacts whose outputs agree, and those that were seen there not to err.

    A layer was seen where each artifact of the way has a tensor of its own that was compared.
    """
    inputs = ground.case.samples[0].inputs
    seen: set[str] | None = None
    culprits: dict[str, Culprit] = {}
    for place, step in enumerate(steps[1:], 1):
        form = step.stage.artifact
        traced: Trace | str = ""
        if form in TRACED and step.artifact is not None:
            traced = _traced(ground, form, steps[place - 1], step.artifact, inputs)
        compared = {} if isinstance(traced, str) else traced.compared
        left = {} if isinstance(traced, str) else _propagated(traced)
        kinds = {layer.name: layer.kind for layer in ground.origin.spec.layers}
        for name, error in compared.items():
            if not error <= FAULT and not left.get(name, error) <= FAULT:  # what really left it is wrong, too
                found = Culprit(name, kinds.get(name, name), step.stage.blamed, error, left.get(name))
                culprits.setdefault(name, found)
        seen = set(compared) if seen is None else seen & set(compared)
    return tuple(culprits.values()), (seen or set()) - set(culprits)


def _propagated(traced: Trace) -> dict[str, float]:
    """The largest error of what really left the nodes of each layer."""
    found: dict[str, float] = {}
    for node in traced.nodes:
        if node.propagated is not None:
            name = node.layer or node.id
            found[name] = max(node.propagated, found.get(name, 0.0))
    return found


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
