"""What is left of a run that was cut: a line that says how far it came, and a page of the results that came."""

from __future__ import annotations

import shlex
from pathlib import Path

from harness.report.page import write_page
from harness.report.run import page_of as page_of_run
from harness.report.run import summary_of
from harness.results.file import Results

PAGE = ".html"
"""Ending of the page beside the results file."""
INTERRUPTED, BUDGET = "interrupted", "the budget is spent"
"""Why a run was cut."""
RESUME = "--resume"
RESUMING = (["pytest"], ["parity", "run"])
"""The beginnings of commands that can go on with what they have written."""


def page_of(path: Path) -> Path:
    """Where the page of a results file lies, if nobody named another place."""
    return path.with_suffix(PAGE)


def line(cut: Results, page: Path, why: str = INTERRUPTED) -> str:
    """How much of what the run owes came, the command to go on with, and the page that shows what came."""
    command = list(cut.header.command)
    if any(command[: len(each)] == each for each in RESUMING) and not {RESUME, "--plant"} & {*command}:
        command.append(RESUME)
    return f"{why}: {cut.share_that_came}; go on with `{shlex.join(command)}`; {page} shows what came"


def write(cut: Results, page: Path) -> Path:
    """Write the page. Returns its path."""
    return write_page(page_of_run(summary_of(cut)), page)
