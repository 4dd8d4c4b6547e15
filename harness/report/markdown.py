"""The first screen as Markdown, for the summary of a job: in the words of the page."""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.defects import Defect
from harness.patterns import few
from harness.report.difference.markdown import raw, safe
from harness.report.difference.words import many
from harness.report.summary import RouteShare, Summary

MOST = 30
"""Most new defects that are listed."""


def markdown(summary: Summary) -> str:
    """The page: may I merge, which way should I take, is the run whole."""
    return "\n".join(_lines(summary)) + "\n"


def _lines(summary: Summary) -> Iterator[str]:
    results, run = summary.results, summary.to_json()["run"]
    yield f"## {summary.verdict}\n\n{safe(summary.sentence)}\n"
    yield "### May I merge?\n"
    yield "| " + " | ".join(answer.value for answer, _ in summary.counts) + " |"
    yield "|" + "--:|" * len(summary.counts)
    yield "| " + " | ".join(f"{count:,}" for _, count in summary.counts) + " |\n"
    new = summary.new_defects
    yield (
        f"{many(len(new), 'defect')} that {'is' if len(new) == 1 else 'are'} new.\n"
        if new
        else "No defects that are new.\n"
    )
    yield from map(_defect, new[:MOST])
    if len(new) > MOST:
        yield f"- and {len(new) - MOST:,} more"
    yield f"\n{safe(summary.sentence_of_defects)}.\n"
    yield "### Which way should I take?\n"
    yield "| route | results | agree | expected | failed | share |\n|---|--:|--:|--:|--:|--:|"
    yield from (_route(each) for each in summary.routes if each.main)
    side = [each for each in summary.routes if not each.main]
    if side:
        yield f"\n{many(len(side), 'side route')} with {many(sum(each.results for each in side), 'result')} more."
    yield "\n### Is the run whole?\n"
    owed = f"{run['owed']:,}" if run["owed"] else f"at least {run['floor']:,}"
    rest = f"{run['unwalked']:,} not walked" if run["unwalked"] else f"{run['lost']:,} lost"
    yield f"{owed} owed, {run['results']:,} run, {rest}. {safe(summary.busy)}".rstrip()
    for route in results.header.unavailable:
        yield f"- {safe(route.name)} could not run: {safe(route.reason or 'no reason was given')}"


def _defect(defect: Defect) -> str:
    return (
        f"- **{safe(defect.hop)}** {defect.outcome}: {safe(few(defect.layers))}, {many(defect.unexpected, 'result')}; "
        f"when {safe(defect.brief)}; smallest {safe(defect.smallest)}<br><code>{raw(defect.short_message)}</code>"
    )


def _route(each: RouteShare) -> str:
    numbers = f"{each.results:,} | {each.agree:,} | {each.expected:,} | {each.failed:,}"
    return f"| {safe(each.route)} | {numbers} | {each.share} |"
