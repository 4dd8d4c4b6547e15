"""What the verbs of the command share: options, and what they print with: tables, progress, exit codes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

AGREED, DEVIATIONS, USAGE, INTERNAL = 0, 1, 2, 3
"""Exit codes: nothing unexpected, deviations, wrong usage or input, a fault of ours."""

route_option = click.option("--route", metavar="GLOB", help="Only routes whose name matches.")
layer_option = click.option("--layer", metavar="GLOB", help="Only layers whose name matches.")
hop_option = click.option("--hop", metavar="MODULE:CLASS", multiple=True, help="Add a converter for this run.")
opset_option = click.option(
    "--opset", metavar="N", type=int, multiple=True, help="Convert to this ONNX opset (repeatable)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")

out = Console()


def progress() -> Progress:
    """A bar on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def print_records(records: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Records as a table for people or as JSON for programs; the columns are the first record's keys."""
    if as_json:
        click.echo(json.dumps(list(records), indent=1))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for key in records[0] if records else []:
        numeric = isinstance(records[0][key], int | float) and not isinstance(records[0][key], bool)
        table.add_column(key, justify="right" if numeric else "left", overflow="fold")
    for record in records:
        table.add_row(*(_cell(value) for value in record.values()))
    Console(width=None if out.is_terminal else 160).print(table)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
