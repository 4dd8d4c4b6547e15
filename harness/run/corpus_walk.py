"""The walk over the golden corpus, the same for `pytest suites/` and `parity run`."""

from __future__ import annotations

from harness.adapters.routes import Route
from harness.corpus.store import Entry
from harness.results.events import Result
from harness.run.reduce import with_first_tensor
from harness.run.session import Session
from harness.spec import Case


class CorpusWalk:
    """Walks golden cases along routes. Walk all routes of a case in a row: it keeps only the last case loaded."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._case: Case | None = None

    def result(self, entry: Entry, route: Route) -> Result:
        """The result of one case on one route. If it fails, its message names the first tensor that deviates.

        Models too large to store are the exception: the search for that tensor walks the model several times. Raises
        GoldenError if the case is damaged.
        """
        case = self._loaded(entry)
        result = self.session.walk.result(case, route)
        return result if entry.is_large else with_first_tensor(self.session.walk, case, route, result)

    def _loaded(self, entry: Entry) -> Case:
        if self._case is None or self._case.id != entry.id:
            self._case = entry.load()
        return self._case
