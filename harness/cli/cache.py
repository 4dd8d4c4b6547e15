"""Show or clear what earlier runs kept.

A run takes each stage that an earlier one walked, if nothing that could change it has changed since: no file of the
frameworks, of the converter and of what they require, none of the suite's own that convert, run and compare.
"""

from __future__ import annotations

import click

from harness.cli.console import json_option, print_records
from harness.cli.main import AGREED
from harness.run.kept import Shelf, folder


@click.group(help=__doc__)
def command() -> None: ...


@command.command("show", epilog="\b\nExample: parity cache show --json")
@json_option
def show_command(as_json: bool) -> int:
    """Show where it is, how many stages it has, and their size. The variable PARITY_CACHE names another folder."""
    shelf = Shelf(folder())
    size = shelf.size()
    print_records([{"folder": str(folder()), "stages": size.steps, "bytes": size.bytes, "limit": size.limit}], as_json)
    return AGREED


@command.command("clear", epilog="\b\nExample: parity cache clear")
def clear_command() -> int:
    """Remove all of it."""
    size = Shelf(folder()).clear()
    click.echo(f"{size.steps:,} stages, {size.bytes:,} bytes: removed from {folder()}")
    return AGREED
