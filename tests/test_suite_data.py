"""The committed goldens and findings fit together: every known deviation has its minimal case."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness.adapters.registry import installed
from harness.adapters.routes import Route, all_routes
from harness.corpus.store import Entry, Store
from harness.judge.expectations import Expectation
from harness.judge.facts import facts
from harness.judge.findings import load
from harness.results.events import SOURCE

ROOT = Path(__file__).resolve().parents[1]
STORE = Store(ROOT / "golden")
KNOWN = load(STORE.root / "findings")


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    return {entry.id: entry for entry in STORE.entries()}


def named(route: Route) -> tuple[str, ...]:
    """Who can be at fault on a route."""
    return (SOURCE, *(hop.name for hop in route.hops))


@pytest.mark.parametrize("item", KNOWN.expectations, ids=lambda item: item.id)
def test_minimal_case_is_a_golden_of_which_the_expectation_speaks(item: Expectation, entries: dict[str, Entry]) -> None:
    """On one route at least it covers the case, blames a stage, and none before it takes all that it foresees."""
    assert item.case in entries, f"{item.case} is no golden: name the smallest one that shows the deviation"
    case = entries[item.case].load()
    config = {**facts(case), **case.config}
    routes = [route for route in all_routes(installed()) if route.dialect == case.spec.dialect]
    speaks = [
        route
        for route in routes
        if item.covers(case=case.id, route=route.name, layer=case.subject, config=config)
        and any(map(item.blames, named(route)))
    ]
    assert speaks, f"{item.case} on no route"
    earlier = [
        other
        for other in KNOWN.expectations[: KNOWN.expectations.index(item)]
        if not other.says and set(item.outcome) <= set(other.outcome)
    ]
    taken = {
        route.name: other.id
        for route in speaks
        for other in earlier
        if other.covers(case=case.id, route=route.name, layer=case.subject, config=config)
        and all(other.blames(name) for name in named(route) if item.blames(name))
    }
    assert len(taken) < len(speaks), f"what it foresees of {item.case} is taken: {taken}"


def test_a_finding_stands_in_the_file_of_the_project_at_fault() -> None:
    for path in sorted((STORE.root / "findings").glob("*.toml")):
        components = {item["component"] for item in tomllib.loads(path.read_text("utf-8")).get("finding", ())}
        projects = {re.split(" on | with ", component)[0].replace(" ", "").lower() for component in components}
        assert projects <= {path.stem}


def test_corpus_is_small_and_named_by_what_is_in_it() -> None:
    assert sum(path.stat().st_size for path, _ in STORE.archives()) < 40e6
    for entry in STORE.entries():
        assert entry.archive.stem == entry.subject
        assert entry.id.startswith(f"{entry.dialect}-{entry.subject}-")
