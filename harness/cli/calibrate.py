"""Tabulate the noise units of correct implementations.

One line of a Markdown page for each layer and runtime. RESULTS, reports/results.ndjson by default, is of a run over
the whole corpus.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.analysis.calibration import page
from harness.cli.console import load_results, page_option, print_page, results_argument


@click.command(help=__doc__, epilog="\b\nExample: parity calibrate reports/results.ndjson -o docs/calibration.md")
@results_argument
@page_option
def command(results: Path, target: Path | None) -> None:
    print_page(page(load_results(results)), target)
