"""The walk over the golden corpus, the same for `pytest suites/` and `parity run`."""

from __future__ import annotations

from functools import cached_property

from harness.adapters.routes import Route
from harness.corpus.store import Entry
from harness.results.events import Result
from harness.run.graphs import Graphs
from harness.run.reduce import with_first_tensor
from harness.run.session import Session
from harness.run.universal import Planted, hunt
from harness.spec import Case


class CorpusWalk:
    """Walks golden cases along routes. Walk all routes of a case in a row: it keeps only the last case loaded."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._case: Case | None = None

    @cached_property
    def _graphs(self) -> Graphs:
        return Graphs(self.session.walk, self.session.kept)

    def results(self, entry: Entry, route: Route) -> tuple[Result, ...]:
        """The result of one case on one route, and that of its empty batch where it is one of its own.

        If a result fails, its message names the first tensor that deviates, and its stages have graphs; those of
        minimal cases have them too. Models too large to store are the exception: the search for that tensor walks the
        model several times. Raises GoldenError if the case is damaged.
        """
        case, walk = self._loaded(entry), self.session.walk
        results = walk.apart(case, route)
        if entry.is_large:
            return results
        with_graphs = [self._graphs.added(case, route, each) for each in results]
        return tuple(with_first_tensor(walk, case, route, each) for each in with_graphs)

    def planted(self, entry: Entry, route: Route) -> list[Planted]:
        """Every universal fault behind the last converter of a route, if the case passes there."""
        return list(hunt(self.session.walk, self._loaded(entry), route))

    def _loaded(self, entry: Entry) -> Case:
        if self._case is None or self._case.id != entry.id:
            self._case = entry.load()
        return self._case
