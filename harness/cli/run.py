"""Walk the golden cases along their routes and write the results.

This is the walk of `pytest suites/`, in one process and without pytest. Exit code 1 if a result fails, by a regression
beside the record or an unexpected deviation, and if a result is lost.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.analysis.changes import Changes
from harness.cli.console import (
    RESULTS,
    anew_option,
    cache_option,
    device_option,
    hop_option,
    layer_option,
    load_results,
    opset_option,
    pack_option,
    route_option,
    tell_beginning,
    tracked,
    worker_option,
)
from harness.cli.main import AGREED, DEVIATIONS, walking
from harness.report import cut
from harness.results.events import Owed
from harness.results.file import Results, Writer
from harness.results.resumed import check_same, failed_cases
from harness.run.budget import seconds_of
from harness.run.corpus_walk import CorpusWalk
from harness.run.order import Order
from harness.run.session import Selection, SelectionError, Session
from harness.run.unchanged import taken_up


@click.command(help=__doc__, epilog="\b\nExample: parity run --layer 'Conv*' --route 'keras-tf2onnx*'")
@route_option
@layer_option
@hop_option
@worker_option
@device_option
@opset_option
@click.option("--all-cases", is_flag=True, help="Walk every route over every case, not a few of each layer.")
@cache_option
@pack_option
@anew_option
@click.option(
    "--limit", metavar="SECONDS", type=float, default=Selection.limit, help="Limit the processor time of one request."
)
@click.option(
    "--resume", is_flag=True, help="Go on with the cut run whose results are in the file: walk what is not there yet."
)
@click.option(
    "--budget",
    metavar="TIME",
    callback=lambda _context, _option, text: None if text is None else seconds_of(text),
    help="Begin no case after this time, as in 90s, 5m or 1h: what comes first is the best sample of the whole.",
)
@click.option(
    "--results", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, help="Write the results here."
)
def command(*, results: Path, resume: bool, budget: float | None, **chosen: Any) -> int:
    deadline = float("inf") if budget is None else time.monotonic() + budget
    with Session(Selection(**chosen)) as session:
        is_whole = _walk(session, results, deadline, resume=resume)
        unwalked = session.unwalked()
    if not is_whole:
        return _end_of_budget(results)
    written = load_results(results)
    _summarize(written, unwalked, results)
    return DEVIATIONS if unwalked else written.exit_code


def _walk(session: Session, path: Path, deadline: float, *, resume: bool) -> bool:
    """Walk what is selected, or what of it a cut run has not walked. False if the budget was spent before the end."""
    session.check()
    tell_beginning(session)
    cut_run = taken_up(session, path) if resume else None
    failed = {result.case for result in cut_run.failures} if cut_run else failed_cases(path)
    pairs = Order.of(session, session.pairs(), failed).sorted(session.pairs())
    for route in session.routes:
        if why := route.missing(session.registry):
            click.secho(f"route {route.name} cannot run: {why}", fg="yellow")
    if not pairs:
        raise SelectionError("no route can run for these layers; `parity list routes` says why")
    session.check_walked(route for _, route in pairs)
    session.warm(session.runnable)
    walk = CorpusWalk(session)
    header = session.header(["parity", *sys.argv[1:]], session.selection.options(), len(pairs))
    owed = {(entry.id, route.name) for entry, route in pairs}
    if cut_run is not None:
        check_same(cut_run, header, owed, path)
        done = {result.key for result in cut_run.results}
        pairs = [(entry, route) for entry, route in pairs if (entry.id, route.name) not in done]
    with walking(path), Writer(path, header, Owed.of(owed), cut=cut_run) as writer:
        for entry, route in tracked(pairs, lambda pair: pair[0].subject, total=len(pairs)):
            if time.monotonic() > deadline:
                writer.abandon()
                return False
            for result in reversed(walk.results(entry, route)):  # that of an empty batch first, as it is not owed
                if cut_run is None or result.key not in done:
                    writer.add(result)
    return True


def _end_of_budget(path: Path) -> int:
    """Say how far the walk came, and write a page of that."""
    results, page = load_results(path, cut_ok=True), cut.page_of(path)
    cut.write(results, page)
    click.secho(cut.line(results, page, cut.BUDGET), fg="yellow")
    for result in results.failures[:20]:
        click.secho(f"FAILED {result.case} {result.route}: {result.message}", fg="red")
    return DEVIATIONS if results.failures else AGREED


def _summarize(results: Results, unwalked: Sequence[tuple[str, str]], path: Path) -> None:
    changes = Changes()
    for result in results.results:
        changes.add(result)
    for result in results.failures[:20]:
        click.secho(f"FAILED {result.case} {result.route}: {result.message}", fg="red")
    for line in changes.lines([*results.lost, *unwalked]):
        click.echo(line)
    click.echo(results.sentence)
    click.echo(f"{path}; make a page of it with `parity report {path}`")
