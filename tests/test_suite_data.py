"""The committed goldens and expectations fit together: every known deviation has its minimal case."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.adapters.registry import installed
from harness.adapters.routes import all_routes
from harness.corpus.store import Store
from harness.judge.expectations import load
from harness.judge.facts import facts as facts_of

ROOT = Path(__file__).resolve().parents[1]
STORE = Store(ROOT / "golden")
EXPECTATIONS = load(STORE.root / "expectations")


@pytest.fixture(scope="module")
def entries() -> dict[str, object]:
    return {entry.id: entry for entry in STORE.entries()}


@pytest.mark.parametrize("item", EXPECTATIONS, ids=lambda item: item.id)
def test_minimal_case_is_a_golden_that_the_expectation_covers(item, entries) -> None:  # type: ignore[no-untyped-def]
    assert item.case in entries, f"{item.case} is no golden: name the smallest one that shows the deviation"
    case = entries[item.case].load()
    routes = [route for route in all_routes(installed()) if route.dialect == case.spec.dialect]
    facts = {**facts_of(case), **case.config}
    covered = [r for r in routes if item.covers(route=r.name, layer=case.subject, config=facts)]
    assert covered
    assert any(item.blames(name) for route in covered for name in ("source", *(hop.name for hop in route.hops)))


def test_corpus_is_small_and_named_by_what_is_in_it() -> None:
    assert sum(path.stat().st_size for path, _ in STORE.archives()) < 40e6
    for entry in STORE.entries():
        assert entry.archive.stem == entry.subject
        assert entry.id.startswith(f"{entry.dialect}-{entry.subject}-")
