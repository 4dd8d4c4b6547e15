"""Reduces a deviating model of several layers to the smallest model that deviates in the same way.

1. Look for the first tensor that deviates: make every tensor an output and walk the route once. If the conversion
   fails, look for the shortest beginning of the model that fails in the same way.
2. Cut the layer of that tensor out, with computed tensors as inputs; then with more and more layers before it.
3. Leave out single layers that change no shape.

Each candidate is walked against goldens of its own. The first that deviates as the whole model does is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.adapters.routes import Route
from harness.errors import InputError
from harness.judge.compare import Comparison, compare
from harness.outcomes import Outcome
from harness.results.events import Judgement, Result, Stage, fault_of
from harness.run.cutting import ancestors, beginning, cut, flattened, tensors, window, without
from harness.run.walk import AGAIN, Walk
from harness.spec import Array, Case, Golden, source_of

COMPARED = (Outcome.DIVERGENT, Outcome.MALFORMED)
"""Outcomes of a stage that gave tensors, of which one can be the first that deviates."""
MOST_WALKS = 60
"""Most candidates that are walked in steps 2 and 3."""

_SIZES = re.compile(r"'[^']*'|[\d.]+|[(), ]")

Progress = Callable[[str], None]
"""Takes a sentence about each walk."""


class ReduceError(InputError):
    """A case that agrees, so that there is nothing to reduce."""


@dataclass(frozen=True)
class Reduction:
    """The smallest case that deviates as the whole model does, and the first tensor that deviates in the whole model.

    `first` is None if no tensor deviates while all are outputs. `how` says how the tensor deviates, or why there is
    none.
    """

    case: Case
    first: str | None
    how: str
    walks: int

    @property
    def sentence(self) -> str:
        """A sentence about the first tensor that deviates."""
        return f"the first tensor that deviates is {self.first!r}: {self.how}" if self.first else self.how


def alike(fault: Stage, other: Stage | None) -> bool:
    """Whether two stages fail in the same way: same hop, same outcome, and for an exception the same class."""
    return (
        other is not None
        and (fault.by, fault.outcome) == (other.by, other.outcome)
        and _class_of(fault) == _class_of(other)
    )


def _class_of(fault: Stage) -> str:
    """The class of an exception, or the message of a wrong structure without names and sizes; '' for wrong numbers."""
    if fault.outcome is Outcome.DIVERGENT:
        return ""
    if fault.outcome not in (Outcome.REFUSED, Outcome.INVALID):
        return _SIZES.sub("", fault.message)
    if fault.message.startswith(AGAIN):
        return "with other inputs: " + fault.message.partition(": ")[2].partition(": ")[0]
    return fault.message.partition(": ")[0]


def fault_on(walk: Walk, case: Case, route: Route) -> Stage | None:
    """The stage at fault of a case on a route; None if the case agrees."""
    return fault_of([step.stage for step in walk.steps(case, route)])


def first_deviation(
    walk: Walk, case: Case, route: Route, progress: Progress = lambda text: None
) -> tuple[str | None, str]:
    """The first tensor, in layer order, that deviates at the stage at fault, and how; or None and the reason."""
    stages = [step.stage for step in walk.steps(case, route)]
    fault = fault_of(stages)
    if fault is None:
        return None, "it agrees"
    with walk.hurried(stages):
        return _Search(walk, route, fault, progress).first_deviation(case)


def with_first_tensor(walk: Walk, case: Case, route: Route, result: Result) -> Result:
    """The result. For a failing model of several layers whose numbers or structure deviate, the message also names the
    first tensor that deviates. An artifact that was never made, or does not run, has no such tensor."""
    if result.judgement is not Judgement.FAILED or len(case.spec.layers) < 2:
        return result
    if result.fault is None or result.fault.outcome not in COMPARED:
        return result
    first, _ = first_deviation(walk, case, route)
    return result if first is None else replace(result, message=f"{result.message}; first deviating tensor: {first}")


def reduced(walk: Walk, case: Case, route: Route, progress: Progress = lambda text: None) -> Reduction:
    """The smallest case that deviates as this one does. Raises ReduceError if the case agrees."""
    stages = [step.stage for step in walk.steps(case, route)]
    fault = fault_of(stages)
    if fault is None:
        raise ReduceError(
            "there is nothing to reduce",
            where=f"{case.id} on {route.name}",
            expected="a deviation",
            came="agreement with the golden",
        )
    search = _Search(walk, route, fault, progress)
    with walk.hurried(stages):
        flat = flattened(case)
        start = flat if flat is not case and search.fails_alike(flat, "models inside the model written out") else case
        first, how = search.first_deviation(start)
        part = None if first is None else search.around(start, source_of(first)) or search.leading_to(start, first)
        smallest = search.without_layers(part or start)
    if fault.outcome is Outcome.HANG and not search.fails_alike(smallest, "the smallest, with all the time there is"):
        return Reduction(case, None, "nothing smaller hangs for as long", search.walks)
    return Reduction(smallest, first, how, search.walks)


@dataclass
class _Search:
    """Walks candidates and looks for one that fails as the whole model does."""

    walk: Walk
    route: Route
    fault: Stage
    progress: Progress
    walks: int = 0
    candidates: int = 0

    def fault_in(self, case: Case, what: str) -> Stage | None:
        """The stage at fault of a case; None if it agrees. Reports the walk as progress."""
        self.walks += 1
        fault = fault_on(self.walk, case, self.route)
        count = len(case.spec.layers)
        became = "agrees" if fault is None else f"{fault.outcome} at {fault.by}"
        self.progress(f"{self.walks:3}: {what} ({count} layer{'s' * (count > 1)}): {became}")
        return fault

    def fails_alike(self, case: Case, what: str) -> bool:
        """Whether a case fails as the whole model does."""
        return alike(self.fault, self.fault_in(case, what))

    def is_smaller(self, case: Case | None, what: str) -> bool:
        """Whether a candidate fails as the whole model does. Walks `MOST_WALKS` candidates and rejects the others."""
        if case is None or self.candidates >= MOST_WALKS:
            return False
        self.candidates += 1
        return self.fails_alike(case, what)

    def first_deviation(self, case: Case) -> tuple[str | None, str]:
        """The first tensor that deviates at the stage at fault, and how; or None and the reason."""
        return self._first_of_all(case) or self._first_by_beginnings(case)

    def _first_of_all(self, case: Case) -> tuple[str, str] | None:
        """The first tensor, from one walk with every tensor an output."""
        if self.fault.outcome not in COMPARED:
            return None
        whole = cut(case, case.spec.layers, tensors(case))
        if whole is None:
            return None
        self.fault_in(whole, f"every tensor of {len(case.spec.layers)} layers an output")
        steps = self.walk.steps(whole, self.route)
        step = next((step for step in steps if step.stage.by == self.fault.by), None)
        if step is None:
            return None
        for sample, outputs in zip(whole.samples, step.outputs, strict=False):
            assert sample.golden is not None
            for name, comparison in _one_by_one(sample.golden, outputs):
                if not comparison.outcome.passes:
                    return name, f"{comparison.outcome}, {comparison.message}"
        return None

    def _first_by_beginnings(self, case: Case) -> tuple[str | None, str]:
        """The output of the shortest beginning that fails as the whole model does.

        Bisects, as every longer beginning fails too.
        """
        layers = case.spec.layers

        def fails(count: int) -> bool:
            part = beginning(case, count)
            return part is not None and self.fails_alike(part, f"the first {count} layers")

        low, high = 0, len(layers)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if fails(middle) else (middle, high)
        if high == len(layers) and not fails(high):
            return None, "no beginning of the model ends as the whole does"
        return layers[high - 1].name, f"{self.fault.outcome}, {self.fault.message}"

    def around(self, case: Case, name: str) -> Case | None:
        """The layer with as few layers before it as possible; None if no such model fails alike."""
        depth, size = 0, 0
        while True:
            keep = ancestors(case.spec, name, depth)
            if len(keep) == size:
                return None
            size = len(keep)
            part = window(case, keep, name)
            if self.is_smaller(part, f"{name} and the layers up to {depth} steps before it"):
                return part
            depth = depth * 2 or 1

    def leading_to(self, case: Case, tensor: str) -> Case | None:
        """The layers that a tensor depends on; None if they do not fail alike."""
        keep = ancestors(case.spec, source_of(tensor), len(case.spec.layers))
        part = cut(case, [layer for layer in case.spec.layers if layer.name in keep], (tensor,))
        return part if self.is_smaller(part, f"all that leads to {tensor}") else None

    def without_layers(self, case: Case) -> Case:
        """The case without each layer that `without` can remove while the case still fails alike."""
        for layer in reversed(case.spec.layers):
            if len(case.spec.layers) > 1:
                part = without(case, layer.name)
                case = part if part is not None and self.is_smaller(part, f"without {layer.name}") else case
        return case


def _one_by_one(golden: Golden, outputs: Sequence[Array | None]) -> Iterator[tuple[str, Comparison]]:
    """The comparison of each output alone; none if their number is not the expected one."""
    if len(outputs) != len(golden.expected):
        return
    for (name, expected), output in zip(golden.expected.items(), outputs, strict=True):
        yield name, compare(replace(golden, expected={name: expected}, noise={name: golden.noise[name]}), [output])
