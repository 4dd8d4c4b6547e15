"""Tabulate the outcomes of each route as Markdown.

The table counts for each route the layers that agree in all their cases, and the layers that deviate, are refused or
are invalid in some case. RESULTS is reports/results.ndjson by default.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.analysis.routes import markdown, route_records
from harness.cli.console import load_results, print_page, results_argument

BEGIN, END = "<!-- routes -->\n", "<!-- /routes -->"


@click.command(help=__doc__, epilog="\b\nExample: parity table reports/results.ndjson --into README.md")
@results_argument
@click.option(
    "--into",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Put the table between the lines '{BEGIN.strip()}' and '{END}' of this file instead of printing it.",
)
def command(results: Path, into: Path | None) -> None:
    text = markdown(route_records(load_results(results).results))
    print_page(text if into is None else _placed(text, into), into)


def _placed(text: str, path: Path) -> str:
    """The text of the file, with the table between the two marks."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise click.UsageError(f"{path} has no lines '{BEGIN.strip()}' and '{END}' to put the table between")
    return f"{before}{begin}{text}{end}{after}"
