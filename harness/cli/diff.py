"""Compare two runs: what got worse, what was fixed, what is lost.

BASE and HEAD are results files; BASE may be the word `recorded`, which is the record of this project. Each result of
HEAD answers to BASE as it would to the record: regression, changed, fixed, drift, lost or new. They are grouped by
defect, with the condition under which each shows. What differs between the environments stands first, and must be named
by --across. Exit code 1 on a regression, a change for the worse or a loss that is not accepted, and on nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.console import load_results
from harness.cli.outputs import Outputs, across_option, base_of, compared, output_options, shown
from harness.run.session import Session


@click.command(
    help=__doc__,
    epilog="\b\nExample: parity diff recorded reports/results.ndjson --markdown diff.md",
)
@click.argument("base")
@click.argument("head", type=click.Path(path_type=Path))
@across_option
@click.option("--backwards", is_flag=True, help="Compare although HEAD began before BASE.")
@output_options
def command(base: str, head: Path, across: tuple[str, ...], backwards: bool, **outputs: Any) -> int:
    with Session() as session:
        result = compared(session, base_of(session, base), load_results(head), across=across, backwards=backwards)
        return shown(session, result, Outputs(**outputs))
