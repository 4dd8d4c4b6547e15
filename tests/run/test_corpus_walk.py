"""The walk over the corpus: a case is loaded once for its routes; a failing one names its first deviating tensor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.adapters.routes import Route
from harness.corpus.store import Entry
from harness.run import corpus_walk
from harness.run.corpus_walk import CorpusWalk
from harness.run.session import Session
from harness.spec import Case
from tests.miniatures import dense_case

CASES = {case.id: case for case in (dense_case(), dense_case(1))}
ROUTE = cast("Route", "a route")


class _Entry:
    """An entry of the store that counts how often it is loaded."""

    def __init__(self, name: str, *, is_large: bool = False) -> None:
        self.id = name
        self.is_large = is_large
        self.loads = 0

    def load(self) -> Case:
        self.loads += 1
        return CASES[self.id]


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> CorpusWalk:
    """Its results are the case's id and the route; what is added to them says so."""
    results = SimpleNamespace(apart=lambda case, route: ((case.id, route),))
    graphs = SimpleNamespace(added=lambda case, route, result: (*result, "graphs"))
    monkeypatch.setattr(corpus_walk, "Graphs", lambda walk, kept: graphs)
    monkeypatch.setattr(corpus_walk, "with_first_tensor", lambda walk, case, route, result: (*result, "first tensor"))
    return CorpusWalk(cast("Session", SimpleNamespace(walk=results, kept=None)))


def _result(walk: CorpusWalk, entry: _Entry) -> Any:
    (result,) = walk.results(cast("Entry", entry), ROUTE)
    return result


def test_a_case_is_loaded_once_while_its_routes_follow_one_another(walk: CorpusWalk) -> None:
    first, second = (_Entry(name) for name in CASES)
    asked = [first, first, second, second, first]
    assert [_result(walk, entry)[0] for entry in asked] == [entry.id for entry in asked]
    assert (first.loads, second.loads) == (2, 1)


def test_a_large_model_is_not_walked_again_for_its_first_tensor(walk: CorpusWalk) -> None:
    name = next(iter(CASES))
    assert _result(walk, _Entry(name)) == (name, ROUTE, "graphs", "first tensor")
    assert _result(walk, _Entry(name, is_large=True)) == (name, ROUTE)
