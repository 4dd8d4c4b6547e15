"""The suite's own test: the golden corpus must catch every planted fault.

For each fault, the cases of its layers are walked along the real route and the planted one. A case catches the fault if
it passes on the real route and fails on the planted one. The walk goes by layer and case, not by fault, so that a case
is converted once for all faults of its layer. A fault that no case catches is a hole in the corpus: mend the draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.adapters.registry import Registry
from harness.adapters.routes import Route
from harness.corpus.store import Entry, GoldenError
from harness.planted import Fault
from harness.results.events import Result
from harness.run.session import Session
from harness.run.walk import Walk
from harness.spec import Case


@dataclass(frozen=True)
class Catch:
    """The end of the hunt for one fault: which case caught it, the number of cases walked, and the noise units."""

    name: str
    caught: bool
    by: str | None
    cases: int
    units: float | None
    outcome: str | None
    does: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class _Hunt:
    """The hunt for one fault: its two routes, and the number of cases walked so far."""

    fault: Fault
    real: Route
    planted: Route
    cases: int = 0
    caught: bool = False

    @property
    def places(self) -> list[tuple[str, str]]:
        """Folder and layer of each archive whose cases should catch the fault."""
        return [(self.real.dialect, layer) for layer in self.fault.layers]

    def catch(self, case: Case, walk: Walk) -> Catch | None:
        """Walk a case along both routes; the catch if it catches the fault."""
        self.cases += 1
        if not walk.result(case, self.real).outcome.passes:
            return None
        wrong = walk.result(case, self.planted)
        self.caught = not wrong.outcome.passes
        return _catch(self, wrong) if self.caught else None


def run(session: Session, faults: Sequence[Fault]) -> Iterator[Catch]:
    """Walk with the session's workers; yields each fault when it is caught, then the faults that no case caught.

    Raises GoldenError for a fault whose layers have no golden case.
    """
    planted = _planted(session, faults)
    hunts = [_Hunt(fault, *_routes(planted, fault)) for fault in faults]
    places = dict.fromkeys(place for hunt in hunts for place in hunt.places)
    entries = {place: session.store.entries(place[1], folder=place[0]) for place in places}
    for hunt in hunts:
        if not any(entries[place] for place in hunt.places):
            raise GoldenError(
                f"no golden case can catch the fault {hunt.fault.name}",
                where=session.store.root,
                expected=f"cases of {' or '.join(hunt.fault.layers)}",
                advice="`parity golden freeze` draws them.",
            )
    kept = None if session.kept is None else session.kept.of(planted)
    walk = Walk(
        planted,
        session.workers,
        session.expectations,
        sources=filter(None, [kept]),
        limit=session.selection.limit,
    )
    try:
        for place, members in entries.items():
            yield from _caught(walk, [hunt for hunt in hunts if place in hunt.places], members)
    finally:
        walk.close()
        if kept is not None:
            kept.confirm()
    yield from (Catch(h.fault.name, False, None, h.cases, None, None, h.fault.does) for h in hunts if not h.caught)


def obstacle(session: Session, fault: Fault) -> str:
    """The reason why the routes of a fault cannot run here; '' if they can."""
    planted = _planted(session, (fault,))
    return next((why for route in _routes(planted, fault) if (why := route.missing(planted))), "")


def _planted(session: Session, faults: Sequence[Fault]) -> Registry:
    registry = session.registry
    return Registry(registry.formats, (*registry.hops, *(fault.plugin for fault in faults)), registry.runtimes)


def _caught(walk: Walk, hunts: Sequence[_Hunt], entries: Sequence[Entry]) -> Iterator[Catch]:
    for entry in entries:
        open_hunts = [hunt for hunt in hunts if not hunt.caught]
        if not open_hunts:
            return
        case = entry.load()
        for hunt in open_hunts:
            if (catch := hunt.catch(case, walk)) is not None:
                yield catch


def _catch(hunt: _Hunt, wrong: Result) -> Catch:
    last, fault = wrong.stages[-1], hunt.fault
    return Catch(fault.name, True, wrong.case, hunt.cases, last.units, str(last.outcome), fault.does)


def _routes(registry: Registry, fault: Fault) -> tuple[Route, Route]:
    """The route with the real hop, and the route with the planted hop in its place, or behind it if the planted hop
    edits the real hop's artifact."""
    hops = {hop.name: hop for hop in registry.hops}
    before, real = tuple(hops[name] for name in fault.before), hops[fault.wraps]
    source = registry.format((*before, real)[0].source)
    assert source is not None, "a real hop starts from a format"
    instead = fault.plugin.source == real.source
    return Route(source, (*before, real)), Route(source, (*before, *(() if instead else (real,)), fault.plugin))
