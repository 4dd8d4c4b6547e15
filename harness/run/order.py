"""The order of a run, breadth first: at any moment, what has been walked is the best sample of what is owed.

First comes the case of each layer with the most axis values, on the main routes, which walk every case. Then come the
cases that add the most pairs of values, in turns from layer to layer. Side routes walk a few cases of each layer: the
first of them early, so that a broken side route shows soon, the others last. What failed last time, and what is not on
record, comes before all else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from harness.adapters.routes import Route
from harness.corpus.store import Entry
from harness.judge.record import Record
from harness.run.session import Session, ranked
from harness.spec import EMPTY_BATCH

Pair = tuple[Entry, Route]
Place = tuple[bool, int, int]
"""Sorts pairs: whether it may wait, its round, and whether it is of a side route."""
SIDE_AFTER = 2
"""Rounds of the main routes before the first round of the side routes."""
LAST = 1 << 20
"""The round of the further cases of side routes; more cases no layer has."""


@dataclass(frozen=True)
class Order:
    """Where each pair of case and route stands in a run.

    `ranks` are those of the cases in their layers. `main` are the beginnings of main routes: the source format and the
    first hop. Routes of one beginning stay together, because they share what is dear to make. `urgent` are the cases
    that failed last time, and `record` knows the cases that are not new.
    """

    ranks: Mapping[str, int]
    main: frozenset[tuple[str, ...]]
    record: Record
    urgent: frozenset[str] = frozenset()

    @classmethod
    def of(cls, session: Session, failed: Collection[str] = ()) -> Order:
        """The order of a session's run. `failed` are the ids of cases that failed last time."""
        return cls(
            ranked(session.store.entries(*session.selection.layer)),
            frozenset(_beginning(route) for route in session.runnable if route.depth is None),
            session.record,
            frozenset(case.removesuffix(EMPTY_BATCH) for case in failed),
        )

    def place(self, pair: Pair) -> Place:
        """Pairs of a lower place are walked before."""
        entry, route = pair
        rank, side = self.ranks.get(entry.id, 0), _beginning(route) not in self.main
        waits = entry.id not in self.urgent and bool(self.record.at(entry.id, route.source.name))
        if not side:
            return waits, rank, side
        return waits, LAST + rank if rank else SIDE_AFTER, side

    def sorted(self, pairs: Iterable[Pair]) -> list[Pair]:
        """The pairs in order; those of one case and beginning that were neighbours still are."""
        return sorted(pairs, key=self.place)


def _beginning(route: Route) -> tuple[str, ...]:
    return (route.source.name, *(hop.name for hop in route.hops[:1]))
