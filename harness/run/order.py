"""The order of a run, breadth first: at any moment, what has been walked is the best sample of what is owed.

First comes the case of each layer with the most axis values: on the main routes, which walk every case, then on the
side routes, so that each layer is seen on each route. Then come the cases that add the most pairs of values, in turns
from layer to layer; further cases of side routes come last. What failed last time, and what is not on record, comes
before all else.
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
LAST = 1 << 20
"""The round of the further cases of side routes; more cases no layer has."""


@dataclass(frozen=True)
class Order:
    """Where each pair of case and route stands in a run.

    `ranks` are those of the cases in their layers. `main` are the beginnings of main routes: the source format and the
    first hop. Routes of one beginning stay together, because they share what is dear to make. `first` has the first
    case of each layer on each route, `urgent` the cases that failed last time. `record` knows the cases that are not
    new.
    """

    ranks: Mapping[str, int]
    main: frozenset[tuple[str, ...]]
    first: frozenset[tuple[str, str]]
    record: Record
    urgent: frozenset[str] = frozenset()

    @classmethod
    def of(cls, session: Session, pairs: Iterable[Pair], failed: Collection[str] = ()) -> Order:
        """The order of these pairs in a session's run. `failed` are the ids of cases that failed last time."""
        ranks = ranked(session.store.entries(*session.selection.layer))
        first: dict[tuple[str, str, str], tuple[int, str]] = {}
        for entry, route in pairs:
            key = (entry.dialect, entry.subject, route.name)
            first[key] = min(first.get(key, (LAST, "")), (ranks.get(entry.id, 0), entry.id))
        return cls(
            ranks,
            frozenset(_beginning(route) for route in session.runnable if route.depth is None),
            frozenset((case, route) for (_, _, route), (_, case) in first.items()),
            session.record,
            frozenset(case.removesuffix(EMPTY_BATCH) for case in failed),
        )

    def place(self, pair: Pair) -> Place:
        """Pairs of a lower place are walked before."""
        entry, route = pair
        rank, side = self.ranks.get(entry.id, 0), _beginning(route) not in self.main
        waits = entry.id not in self.urgent and bool(self.record.at(entry.id, route.source.name))
        if side:
            rank = 0 if (entry.id, route.name) in self.first else LAST + rank
        return waits, rank, side

    def sorted(self, pairs: Iterable[Pair]) -> list[Pair]:
        """The pairs in order. Neighbours of one case and beginning stay neighbours."""
        return sorted(pairs, key=self.place)


def _beginning(route: Route) -> tuple[str, ...]:
    return (route.source.name, *(hop.name for hop in route.hops[:1]))
