"""The page of one run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.analysis.defects import Defect
from harness.analysis.tally import defects
from harness.report.causes import of_defect
from harness.report.columns import index, ordered
from harness.report.details import details
from harness.report.page import Page
from harness.report.summary import Summary
from harness.report.trackers import trackers
from harness.results.file import Results


def summary_of(results: Results, running: str = "") -> Summary:
    """What the first screen says of a run, with its defects. `running` is the time if the run goes on."""
    return Summary(results, defects(results.results, results.header.plugins), running)


def page_of(summary: Summary, history: Mapping[str, Results] | None = None) -> Page:
    """The page of a run. `history` are earlier runs by name, which its plot of the history shows."""
    results, causes = summary.results, summary.defects
    earlier = sorted((history or {}).items(), key=lambda item: item[1].header.started)
    return Page(
        kind="run",
        title=f"Parity report: {summary.verdict.lower()}",
        first={
            **summary.to_json(),
            "new": [{"place": place, **of_defect(each)} for place, each in enumerate(causes, 1) if each.unexpected],
            "trackers": trackers(results),
            "history": [*(_point(name, run) for name, run in earlier), _point("this run", results)],
        },
        blocks=_blocks(results, causes),
        plain=(f"{summary.verdict}. {summary.sentence}", *_unavailable(results), summary.sentence_of_defects),
    )


def _blocks(results: Results, causes: Sequence[Defect]) -> Iterator[tuple[str, Any]]:
    rows = ordered(results.results)
    defect_of = {key: place for place, defect in enumerate(causes, 1) for key in defect.results}
    yield "index", {**index(rows, defect_of), "defects": [of_defect(defect) for defect in causes]}
    yield from details(rows)


def _unavailable(results: Results) -> Iterator[str]:
    for route in results.header.unavailable:
        yield f"The route {route.name} could not run: {route.reason or 'no reason was given'}"


def _point(name: str, results: Results) -> dict[str, Any]:
    """One run in the history."""
    return {
        "name": name,
        "started": results.header.started,
        "results": len(results.results),
        "outcomes": results.outcomes,
        "judgements": results.judgements,
        "seconds": results.footer.seconds if results.footer else None,
    }
