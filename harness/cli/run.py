"""Walk the golden cases along their routes and write the results.

This is the walk of `pytest suites/`, in one process and without pytest. Exit code 1 if a result fails, by a regression
beside the record or an unexpected deviation, and if a result is lost.
"""

from __future__ import annotations

import sys
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
from harness.cli.main import DEVIATIONS, walking
from harness.results.events import Owed
from harness.results.file import Results, Writer
from harness.run.corpus_walk import CorpusWalk
from harness.run.session import Selection, SelectionError, Session


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
    "--results", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, help="Write the results here."
)
def command(results: Path, **chosen: Any) -> int:
    with Session(Selection(**chosen)) as session:
        _walk(session, results)
        unwalked = session.unwalked()
    written = load_results(results)
    _summarize(written, unwalked, results)
    return DEVIATIONS if unwalked else written.exit_code


def _walk(session: Session, path: Path) -> None:
    session.check()
    tell_beginning(session)
    pairs = session.pairs()
    for route in session.routes:
        if why := route.missing(session.registry):
            click.secho(f"route {route.name} cannot run: {why}", fg="yellow")
    if not pairs:
        raise SelectionError("no route can run for these layers; `parity list routes` says why")
    session.check_walked(route for _, route in pairs)
    session.warm(session.runnable)
    walk = CorpusWalk(session)
    header = session.header(["parity", *sys.argv[1:]], session.selection.options(), len(pairs))
    with walking(path), Writer(path, header, Owed.of((entry.id, route.name) for entry, route in pairs)) as writer:
        for entry, route in tracked(pairs, lambda pair: pair[0].subject, total=len(pairs)):
            for result in walk.results(entry, route):
                writer.add(result)


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
