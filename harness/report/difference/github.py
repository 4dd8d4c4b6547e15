"""GitHub's workflow commands: an annotation for each defect, at file and line of the converter where they are known.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.analysis.difference import Difference
from harness.analysis.grouping import Group
from harness.report.difference import words
from harness.results.changed import Changed

MOST = 10
"""Annotations of one kind that GitHub shows for a step."""


def commands(difference: Difference, workspace: str = "") -> list[str]:
    """The lines to print. `workspace` is the folder of the checkout: what lies there is named by its path in it."""
    worse = [_of_group("error", group, workspace) for group in difference.groups if group.fails]
    told = [_of_untried(each, workspace) for each in difference.untried]
    told += [_command("warning", line, title="parity") for line in _warnings(difference)]
    better = [_of_group("notice", group, workspace) for group in difference.groups if not group.fails]
    return [*_most("error", worse), *_most("warning", told), *_most("notice", better)]


def _warnings(difference: Difference) -> Iterator[str]:
    yield from words.remarks(difference)
    yield from (f"other environment: {line}" for line in words.environment(difference))


def _of_untried(each: Changed, workspace: str) -> str:
    """A warning at the function, in the checkout where its file lies there: its package may be in a folder `src`."""
    found = (path for path in (each.file, f"src/{each.file}") if workspace and Path(workspace, path).is_file())
    place: dict[str, str | int] = {"file": path, "line": max(each.line, 1)} if (path := next(found, "")) else {}
    return _command("warning", words.not_tried(each), **place, title="not tried")


def _of_group(kind: str, group: Group, workspace: str) -> str:
    known = words.details(group)
    lines = [f"{label}: {known[label]}" for label in ("when", "before", "now", "accepted", "replay") if label in known]
    place: dict[str, str | int] = {}
    if group.frame is not None and (path := group.frame.within(workspace)):
        place = {"file": path, "line": group.frame.line}
    elif group.frame is not None:
        lines.insert(0, f"at: {group.frame}")
    return _command(kind, "\n".join(lines), **place, title=group.title)


def _most(kind: str, lines: list[str]) -> list[str]:
    """The lines, at most as many as are shown; the last then says how many more there are."""
    if len(lines) <= MOST:
        return lines
    rest = len(lines) - MOST + 1
    return [*lines[: MOST - 1], _command(kind, f"{rest:,} more are in the summary of the job", title="parity")]


def _command(kind: str, message: str, **properties: str | int) -> str:
    named = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind} {named}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
