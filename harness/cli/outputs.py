"""Shared parts of the verbs that compare: options, the base, the acceptances, and the outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.analysis.difference import RECORDED, Base, Difference, difference
from harness.cli.console import load_results
from harness.cli.main import AGREED, DEVIATIONS
from harness.files import atomic_write
from harness.judge import accepted
from harness.judge.accepted import Accepted
from harness.report.difference.data import data
from harness.report.difference.github import commands
from harness.report.difference.junit import junit
from harness.report.difference.markdown import markdown
from harness.report.difference.page import page_of
from harness.report.difference.text import text
from harness.report.page import write_page
from harness.results.file import Results
from harness.run.session import Session
from harness.run.spared import Spared

F = TypeVar("F", bound=Callable[..., Any])

across_option = click.option(
    "--across",
    metavar="NAME",
    multiple=True,
    help="Compare although NAME differs: a distribution, python or platform (repeatable).",
)
_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class Outputs:
    """Where a difference is shown beside the terminal."""

    accepted: Path | None = None
    page: Path | None = None
    as_json: bool = False
    markdown: Path | None = None
    junit: Path | None = None
    github: bool = False

    @classmethod
    def names(cls) -> list[str]:
        return [item.name for item in fields(cls)]

    def acceptances(self) -> tuple[Accepted, ...] | None:
        """What the file of acceptances holds; None without one. Raises AcceptedError."""
        return None if self.accepted is None else accepted.load(self.accepted)


def output_options(command: F) -> F:
    """The options of `Outputs`, as keyword arguments of its fields' names."""
    options = [
        click.option(
            "--accepted", metavar="FILE", type=_FILE, help="Let what this TOML file accepts, case by case, not fail."
        ),
        click.option("-o", "--out", "page", metavar="PAGE.html", type=_FILE, help="Write one HTML page."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text."),
        click.option("--markdown", metavar="FILE", type=_FILE, help="Write a page for a job or a pull request."),
        click.option("--junit", metavar="FILE", type=_FILE, help="Write JUnit XML."),
        click.option("--github", is_flag=True, help="Print annotations for GitHub, too."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def base_of(session: Session, name: str, *, part: bool = False) -> Base:
    """What a run is compared with: a results file, for a `part` also that of a shard, or for the word `recorded` the
    record."""
    record = session.record
    return Base.recorded(record) if name == RECORDED else Base.of(name, load_results(Path(name)), record, part=part)


def compared(
    session: Session, base: Base, head: Results, *, across: Iterable[str] = (), backwards: bool = False
) -> Difference:
    """The difference of a head from its base."""
    return difference(
        base,
        head,
        across=across,
        backwards=backwards,
        expectations=session.expectations,
        spared=spared_by(session, head),
    )


def spared_by(session: Session, head: Results) -> Spared:
    """Which stages on record a head need not have, by the routes and the pack that the header names."""
    walked = (route.name for route in head.header.routes if route.available)
    return session.spared(walked, head.header.pack)


def shown(session: Session, what: Difference, outputs: Outputs) -> int:
    """Apply the acceptances, print and write everything, and return the exit code."""
    if (entries := outputs.acceptances()) is not None:
        accepted.check_names(entries, *_names(session, what), where=outputs.accepted)
        what = what.accepting(entries, datetime.now(UTC).date())
    if outputs.page is not None:
        write_page(page_of(what), outputs.page)
    if outputs.markdown is not None:
        atomic_write(outputs.markdown, markdown(what).encode())
    if outputs.junit is not None:
        atomic_write(outputs.junit, junit(what))
    click.echo(json.dumps(data(what), indent=1, allow_nan=False) if outputs.as_json else text(what))
    if outputs.github:
        for line in commands(what, os.environ.get("GITHUB_WORKSPACE", "")):
            click.echo(line, err=outputs.as_json)
    return DEVIATIONS if what.fails else AGREED


def _names(session: Session, what: Difference) -> tuple[set[str], set[str]]:
    """The ids of all cases, and the names of all routes, that the base, the head or the record knows."""
    runs = [run for run in (what.base.results, what.head) if run is not None]
    pairs = {pair for run in runs for pair in (*run.owed_pairs, *(result.key for result in run.results))}
    keys = [*pairs, *session.record.cells]
    routes = {route.name for run in runs for route in run.header.routes}
    return {case for case, _ in keys}, routes | {route for _, route in keys}
