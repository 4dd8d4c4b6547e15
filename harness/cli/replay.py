"""Walk one case again and show every stage.

CASE is the id, or the beginning of the id, of a golden case or of a case that exploration stored. Exit code 0 if the
case agrees or deviates as expected, else 1.

If CASE is a folder that `parity reproduce` wrote, run this reproducer. The answer is FIXED (exit code 0), FAILED (1: it
still deviates) or ERROR (2: another failure).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import rich

from harness.cli.console import (
    anew_option,
    device_option,
    hop_option,
    opset_option,
    pack_option,
    route_option,
    tell_beginning,
    worker_option,
)
from harness.cli.main import AGREED, DEVIATIONS
from harness.cli.outputs import across_option
from harness.reproducer.running import run_reproducer
from harness.results.events import Judgement, Result
from harness.run.corpus_walk import CorpusWalk
from harness.run.session import Selection, Session
from harness.spec import EMPTY_BATCH


@click.command(
    help=__doc__, epilog="\b\nExample: parity replay keras-Conv2D-0123456789ab --route keras-tf2onnx-onnx2torch"
)
@click.argument("case")
@route_option
@hop_option
@worker_option
@device_option
@opset_option
@pack_option
@anew_option
@click.option(
    "--limit", metavar="SECONDS", type=float, default=Selection.limit, help="Limit the processor time of one request."
)
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Judge by this results file instead of the record.",
)
@across_option
def command(case: str, **chosen: Any) -> int:
    if Path(case).is_dir():
        answer, line = run_reproducer(Path(case))
        click.echo(f"{answer.name}: {line}")
        return answer
    with Session(Selection(**chosen, all_cases=True)) as session:
        entry = session.find(case)
        session.check()
        tell_beginning(session)
        walk = CorpusWalk(session)
        results = [result for each in session.routes_of(entry) for result in walk.results(entry, each)]
    click.secho(entry.id, bold=True)
    rich.print_json(data=results[0].to_json()["config"], indent=None)
    beside = "record" if chosen["baseline"] is None else "baseline"
    for result in results:
        _show(result, beside)
    return DEVIATIONS if any(result.judgement is Judgement.FAILED for result in results) else AGREED


def _show(result: Result, beside: str) -> None:
    batch = ", the empty batch" if result.case.endswith(EMPTY_BATCH) else ""
    click.echo(f"\n{result.route}{batch}: {result.outcome} ({result.judgement}; beside the {beside}: {result.answer})")
    for stage in result.stages:
        units = "" if stage.units is None else f"{stage.units:10.3g} units  max abs {stage.metrics.max_abs or 0:.3g}"
        step = f"{stage.hop or 'source'} -> {stage.artifact} on {stage.runtime or '-'}"
        click.echo(f"  {step:42} {stage.outcome:10} {units}")
        if not stage.outcome.passes:
            click.echo(f"    {stage.message}")
    if result.message:
        click.echo(f"  {result.message}")
