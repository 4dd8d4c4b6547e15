"""Counts layers and cases by outcome for each route: the table of the README."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from harness.outcomes import Outcome
from harness.results.events import Result

Record = dict[str, Any]


KINDS = ("agree", "deviate", "refused", "invalid")
"""Fates of a layer on a route, best first; the worst of its cases counts."""


def _kind(outcomes: Sequence[Outcome]) -> str:
    worst = Outcome.worst(outcomes)
    if worst.passes:
        return "agree"
    if worst in (Outcome.DIVERGENT, Outcome.MALFORMED):
        return "deviate"
    return "refused" if worst is Outcome.REFUSED else "invalid"


def route_records(results: Iterable[Result]) -> list[Record]:
    """For each route, the number of layers of each kind, and the share of cases that agree.

    A layer agrees if all its cases do. A case that fails before the route's last hop counts by that failure.
    """
    outcomes: dict[str, dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        outcomes[result.route][result.layer].append(result.outcome)
    records = []
    for route, layers in outcomes.items():
        counts = Counter(map(_kind, layers.values()))
        cases = [outcome for of_layer in layers.values() for outcome in of_layer]
        agree = sum(outcome.passes for outcome in cases)
        records.append(
            {
                "route": route,
                "layers": len(layers),
                **{kind: counts[kind] for kind in KINDS},
                "cases": len(cases),
                "cases agree": f"{100.0 * agree / len(cases):.1f} %",
            }
        )
    return records


def markdown(records: Sequence[Record]) -> str:
    """Records as a Markdown table, with numbers aligned to the right."""
    if not records:
        return ""
    keys = list(records[0])
    rule = ["---" if isinstance(records[0][key], str) and "%" not in records[0][key] else "--:" for key in keys]
    lines = [keys, rule, *[[str(record[key]) for key in keys] for record in records]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
