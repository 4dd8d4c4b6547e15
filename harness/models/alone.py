"""The layers of a user's model, each walked alone on what it gets within the whole."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from harness.adapters.routes import Route
from harness.models.guard import ModelError, memory_to_run, within
from harness.models.origin import KERAS, WORKERS, Origin, ask
from harness.models.truth import FEW, Truth
from harness.oracle import evaluate, walk, widened
from harness.oracle.noise import measure
from harness.outcomes import Outcome
from harness.results.events import ExpectationNote, Result
from harness.run.session import Session
from harness.run.walk import Walk
from harness.spec import Array, Case, Exactness, Golden, Input, Layer, Sample, Spec, canonical, source_of
from harness.workers.pool import Workers

LIMIT = 900.0
"""Seconds that one trace may take."""
OPERATOR = "ops."
"""Begins the kind of an operator between layers, which is no layer that a model can be built of."""


@dataclass(frozen=True)
class Culprit:
    """A layer that breaks a way, in the converter `by`, or in the runtime whose optimisation errs.

    Where the artifact was traced, `local` is the layer's own error on right inputs and `propagated` that of what really
    left it, in noise units. Where there is no artifact to trace, the layer was walked alone: `outcome` and `message`
    are of that.
    """

    layer: str
    kind: str
    by: str
    local: float | None = None
    propagated: float | None = None
    outcome: Outcome | None = None
    message: str = ""
    piece: Case | None = field(default=None, compare=False, repr=False)
    """The layer as a model, on the inputs that it gets within the whole; None where it did not break alone."""
    known: ExpectationNote | None = field(default=None, compare=False, repr=False)
    """What the corpus knows of that case."""


@dataclass(frozen=True)
class Ground:
    """What all ways of a check have in common: session, model, truth, case, and a folder for artifacts.

    `hidden` are layers of which the outputs tell nothing on these inputs.
    """

    session: Session
    origin: Origin
    truth: Truth
    case: Case
    folder: Path
    hidden: tuple[str, ...] = ()


def by_keras(workers: Workers, origin: Origin, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
    """What each layer gives in Keras, by the names of the Spec. Raises ModelError."""
    function, memory = "harness.models.sources:keras_tensors", memory_to_run(origin.file)
    tensors: Mapping[str, Array] = ask(
        workers, WORKERS[KERAS], function, origin.file, dict(inputs), where=origin.path, memory=memory
    )
    return tensors


class Alone:
    """Walks layers of a model alone, each on the inputs that it has within the model.

    Layers of the same kind and configuration, on inputs of the same sizes, are walked once for each route.
    """

    def __init__(self, ground: Ground) -> None:
        session = ground.session
        self.origin = ground.origin
        self.inputs = ground.truth.samples[0].inputs
        self._workers = session.workers
        self._walk = Walk(session.registry, session.workers, session.expectations, limit=LIMIT)
        self._known: dict[tuple[str, str], Result] = {}

    def close(self) -> None:
        """Remove what was made."""
        self._walk.close()

    @cached_property
    def _tensors(self) -> tuple[Mapping[str, Array], str]:
        """What each layer gives within the model, in double precision, or in Keras where our oracle does not know all;
        or why that is not known."""
        with suppress(Exception), within(memory_to_run(self.origin.file)), np.errstate(all="ignore"):
            return walk(self.origin.spec, widened(self.origin.weights), widened(self.inputs)), ""
        try:  # NumPy raised one of several kinds
            return by_keras(self._workers, self.origin, self.inputs), ""
        except ModelError as error:
            return {}, f"layers cannot be tried alone: {error}"

    @cached_property
    def _cases(self) -> tuple[dict[str, Case], str]:
        """A case for each layer that can stand alone, by its name, and a note of the others."""
        if why := self._tensors[1]:
            return {}, why
        layers = self.origin.spec.layers
        cases = {layer.name: case for layer in layers if (case := self.piece(layer.name)) is not None}
        others = [layer.name for layer in layers if layer.name not in cases and not layer.of]
        return cases, f"not tried alone: {', '.join(others)}" if others else ""

    @cache  # noqa: B019 - it lives as long as a check
    def piece(self, name: str) -> Case | None:
        """A layer as a model, on the inputs that it gets within the whole; None if it cannot stand alone."""
        spec, tensors = self.origin.spec, self._tensors[0]
        layer = next((layer for layer in spec.layers if layer.name == name), None)
        if layer is None or not tensors or layer.kind.startswith(OPERATOR) or layer.of:
            return None
        try:
            return _alone(self.origin, layer, tensors)
        except Exception:  # a layer that our oracle does not compute; NumPy raises several kinds
            return None

    def with_piece(self, culprit: Culprit, route: Route) -> Culprit:
        """A layer that a trace accuses, with its piece if that breaks the route too."""
        piece = self.piece(culprit.layer)
        if piece is None:
            return culprit
        result = self._result(piece, replace(route, given=0, anew=False))
        return culprit if result.fault is None else replace(culprit, piece=piece, known=result.expectation)

    def culprits(self, route: Route, made: int = 0) -> tuple[tuple[Culprit, ...], str]:
        """The layers that break a route alone, and a note.

        The whole model came to `made` artifacts: a layer of which alone a converter makes none there is not at fault.
        """
        cases, note = self._cases
        whole = replace(route, given=0, anew=False)
        results = {name: self._result(case, whole) for name, case in cases.items()}
        broken = tuple(
            Culprit(
                layer=name,
                kind=cases[name].subject,
                by=result.fault.blamed,
                outcome=result.outcome,
                message=result.fault.message,
                piece=cases[name],
                known=result.expectation,
            )
            for name, result in results.items()
            if result.fault is not None
            and not (result.fault.outcome is Outcome.REFUSED and result.stages.index(result.fault) < made)
        )
        if cases and not broken:
            note = "; ".join(filter(None, ["every layer works alone: what breaks is their combination", note]))
        return broken, note

    def _result(self, case: Case, route: Route) -> Result:
        declared = [list(item.shape) for item in case.spec.inputs]
        likeness = canonical([case.subject, case.config, declared, [list(each.shape) for each in case.inputs.values()]])
        if (route.name, likeness) not in self._known:
            self._known[route.name, likeness] = self._walk.result(case, route)
        return self._known[route.name, likeness]


def _alone(origin: Origin, layer: Layer, tensors: Mapping[str, Array]) -> Case:
    """One layer as a model, on the values that it gets within the whole; sizes that are open there are open here."""
    names = {tensor: f"x{place}" for place, tensor in enumerate(dict.fromkeys(layer.tensors))}
    values = {name: _single(np.asarray(tensors[tensor])) for tensor, name in names.items()}
    inputs = tuple(
        Input(name, origin.shapes.get(tensor, tuple(values[name].shape[1:])), _dtype(values[name]))
        for tensor, name in names.items()
    )
    moved = replace(
        layer,
        inputs=tuple(names[tensor] for tensor in layer.inputs),
        keywords={key: tuple(names[tensor] for tensor in group) for key, group in layer.keywords.items()},
    )
    outputs = [tensor for tensor in tensors if source_of(tensor) == layer.name]
    one = Spec(origin.spec.dialect, inputs, (moved,), tuple(outputs))
    own = {key: value for key, value in origin.weights.items() if key.startswith(f"{layer.name}/")}
    expected = evaluate(one, own, values)
    golden = Golden(expected, measure(one, own, values, expected, runs=FEW), Exactness.COMPUTES)
    open_sizes = any(size is None for item in inputs for size in item.shape)
    return Case(one, layer.kind, {"open_sizes": open_sizes}, own, (Sample(values, golden),))


def _single(value: Array) -> Array:
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _dtype(value: Array) -> str:
    return "string" if value.dtype.kind == "U" else str(value.dtype)
