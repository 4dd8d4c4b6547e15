"""The difference between two runs as data for programs: docs/usage.md explains the keys."""

from __future__ import annotations

from typing import Any

from harness.analysis.difference import RECORDED, Difference
from harness.report.difference import words
from harness.results.events import plain
from harness.results.file import Results


def data(difference: Difference) -> dict[str, Any]:
    """Strict JSON data."""
    content = {
        "title": words.title(difference),
        "sentence": words.sentence(difference),
        "passed": not difference.fails,
        "base": _run(difference.base.name, difference.base.results),
        "head": _run("head", difference.head),
        "environment": [each.to_json() for each in difference.environment],
        "warnings": list(difference.warnings),
        "answers": {answer.value: count for answer, count in difference.counts.items()},
        "compared": difference.compared,
        "random": difference.random,
        "not_compared": dict(zip(("base", "head"), difference.unselected, strict=True)),
        "only_base": [list(key) for key in difference.only_base],
        "only_head": [list(key) for key in difference.only_head],
        "groups": [group.to_json() for group in difference.groups],
        "new": [
            {"case": each.case, "route": each.route, "outcome": each.outcome.value, "judgement": each.judgement.value}
            for each in difference.new
        ],
        "untried": [each.to_json() for each in difference.untried],
        "acceptances": {
            "expired": [each.to_json() for each in difference.expired],
            "not_needed": [{**each.to_json(), "now": now} for each, now in difference.idle],
        },
    }
    checked: dict[str, Any] = plain(content)
    return checked


def _run(name: str, results: Results | None) -> dict[str, Any]:
    if results is None:
        return {"name": RECORDED, "started": None, "results": None}
    return {"name": name, "started": results.header.started, "results": len(results.results)}
