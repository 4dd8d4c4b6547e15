"""The suite's own test: every planted fault must be caught by the golden corpus.

For each fault, the cases of its layers go along the real route and the planted one, until the planted stage fails
where the real one passes. A fault that no case catches is a hole in the corpus: mend the draw, not the fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.planted import Fault
from harness.registry import Registry
from harness.results import Result
from harness.routes import Route
from harness.run import Walk
from harness.session import Session


@dataclass(frozen=True)
class Catch:
    """What became of one fault: the case that caught it, after how many, and by how many noise units."""

    name: str
    caught: bool
    by: str | None
    cases: int
    units: float | None
    outcome: str | None
    does: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def run(session: Session, faults: Sequence[Fault]) -> Iterator[Catch]:
    """Catch the faults one by one, with the session's workers. Raises ValueError for a fault whose layers have no
    golden case."""
    registry = session.registry
    planted = Registry(registry.formats, (*registry.hops, *(f.plugin for f in faults)), registry.runtimes)
    walk = Walk(planted, session.workers, session.expectations, limit=session.selection.limit)
    try:
        for fault in faults:
            yield _caught(session, walk, fault)
    finally:
        walk.close()


def _caught(session: Session, walk: Walk, fault: Fault) -> Catch:
    real, planted = _routes(walk.registry, fault)
    entries = [entry for layer in fault.layers for entry in session.store.entries(layer=layer, folder=real.dialect)]
    if not entries:
        raise ValueError(f"fault {fault.name} concerns {fault.layers}, of which there is no golden case")
    for count, entry in enumerate(entries, start=1):
        case = entry.load()
        right, wrong = walk.result(case, real), walk.result(case, planted)
        if right.outcome.passes and not wrong.outcome.passes:
            return _catch(fault, count, wrong)
    return Catch(fault.name, False, None, len(entries), None, None, fault.does)


def _catch(fault: Fault, count: int, wrong: Result) -> Catch:
    last = wrong.stages[-1]
    return Catch(fault.name, True, wrong.case, count, last.units, str(last.outcome), fault.does)


def _routes(registry: Registry, fault: Fault) -> tuple[Route, Route]:
    """The route over the real hop and the one over the planted hop."""
    source = registry.format(fault.plugin.source)
    real = next(hop for hop in registry.hops if hop.name == fault.wraps)
    assert source is not None, "a planted hop has the source format of the hop it wraps"
    return Route(source, (real,)), Route(source, (fault.plugin,))
