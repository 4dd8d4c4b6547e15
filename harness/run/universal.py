"""Universal faults: what is wrong in any layer, planted behind every real converter, so that nothing is unfailable.

Each case that passes at the last stage of a route must fail once the outputs of that stage are spoiled. Expectations
and the record judge the spoiled stage as they judge any other, so that a blanket under which a fault could hide shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.adapters.routes import Route
from harness.outcomes import DRIFT, Metrics, Outcome
from harness.results.events import Judgement
from harness.run.walk import Walk
from harness.spec import Array, Case, Golden
from harness.workers.protocol import Outputs

REFUSE = "refuse"
"""The fault that gives no outputs."""


@dataclass(frozen=True)
class Planted:
    """One universal fault behind one converter, on one case: whether the run fails."""

    converter: str
    layer: str
    fault: str
    case: str
    route: str
    fails: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _scaled(value: Array) -> Array:
    """`1.5 y + 1`; of what is no number, another value of the type."""
    if value.dtype.kind == "b":
        return ~value
    if value.dtype.kind in "US":
        return np.char.add(value.astype(str), "x")
    with np.errstate(all="ignore"):
        return (value * 1.5 + 1).astype(value.dtype)


def _exchanged(value: Array) -> Array:
    """The first row and the one that differs most from it, exchanged; of what is no number, the first that differs."""
    rows = value if value.ndim else value[None]
    others = [k for k in range(1, len(rows)) if rows[k].tobytes() != rows[0].tobytes()]
    if not others:
        return value
    other = max(others, key=lambda k: _distance(rows[0], rows[k])) if value.dtype.kind == "f" else others[0]
    order = list(range(len(rows)))
    order[0], order[other] = other, 0
    return rows[order]


def _distance(one: Array, other: Array) -> float:
    """The largest difference; infinite where one has a number and the other none."""
    finite = np.isfinite(one)
    if not np.array_equal(finite, np.isfinite(other)):
        return float("inf")
    return float(np.abs(one[finite].astype(np.float64) - other[finite]).max(initial=0.0))


def _with_nan(value: Array) -> Array:
    """NaN in the middle, or in the first place from there on that has none."""
    if value.dtype.kind != "f" or not np.isfinite(value).any():
        return value
    flat = value.ravel().copy()
    places = np.flatnonzero(np.isfinite(flat))
    flat[places[np.searchsorted(places, flat.size // 2) % len(places)]] = np.nan
    return flat.reshape(value.shape)


SPOILING = MappingProxyType(
    {
        "scale and shift": _scaled,
        "rows exchanged": _exchanged,
        "one more axis": lambda value: value[..., None],
        "NaN in one place": _with_nan,
    }
)
"""What each fault does to an output, an array of any shape and type; an equal array where it does nothing."""


def hunt(walk: Walk, case: Case, route: Route) -> Iterator[Planted]:
    """Plant every universal fault behind the last converter of a route, if the case passes there."""
    steps = walk.steps(case, route)
    if len(steps) <= len(route.hops) or not all(step.stage.outcome.passes for step in steps):
        return
    *before, last = steps
    if walk.is_random(case, route, [step.stage for step in steps]):
        return  # it passes by chance
    converter = (route.source, *route.hops)[-1].name
    stages = [step.stage for step in before]
    refused = replace(last.stage, outcome=Outcome.REFUSED, metrics=Metrics(), message="planted")
    spoilt = {REFUSE: refused}
    for name, spoil in SPOILING.items():
        outputs = tuple(_spoilt(sample, spoil) for sample in last.outputs)
        pairs = zip(case.samples, last.outputs, outputs, strict=True)
        if any(tells(sample.golden, right, wrong) for sample, right, wrong in pairs):
            spoilt[name] = walk.compared(case, last.stage, outputs)
    for name, stage in spoilt.items():
        fails = walk.judgement(case, route, [*stages, stage]) is Judgement.FAILED
        yield Planted(converter, case.subject, name, case.id, route.name, fails)


def by_layer(planted: Iterable[Planted]) -> list[dict[str, Any]]:
    """A record for each converter, layer and fault: the cases, and how many of them fail."""
    groups: dict[tuple[str, str, str], list[bool]] = {}
    for each in planted:
        groups.setdefault((each.converter, each.layer, each.fault), []).append(each.fails)
    return [
        {"converter": converter, "layer": layer, "fault": fault, "cases": len(fails), "failed": sum(fails)}
        for (converter, layer, fault), fails in sorted(groups.items())
    ]


def table(planted: Iterable[Planted]) -> Iterator[str]:
    """Lines of text: of each converter and fault the layers, the cases, and how many of them fail."""
    groups: dict[tuple[str, str], list[Planted]] = {}
    for each in planted:
        groups.setdefault((each.converter, each.fault), []).append(each)
    if groups:
        yield f"{'converter':18} {'universal fault':18} {'layers':>7} {'cases':>7} {'failed':>7}"
    for (converter, fault), members in sorted(groups.items()):
        layers, failed = len({each.layer for each in members}), sum(each.fails for each in members)
        share = "100 %" if failed == len(members) else f"{100 * failed / len(members):.2f} %"
        yield f"{converter:18} {fault:18} {layers:7,} {len(members):7,} {failed:7,}  {share}"


def _spoilt(outputs: Outputs, spoil: Callable[[Array], Array]) -> Outputs:
    return tuple(None if value is None else spoil(value) for value in outputs)


def tells(golden: Golden | None, right: Outputs, wrong: Outputs) -> bool:
    """Whether spoilt outputs are wrong by more than rounding explains: by shape, by what is no finite number, or by
    more than `DRIFT` times the largest noise of the output. Two rows that differ by less are the same row."""
    if golden is None:
        return False
    noises = [golden.noise.get(name) for name in golden.expected]
    return any(
        one is not None and other is not None and _is_apart(one, other, noise)
        for one, other, noise in zip(right, wrong, noises, strict=False)
    )


def _is_apart(right: Array, wrong: Array, noise: Array | None) -> bool:
    if right.shape != wrong.shape or right.dtype.kind != "f":
        return right.shape != wrong.shape or right.tobytes() != wrong.tobytes()
    finite = np.isfinite(right)
    if not np.array_equal(finite, np.isfinite(wrong)):
        return True
    if not np.array_equal(right[~finite], wrong[~finite], equal_nan=True):
        return True
    largest = 0.0 if noise is None or not noise.size else float(np.nanmax(noise))
    difference = np.abs(right[finite].astype(np.float64) - wrong[finite])
    return bool(difference.size and difference.max() > DRIFT * largest)
