"""Group the deviations of a run by defect.

A defect is one converter at fault, one harm, and the condition on the cases under which it shows. Defects with results
that nothing expects come first, then silent ones, then those of most cases. RESULTS is reports/results.ndjson by
default; a cut run can be looked at too.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.analysis.defects import causes, sentence
from harness.cli.console import json_option, load_results, results_argument


@click.command(help=__doc__, epilog="\b\nExample: parity defects reports/results.ndjson --failed")
@results_argument
@click.option("--failed", is_flag=True, help="Show only defects with results that nothing expects.")
@json_option
def command(results: Path, failed: bool, as_json: bool) -> None:
    defects = [item for item in causes(load_results(results, cut_ok=True).results) if item.unexpected or not failed]
    if as_json:
        data = {"sentence": sentence(defects), "defects": [item.to_json() for item in defects]}
        click.echo(json.dumps(data, indent=1, allow_nan=False))
        return
    click.echo(sentence(defects))
    for place, item in enumerate(defects, 1):
        click.echo(f"\n{place}. {item.text}")
