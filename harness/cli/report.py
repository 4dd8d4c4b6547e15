"""Make one self-contained HTML page of a results file.

RESULTS is reports/results.ndjson by default. It may be of a cut run, which the page then mentions.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.console import load_results, results_argument
from harness.report import write_report


@click.command(help=__doc__, epilog="\b\nExample: parity report reports/results.ndjson -o reports/index.html")
@results_argument
@click.option(
    "-o",
    "--out",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("reports/index.html"),
    help="Write the page here.",
)
def command(results: Path, target: Path) -> None:
    click.echo(str(write_report(load_results(results, cut_ok=True), target)))
