"""Compare two runs: what got worse, what was fixed, what is lost.

BASE and HEAD are results files; BASE may be the word `recorded`, which is the record of this project. Each result of
HEAD answers to BASE as it would to the record: regression, changed, fixed, drift, lost or new. They are grouped by
defect, with the condition under which each shows. What differs between the environments stands first, and must be named
by --across. Where the gate that made HEAD has walked the released converter beside, its results take the place of the
record, and of a BASE of another environment. Exit code 1 on a regression, a change for the worse or a loss that is not
accepted, and on nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.beside.stored import standing
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
        results = load_results(head)
        against = standing(base_of(session, base), results, head, session.record, across)
        return shown(
            session, compared(session, against, results, across=across, backwards=backwards), Outputs(**outputs)
        )
