"""The page of a difference: the head's results, each with what it answers to the base, and the changes as groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from harness.analysis.change import Change
from harness.analysis.difference import Difference
from harness.report.causes import of_group
from harness.report.columns import index, ordered
from harness.report.details import details
from harness.report.difference import words
from harness.report.page import Page
from harness.report.summary import Summary
from harness.report.trackers import trackers
from harness.results.events import Answer, Judgement, RecordNote, Result


def page_of(difference: Difference) -> Page:
    """The page of a difference. A result fails that is worse than the base's and not accepted, and no other."""
    summary = Summary(replace(difference.head, results=tuple(_answering(difference))), ())
    sentence = words.sentence(difference)
    verdict = "Worse" if difference.fails else "Not worse"
    rows = [{"place": place, **of_group(group)} for place, group in enumerate(difference.groups, 1)]
    return Page(
        kind="difference",
        title=f"Parity difference: {verdict.lower()}",
        first={
            **summary.to_json(),
            "verdict": verdict,
            "good": not difference.fails,
            "sentence": sentence,
            "base": difference.base.name,
            "counts": [
                {"name": answer.value, "count": difference.counts.get(answer, 0)} for answer, _ in summary.counts
            ],
            "defects": words.counts(difference),
            "new": [row for row in rows if row["unexpected"]],
            "remarks": [
                words.title(difference),
                *(f"other environment: {line}" for line in words.environment(difference)),
                *words.untried(difference),
                *words.remarks(difference),
            ],
            "trackers": trackers(difference.head),
            "history": [],
        },
        blocks=_blocks(difference, summary),
        plain=(words.title(difference), f"{verdict}. {sentence}", words.counts(difference)),
    )


def _blocks(difference: Difference, summary: Summary) -> Iterator[tuple[str, Any]]:
    rows = ordered(summary.results.results)
    group_of = {change.key: place for place, group in enumerate(difference.groups, 1) for change in group.changes}
    yield "index", {**index(rows, group_of), "defects": [of_group(group) for group in difference.groups]}
    yield from details(rows)


def _answering(difference: Difference) -> Iterator[Result]:
    """The head's results with their answers to the base, and judged by them alone."""
    changes = {change.key: change for change in difference.changes}
    new = {result.key for result in difference.new}
    for result in difference.head.results:
        change = changes.get(result.key)
        yield replace(
            result,
            answer=Answer.NEW if result.key in new else Answer.SAME if change is None else change.answer,
            judgement=_judgement(result, change),
            recorded=None if change is None else RecordNote(change.answered.place, change.before),
            message=result.message if change is None else change.message,
        )


def _judgement(result: Result, change: Change | None) -> Judgement:
    if change is not None and change.fails:
        return Judgement.FAILED
    return Judgement.PASSED if result.fault is None else Judgement.EXPECTED
