"""A deviation of a model of several layers, reduced to the fewest: which layer, and what it needs around it.

The first tensor that deviates is found by making every tensor an output and walking the route once; where the model
does not get through, by its shortest beginning that ends the same way. From there the model is cut again: that layer
alone with the recorded tensors as inputs, then with more and more of what comes before it, then without the layers that
change no shape. Each candidate has a golden of its own and is walked; the first that deviates as the whole did is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.adapters.routes import Route
from harness.draw import with_golden
from harness.judge.compare import Verdict, compare
from harness.oracle import walk as evaluated
from harness.oracle import widened
from harness.outcomes import Outcome
from harness.results.events import Judgement, Result, Stage
from harness.run.walk import AGAIN, Walk, blame_of
from harness.spec import Again, Array, Case, Golden, Input, Layer, Spec, source_of

MOST_WALKS = 60
"""Candidates that are walked at most, those besides that look for the first tensor."""

_SIZES = re.compile(r"'[^']*'|[\d.]+|[(), ]")

Tell = Callable[[str], None]
"""Is told of each walk, as a sentence."""


class ReduceError(ValueError):
    """Nothing to reduce: the case agrees."""


@dataclass(frozen=True)
class Deviation:
    """How a case ends: the stage at fault, and the hop (or `source`) to blame."""

    blame: str
    stage: Stage

    @classmethod
    def of(cls, stages: Sequence[Stage]) -> Deviation | None:
        """How these stages end; None where they agree."""
        blame = blame_of(stages)
        return None if blame is None else cls(blame, next(s for s in stages if (s.hop or "source") == blame))

    def same(self, other: Deviation | None) -> bool:
        """Whether another case ends the same way: same blame and outcome, and for an exception the same class."""
        return (
            other is not None
            and (self.blame, self.stage.outcome) == (other.blame, other.stage.outcome)
            and _class_of(self.stage) == _class_of(other.stage)
        )


@dataclass(frozen=True)
class Reduction:
    """What came of it: the smallest case that deviates as the whole does, and the first tensor that deviated in the
    whole; None where no tensor does while all are outputs."""

    case: Case
    first: str | None
    verdict: str
    walks: int

    @property
    def sentence(self) -> str:
        """Which tensor is the first to deviate."""
        return f"the first tensor that deviates is {self.first!r}: {self.verdict}" if self.first else self.verdict


def _class_of(stage: Stage) -> str:
    """Of an exception its class, of a wrong structure what is wrong, without names and sizes; '' of wrong numbers."""
    if stage.outcome is Outcome.DIVERGENT:
        return ""
    if stage.outcome not in (Outcome.REFUSED, Outcome.INVALID):
        return _SIZES.sub("", stage.message)
    again, rest = stage.message.startswith(AGAIN), stage.message
    return ("with other inputs: " if again else "") + (rest.partition(": ")[2] if again else rest).partition(": ")[0]


def ends(walk: Walk, case: Case, route: Route) -> Deviation | None:
    """How a case ends on a route; None where it agrees."""
    return Deviation.of([step.stage for step in walk.steps(case, route)])


def first_deviation(walk: Walk, case: Case, route: Route, tell: Tell = lambda text: None) -> tuple[str | None, str]:
    """The first tensor, in the order of the layers, that deviates at the stage to blame, and how; or None and why."""
    steps = walk.steps(case, route)
    own = Deviation.of([step.stage for step in steps])
    if own is None:
        return None, "it agrees"
    with walk.hurried([step.stage for step in steps]):
        search = _Search(walk, route, own, tell)
        return _first_of_all(search, case) or _first_by_prefixes(search, case)


def _first_of_all(search: _Search, case: Case) -> tuple[str, str] | None:
    """By one walk with every tensor an output."""
    if search.own.stage.outcome not in (Outcome.DIVERGENT, Outcome.MALFORMED):
        return None  # there are no tensors to compare
    whole = _with(case, case.spec.layers, _tensors(case))
    if whole is None or whole.golden is None:
        return None
    search.walked(whole, f"every tensor of {len(case.spec.layers)} layers an output")
    steps = search.walk.steps(whole, search.route)
    step = next((s for s in steps if (s.stage.hop or "source") == search.own.blame), None)
    if step is None:
        return None
    goldens = [(whole.golden, step.outputs)]
    if whole.again is not None:
        again = replace(whole.golden, expected=whole.again.expected, noise=whole.again.noise)
        goldens.append((again, step.again))
    for golden, outputs in goldens:
        if len(outputs) != len(golden.expected):
            continue
        for name, verdict in _each(golden, outputs):
            if not verdict.outcome.passes:
                return name, f"{verdict.outcome}, {verdict.message}"
    return None


def _each(golden: Golden, outputs: Sequence[Array | None]) -> Iterator[tuple[str, Verdict]]:
    for (name, expected), got in zip(golden.expected.items(), outputs, strict=True):
        one = replace(golden, expected={name: expected}, noise={name: golden.noise[name]})
        yield name, compare(one, [got])


def _first_by_prefixes(search: _Search, case: Case) -> tuple[str | None, str]:
    """By the shortest beginning that ends as the whole does: halved, as a longer one ends so too."""
    layers = case.spec.layers

    def deviates(count: int) -> bool:
        part = _with(case, layers[:count], _ends_of(case.spec, layers[:count]))
        return part is not None and search.ends_so(part, f"the first {count} layers")

    low, high = 0, len(layers)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if deviates(middle) else (middle, high)
    if high == len(layers) and not deviates(high):
        return None, "no beginning of the model ends as the whole does"
    return layers[high - 1].name, f"{search.own.stage.outcome}, {search.own.stage.message}"


def with_first_tensor(walk: Walk, case: Case, route: Route, result: Result) -> Result:
    """The result; of a failing model of several layers, its message says too which tensor is the first to deviate."""
    if result.verdict is not Judgement.FAILED or result.outcome.passes or len(case.spec.layers) < 2:
        return result
    first, _ = first_deviation(walk, case, route)
    return result if first is None else replace(result, message=f"{result.message}; first deviating tensor: {first}")


def reduced(walk: Walk, case: Case, route: Route, tell: Tell = lambda text: None) -> Reduction:
    """The smallest case found. Raises ReduceError for one that agrees."""
    steps = walk.steps(case, route)
    own = Deviation.of([step.stage for step in steps])
    if own is None:
        raise ReduceError(f"{case.id} agrees on {route.name}: there is nothing to reduce")
    with walk.hurried([step.stage for step in steps]):
        search = _Search(walk, route, own, tell)
        flat = flattened(case)
        start = flat if flat is not case and search.ends_so(flat, "models inside the model written out") else case
        first, verdict = _first_of_all(search, start) or _first_by_prefixes(search, start)
        around = search.around(start, source_of(first)) if first is not None else None
        best = search.without(around or _cut_to_blame(start, first, search) or start)
    if own.stage.outcome is Outcome.HANG and not search.ends_so(best, "the smallest, with all the time there is"):
        return Reduction(case, None, "nothing smaller hangs for as long", search.walks)
    return Reduction(best, first, verdict, search.walks)


def _cut_to_blame(case: Case, first: str | None, search: _Search) -> Case | None:
    """The model up to the layer in question."""
    if first is None:
        return None
    keep = _ancestors(case.spec, source_of(first), len(case.spec.layers))
    part = _with(case, [layer for layer in case.spec.layers if layer.name in keep], (first,))
    return part if search.deviates(part, f"all that leads to {first}") else None


@dataclass
class _Search:
    """Walks candidates, so many at most."""

    walk: Walk
    route: Route
    own: Deviation
    tell: Tell
    walks: int = 0
    tried: int = 0

    def walked(self, case: Case, what: str) -> Deviation | None:
        """How a case ends, told."""
        self.walks += 1
        found = ends(self.walk, case, self.route)
        count = len(case.spec.layers)
        said = "agrees" if found is None else f"{found.stage.outcome} at {found.blame}"
        self.tell(f"{self.walks:3}: {what} ({count} layer{'s' * (count > 1)}): {said}")
        return found

    def ends_so(self, case: Case, what: str) -> bool:
        """Whether a case ends as the whole does."""
        return self.own.same(self.walked(case, what))

    def deviates(self, case: Case | None, what: str) -> bool:
        """Whether a candidate ends as the whole does; after `MOST_WALKS` of them none does."""
        if case is None or self.tried >= MOST_WALKS:
            return False
        self.tried += 1
        return self.ends_so(case, what)

    def around(self, case: Case, name: str) -> Case | None:
        """The layer with as few as possible of those before it."""
        depth, before = 0, 0
        while True:
            keep = _ancestors(case.spec, name, depth)
            if len(keep) == before:
                return None
            before = len(keep)
            part = window(case, keep, name)
            if self.deviates(part, f"{name} and what is at most {depth} steps before it"):
                return part
            depth = depth * 2 or 1

    def without(self, case: Case) -> Case:
        """Without every layer that can be left out: its output is given to no one, or has the shape of an input."""
        for layer in reversed(case.spec.layers):
            if len(case.spec.layers) > 1:
                part = _dropped(case, layer.name)
                case = part if part is not None and self.deviates(part, f"without {layer.name}") else case
        return case


def _ancestors(spec: Spec, name: str, depth: int) -> set[str]:
    """A layer, and those up to so many steps before it."""
    layers = {layer.name: layer for layer in spec.layers}
    found = front = {name} & set(layers)
    for _ in range(depth):
        front = {source_of(t) for one in front for t in layers[one].tensors} & set(layers) - found
        found = found | front
    return found


def _tensors(case: Case) -> tuple[str, ...]:
    """Every tensor that a layer makes, in order."""
    return tuple(name for name in _recorded(case, case.inputs) if name not in case.inputs)


def _recorded(case: Case, inputs: Mapping[str, Array]) -> dict[str, Array]:
    with np.errstate(all="ignore"):
        found = evaluated(case.spec, widened(case.weights), widened(inputs))
    return {name: np.asarray(value) for name, value in found.items()}


def _ends_of(spec: Spec, layers: Sequence[Layer]) -> tuple[str, ...]:
    """What the layers make that none of them reads: the outputs of a beginning of the model."""
    made = {layer.name for layer in layers}
    read = {source_of(tensor) for layer in layers for tensor in layer.tensors}
    own = tuple(tensor for tensor in spec.outputs if source_of(tensor) in made)
    return tuple(dict.fromkeys((*own, *(layer.name for layer in layers if layer.name not in read))))


def _with(case: Case, layers: Sequence[Layer], outputs: Sequence[str]) -> Case | None:
    """The case with these layers only and these outputs; None where that is no model."""
    read = {tensor for layer in layers for tensor in layer.tensors} | set(outputs)
    inputs = tuple(item for item in case.spec.inputs if item.name in read)
    names = {layer.owner for layer in layers}
    try:
        spec = replace(case.spec, inputs=inputs, layers=tuple(layers), outputs=tuple(outputs))
        given = {item.name: case.inputs[item.name] for item in inputs}
        again = case.again and Again({item.name: case.again.inputs[item.name] for item in inputs})
        weights = {key: value for key, value in case.weights.items() if _owner(key, names)}
        return with_golden(
            replace(case, spec=spec, weights=weights, inputs=given, again=again, labels=None, drawn=None)
        )
    except (ValueError, LookupError, TypeError):
        return None


def _owner(key: str, names: set[str]) -> str | None:
    """Which of the layers a weight belongs to; names may hold a slash."""
    return next((name for name in names if key.startswith(f"{name}/")), None)


def window(case: Case, keep: set[str], name: str) -> Case | None:
    """Some layers that lead to one, with the recorded tensors that they read from elsewhere as inputs.

    A layer whose owner is left out becomes one of its own, with the same weights. None where that is no model.
    """
    first = _recorded(case, case.inputs)
    second = None if case.again is None else _recorded(case, case.again.inputs)
    chosen = [layer for layer in case.spec.layers if layer.name in keep]
    outside = dict.fromkeys(t for layer in chosen for t in layer.tensors if source_of(t) not in keep)
    renamed = {tensor: tensor.replace(":", "_") for tensor in outside}
    weights = dict(case.weights)
    layers = []
    for layer in chosen:
        own = replace(
            layer,
            inputs=tuple(renamed.get(t, t) for t in layer.inputs),
            keywords={key: tuple(renamed.get(t, t) for t in names) for key, names in layer.keywords.items()},
        )
        if layer.of and layer.of not in keep:
            weights |= {
                layer.name + key.removeprefix(layer.of): value
                for key, value in case.weights.items()
                if key.startswith(f"{layer.of}/")
            }
            original = next(one for one in case.spec.layers if one.name == layer.of)
            own = replace(own, of="", config=original.config)
        layers.append(own)
    known = {item.name: item for item in case.spec.inputs}
    inputs = [
        known.get(tensor) or _input(renamed[tensor], first[tensor], None if second is None else second[tensor])
        for tensor in outside
    ]
    outputs = [tensor for tensor in first if source_of(tensor) == name]
    try:
        spec = replace(case.spec, inputs=tuple(inputs), layers=tuple(layers), outputs=(name,))
    except ValueError:
        return None
    given = {renamed[tensor]: _single(first[tensor]) for tensor in outside}
    again = None if second is None else Again({renamed[tensor]: _single(second[tensor]) for tensor in outside})
    whole = replace(case, spec=spec, weights=weights, inputs=given, again=again)
    return _with(whole, layers, outputs)


def _input(name: str, value: Array, again: Array | None) -> Input:
    """An input like a recorded tensor, open where the second inputs made it of another size."""
    other = value.shape if again is None else again.shape
    shape = tuple(n if n == m else None for n, m in zip(value.shape[1:], other[1:], strict=True))
    return Input(name, shape, _single(value).dtype.name)


def _single(value: Array) -> Array:
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def _dropped(case: Case, name: str) -> Case | None:
    """The case without a layer: who read it reads its input of the same shape; None where there is none."""
    layer = next(one for one in case.spec.layers if one.name == name)
    others = [one for one in case.spec.layers if one.name != name]
    if any(one.of == name for one in others):
        return None
    values = _recorded(case, case.inputs)
    same = [t for t in layer.inputs if values[t].shape == values[name].shape and values[t].dtype == values[name].dtype]
    outputs = tuple(t for t in case.spec.outputs if source_of(t) != name)
    read = any(source_of(t) == name for one in others for t in one.tensors)
    if not read and outputs:
        return _with(case, others, outputs)
    if not same:
        return None

    def turned(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(same[0] if source_of(t) == name else t for t in names)

    rest = [
        replace(one, inputs=turned(one.inputs), keywords={k: turned(names) for k, names in one.keywords.items()})
        for one in others
    ]
    return _with(case, rest, tuple(dict.fromkeys(turned(case.spec.outputs))))


def flattened(case: Case) -> Case:
    """The case with the layers of Sequential and Model inside others written out; the same where there are none."""
    parts = [_written_out(layer) for layer in case.spec.layers]
    if all(part is None for part in parts) or any(layer.of for layer in case.spec.layers):
        return case
    layers: list[Layer] = []
    weights = dict(case.weights)
    last: dict[str, str] = {}
    for layer, part in zip(case.spec.layers, parts, strict=True):
        inner, outputs = part or ((layer,), (layer.name,))
        for one in inner:
            layers.append(replace(one, inputs=tuple(last.get(t, t) for t in one.inputs)))
            if part is not None:
                _rename(weights, one.name, layer.name)
        if part is not None:
            last |= {layer.name if k == 0 else f"{layer.name}:{k}": tensor for k, tensor in enumerate(outputs)}
    renamed = replace(case, weights=weights)
    return _with(renamed, layers, tuple(last.get(t, t) for t in case.spec.outputs)) or case


def _rename(weights: dict[str, Array], name: str, within: str) -> None:
    own = f"{within}/{name.removeprefix(f'{within}_')}/"
    for key in [key for key in weights if key.startswith(own)]:
        weights[f"{name}/{key.removeprefix(own)}"] = weights.pop(key)


def _written_out(layer: Layer) -> tuple[tuple[Layer, ...], tuple[str, ...]] | None:
    config: Any = layer.config
    if layer.kind == "Sequential":
        made: list[Layer] = []
        for k, one in enumerate(config["layers"]):
            reads = (made[-1].name,) if made else layer.inputs
            made.append(Layer(one["kind"], f"{layer.name}_{k}", one["config"], reads))
        return tuple(made), (made[-1].name,)
    if layer.kind != "Model":
        return None
    spec = Spec.from_json(config["spec"])
    given = {item.name: tensor for item, tensor in zip(spec.inputs, layer.inputs, strict=True)}

    def named(tensor: str) -> str:
        return given.get(tensor, f"{layer.name}_{tensor}")

    inner = tuple(
        replace(
            one,
            name=f"{layer.name}_{one.name}",
            inputs=tuple(map(named, one.inputs)),
            keywords={key: tuple(map(named, names)) for key, names in one.keywords.items()},
            of=f"{layer.name}_{one.of}" if one.of else "",
        )
        for one in spec.layers
    )
    return inner, tuple(map(named, spec.outputs))
