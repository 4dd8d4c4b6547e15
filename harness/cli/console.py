"""Shared parts of the verbs: options, arguments, reading a results file, printing tables, pages and progress."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from harness.adapters.plugin import CPU
from harness.files import atomic_write
from harness.results.file import Results
from harness.run.session import Session

T = TypeVar("T")

RESULTS = Path("reports/results.ndjson")
"""Where `parity run` and `pytest suites/` leave their results by default."""

route_option = click.option(
    "--route", metavar="GLOB", multiple=True, help="Take only routes whose name matches (repeatable)."
)
layer_option = click.option(
    "--layer", metavar="GLOB", multiple=True, help="Take only layers whose name matches (repeatable)."
)
hop_option = click.option(
    "--hop", "hops", metavar="MODULE:CLASS", multiple=True, help="Add a converter for this run (repeatable)."
)
opset_option = click.option(
    "--opset", metavar="N", type=int, multiple=True, help="Convert to this ONNX opset (repeatable)."
)
worker_option = click.option(
    "--worker",
    "workers",
    metavar="NAME=PYTHON",
    multiple=True,
    help="Have this worker, such as torch, use an interpreter of its own (repeatable).",
)
cache_option = click.option(
    "--cache/--no-cache", default=True, help="Take stages that earlier runs kept, and keep those of this one."
)
pack_option = click.option(
    "--pack",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Walk only what is behind the routes of this pack, and take these from it: a file that `parity pack` made, or "
    "keras-tf2onnx, which comes with the suite.",
)
anew_option = click.option(
    "--anew", is_flag=True, help="Run the pack's artifacts here, instead of taking what they gave where it was made."
)
device_option = click.option(
    "--device",
    metavar="NAME",
    default=CPU,
    show_default=True,
    help="Run artifacts on cuda, or on cuda-tf32, where products may be rounded to TF32; what cannot run there runs on "
    "the CPU as ever.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
results_argument = click.argument("results", type=click.Path(path_type=Path), default=RESULTS)
page_option = click.option(
    "-o",
    "--out",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of printing.",
)


def tell_beginning(session: Session) -> None:
    """Say on standard error that the beginning of a route is taken from a pack, if nobody named one."""
    if session.beginning:
        click.echo(session.beginning, err=True)


def load_results(path: Path, *, cut_ok: bool = False) -> Results:
    """A results file; `cut_ok` admits a cut run. Raises click.UsageError if there is no such file, and ResultsError."""
    if not path.is_file():
        raise click.UsageError(f"there is no results file {path}; make one with `pytest suites/` or `parity run`")
    return Results.load(path, cut_ok=cut_ok)


def print_page(text: str, target: Path | None) -> None:
    """Print a page or, with a target, write it there and print the path."""
    if target is None:
        click.echo(text, nl=False)
    else:
        atomic_write(target, text.encode())
        click.echo(str(target))


def print_records(records: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Records as a table for people or as JSON for programs; the columns are the first record's keys."""
    if as_json:
        click.echo(json.dumps(list(records), indent=1))
        return
    console = Console(width=None if Console().is_terminal else 160)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for key in records[0] if records else []:
        numeric = isinstance(records[0][key], int | float) and not isinstance(records[0][key], bool)
        table.add_column(key, justify="right" if numeric else "left", overflow="fold")
    for record in records:
        table.add_row(*(_cell(value) for value in record.values()))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def progress() -> Progress:
    """A bar on standard error."""
    columns = TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True))


def tracked(items: Iterable[T], name: Callable[[T], str], *, total: int) -> Iterator[T]:
    """The items one by one, with a bar that names the current one."""
    with progress() as bar:
        task = bar.add_task("", total=total)
        for item in items:
            bar.update(task, description=name(item))
            yield item
            bar.advance(task)
