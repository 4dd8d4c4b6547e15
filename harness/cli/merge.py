"""Join the results files of shards to that of the whole run.

Refused are a shard that is missing, empty, cut or there twice, shards of different runs, and shards that together do
not owe what the whole run owes. Then nothing is written. The exit code is 0 whatever deviates: `parity diff` compares
the file as any other. Where the shards have walked released converters beside, their results, in files that end in
`.released`, are joined too.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.beside.stored import joined
from harness.cli.console import RESULTS
from harness.cli.outputs import across_option


@click.command(help=__doc__, epilog="\b\nExample: parity merge shards/*.ndjson -o reports/results.ndjson")
@click.argument("shards", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--out",
    "target",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS,
    help="Write the joined results here.",
)
@across_option
def command(shards: tuple[Path, ...], target: Path, across: tuple[str, ...]) -> None:
    merged = joined(shards, target, across=across)
    click.echo(merged.sentence)
    click.echo(f"{target}: {len(merged.results):,} results of {len(shards)} shards")
