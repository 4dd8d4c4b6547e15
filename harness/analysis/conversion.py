"""Which cases came to an answer on each route."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from harness.outcomes import Harm
from harness.results.events import Result


def converted(results: Iterable[Result]) -> dict[str, dict[str, bool]]:
    """By route, the cases walked on it: whether each of their stages was made and ran, right or wrong."""
    routes: dict[str, dict[str, bool]] = defaultdict(dict)
    for result in results:
        routes[result.route][result.case] = all(stage.outcome.harm is not Harm.LOUD for stage in result.stages)
    return dict(routes)
