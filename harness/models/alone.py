"""The layers of a user's model, each walked alone on what it gets within the whole."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from harness.adapters.keras_model import OPERATOR
from harness.adapters.routes import Route
from harness.models.guard import ModelError, memory_to_run, within
from harness.models.origin import KERAS, WORKERS, Origin, ask
from harness.models.truth import FEW, Truth
from harness.oracle import evaluate, walk, widened
from harness.oracle.noise import measure
from harness.outcomes import Outcome
from harness.results.events import ExpectationNote, Result, Stage
from harness.run.session import Session
from harness.run.step import Step
from harness.run.walk import Walk
from harness.spec import Array, Case, Exactness, Golden, Input, Layer, Sample, Spec, canonical, source_of
from harness.workers.pool import Workers

LIMIT = 900.0
"""Seconds that one trace may take."""


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
class Tried:
    """What the layers of a model do alone on a route. `culprits` break it, layers in `right` do not. Layers that are
    `untried` may break it; `why` says why no layer was tried."""

    culprits: tuple[Culprit, ...] = ()
    right: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    why: str = ""

    @property
    def note(self) -> str:
        """What follows from it, in words; '' where every layer was tried and some break."""
        if self.why:
            return self.why
        left = f"not tried alone, so that each may be at fault: {', '.join(self.untried)}" if self.untried else ""
        if self.culprits:
            return left
        count = len(self.right)
        each = "each layer works" if not self.untried else f"{count} layer{'s work' if count != 1 else ' works'}"
        whole = "" if self.untried else ": what breaks is the model as a whole"
        return "; ".join(filter(None, (f"{each} alone{whole}" if count else "", left)))


class Given:
    """A source of steps: a file in the place of the first artifact, which is not made but taken."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def find(self, case: Case, route: Route, place: int, scratch: Path) -> Step | None:
        if place:
            return None
        return Step(Stage(route.source.name, Outcome.EXACT, kept=True), self.file)

    def fetch(self, case: Case, route: Route, place: int, scratch: Path) -> None:
        """The file lies where it lies."""


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
        self._ground = ground
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
    def _cases(self) -> tuple[dict[str, tuple[Case, Path | None]], tuple[str, ...]]:
        """A case for each layer that can stand alone, by its name, and the names of the others.

        Layers that the oracle does not know have a file, which Keras wrote with the user's own code.
        """
        layers = [layer for layer in self.origin.spec.layers if not layer.of]
        cases: dict[str, tuple[Case, Path | None]] = {}
        for layer in layers:
            piece = self.piece(layer.name)
            found = (piece, None) if piece is not None else self._cut(layer)
            if found is not None:
                cases[layer.name] = found
        return cases, tuple(layer.name for layer in layers if layer.name not in cases)

    def _cut(self, layer: Layer) -> tuple[Case, Path] | None:
        """A layer that the oracle does not know, cut out of the model by Keras; None where Keras cannot."""
        tensors = self._tensors[0]
        if not tensors or layer.kind.startswith(OPERATOR):
            return None
        names, values = _inputs_of(layer, tensors)
        file = self._ground.folder / "alone" / f"{len(list((self._ground.folder / 'alone').glob('*')))}.keras"
        file.parent.mkdir(exist_ok=True)
        function, memory = "harness.models.sources:keras_alone", memory_to_run(self.origin.file)
        arguments = (self.origin.file, layer.name, names, values, file)
        try:
            outputs = ask(self._workers, WORKERS[KERAS], function, *arguments, where=self.origin.path, memory=memory)
        except (ModelError, OSError):
            return None
        if any(value.dtype.kind == "f" and value.dtype != np.float32 for value, _ in outputs):
            return None  # a layer alone is held to give float32
        made = [layer.name if place == 0 else f"{layer.name}:{place}" for place in range(len(outputs))]
        expected = {name: np.asarray(value) for name, (value, _) in zip(made, outputs, strict=True)}
        noise = {name: np.asarray(scale) for name, (_, scale) in zip(made, outputs, strict=True)}
        inputs = tuple(Input(name, tuple(value.shape[1:]), _dtype(value)) for name, value in values.items())
        one = Spec(self.origin.spec.dialect, inputs, (_reading(layer, names),), tuple(expected))
        sample = Sample(values, Golden(dict(widened(expected)), noise, Exactness.COMPUTES))
        return Case(one, layer.kind, {"open_sizes": False}, {}, (sample,)), file

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

    def tried(self, route: Route, made: int = 0) -> Tried:
        """What the layers do alone on a route.

        The whole model came to `made` artifacts: a layer of which alone a converter makes none there is not at fault.
        """
        if why := self._tensors[1]:
            return Tried(why=why)
        cases, untried = self._cases
        whole = replace(route, given=0, anew=False)
        results = {name: self._result(case, whole, file) for name, (case, file) in cases.items()}
        broken = tuple(
            Culprit(
                layer=name,
                kind=cases[name][0].subject,
                by=result.fault.blamed,
                outcome=result.outcome,
                message=result.fault.message,
                piece=None if cases[name][1] else cases[name][0],
                known=result.expectation,
            )
            for name, result in results.items()
            if result.fault is not None
            and not (result.fault.outcome is Outcome.REFUSED and result.stages.index(result.fault) < made)
        )
        accused = {culprit.layer for culprit in broken}
        return Tried(broken, tuple(name for name in cases if name not in accused), untried)

    def _result(self, case: Case, route: Route, file: Path | None = None) -> Result:
        declared = [list(item.shape) for item in case.spec.inputs]
        likeness = canonical([case.subject, case.config, declared, [list(each.shape) for each in case.inputs.values()]])
        key = route.name, likeness if file is None else file.name
        if key not in self._known:
            self._known[key] = self._walk.result(case, route) if file is None else self._of_file(case, route, file)
        return self._known[key]

    def _of_file(self, case: Case, route: Route, file: Path) -> Result:
        """The result of a layer of which there is a file."""
        session = self._ground.session
        parts = session.registry, session.workers, session.expectations
        with closing(Walk(*parts, sources=(Given(file),), limit=LIMIT)) as walk:
            return walk.result(case, replace(route, given=1, anew=True))


def _alone(origin: Origin, layer: Layer, tensors: Mapping[str, Array]) -> Case:
    """One layer as a model, on the values that it gets within the whole; sizes that are open there are open here."""
    names, values = _inputs_of(layer, tensors)
    inputs = tuple(
        Input(name, origin.shapes.get(tensor, tuple(values[name].shape[1:])), _dtype(values[name]))
        for tensor, name in names.items()
    )
    outputs = [tensor for tensor in tensors if source_of(tensor) == layer.name]
    one = Spec(origin.spec.dialect, inputs, (_reading(layer, names),), tuple(outputs))
    own = {key: value for key, value in origin.weights.items() if key.startswith(f"{layer.name}/")}
    expected = evaluate(one, own, values)
    golden = Golden(expected, measure(one, own, values, expected, runs=FEW), Exactness.COMPUTES)
    open_sizes = any(size is None for item in inputs for size in item.shape)
    return Case(one, layer.kind, {"open_sizes": open_sizes}, own, (Sample(values, golden),))


def _inputs_of(layer: Layer, tensors: Mapping[str, Array]) -> tuple[dict[str, str], dict[str, Array]]:
    """New names of the tensors that a layer gets, and what these are within the whole by the new names."""
    names = {tensor: f"x{place}" for place, tensor in enumerate(dict.fromkeys(layer.tensors))}
    return names, {name: _single(np.asarray(tensors[tensor])) for tensor, name in names.items()}


def _reading(layer: Layer, names: Mapping[str, str]) -> Layer:
    """The layer with other names for the tensors that it gets."""
    return replace(
        layer,
        inputs=tuple(names[tensor] for tensor in layer.inputs),
        keywords={key: tuple(names[tensor] for tensor in group) for key, group in layer.keywords.items()},
    )


def _single(value: Array) -> Array:
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _dtype(value: Array) -> str:
    return "string" if value.dtype.kind == "U" else str(value.dtype)
