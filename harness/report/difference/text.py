"""The difference between two runs as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from harness.analysis.difference import Difference
from harness.analysis.grouping import Group
from harness.report.difference import words

WIDTH = 120
LINES = 5
"""Most lines of a group that name a stage each."""


def text(difference: Difference) -> str:
    """What is compared with what, what differs between the environments, the groups, the remarks, the counts, and the
    sentence."""
    return "\n".join(_lines(difference))


def _lines(difference: Difference) -> Iterator[str]:
    yield words.title(difference)
    yield from (f"  other environment: {line}" for line in words.environment(difference))
    for place, group in enumerate(difference.groups, 1):
        yield ""
        yield f"{place}. {group.title}"
        yield from _details(group)
    yield ""
    yield from words.untried(difference)
    yield from words.remarks(difference)
    yield words.counts(difference)
    yield words.sentence(difference)


def _details(group: Group) -> Iterator[str]:
    for label, said in words.details(group).items():
        start = f"  {label:9}"
        yield textwrap.fill(said, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
    yield from (f"    {line}" for line in group.lines[:LINES])
    if len(group.lines) > LINES:
        yield f"    and {len(group.lines) - LINES:,} more"
