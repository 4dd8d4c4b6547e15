"""What is left of a run that was interrupted: a line that says how far it came, and a page of the results that came."""

from __future__ import annotations

import shlex
from pathlib import Path

from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from harness.results.file import Results

PAGE = ".html"
"""Ending of the page beside the results file."""


def line(cut: Results, path: Path) -> str:
    """How much of what the run owes came, the command to go on with, which takes what the cut run kept, and the page
    beside the results file."""
    command = shlex.join(cut.header.command)
    return f"interrupted: {cut.share_that_came}; go on with `{command}`; {path.with_suffix(PAGE)} shows what came"


def write(cut: Results, path: Path) -> Path:
    """Write the page beside the results file. Returns its path."""
    return write_page(page_of(summary_of(cut)), path.with_suffix(PAGE))
