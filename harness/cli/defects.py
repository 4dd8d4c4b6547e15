"""Group the deviations of a run by defect.

A defect is one converter at fault, one harm, and the condition under which cases show it. Defects with unexpected
results come first, then silent defects, then the defects of most cases. RESULTS is a results file, also of a cut run,
reports/results.ndjson by default.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.analysis.defects import sentence
from harness.analysis.tally import defects
from harness.cli.console import json_option, load_results, results_argument


@click.command(help=__doc__, epilog="\b\nExample: parity defects reports/results.ndjson --failed")
@results_argument
@click.option("--failed", is_flag=True, help="Show only defects with results that nothing expects.")
@json_option
def command(results: Path, failed: bool, as_json: bool) -> None:
    run = load_results(results, cut_ok=True)
    every = defects(run.results, run.header.plugins)
    chosen = [defect for defect in every if defect.unexpected or not failed]
    if as_json:
        data = {"sentence": sentence(chosen), "defects": [defect.to_json() for defect in chosen]}
        click.echo(json.dumps(data, indent=1, allow_nan=False))
        return
    click.echo(sentence(chosen))
    for place, defect in enumerate(chosen, 1):
        click.echo(f"\n{place}. {defect.text}")
