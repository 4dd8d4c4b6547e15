"""What `convert` and `check` share: arguments that name a network of a .mat file, and lines about it."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.main import AGREED, DEVIATIONS
from harness.judge.compare import Comparison
from harness.matlab.readers.toolbox import Network

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
variable_option = click.option("--variable", metavar="NAME", help="Take this variable of a file with several networks.")
layout_option = click.option(
    "--layout",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read from this JSON file what the arrays are, if the .mat file holds arrays only (docs/matlab.md).",
)


def introduce(file: Path, network: Network) -> None:
    """Print what was read."""
    inputs = ", ".join(
        f"{item.name} {' x '.join('T' if n is None else str(n) for n in item.shape)}" for item in network.spec.inputs
    )
    count = len(network.spec.layers)
    click.echo(f"{file} ({network.dialect}): {count} layers; inputs, without the batch: {inputs}")
    for note in network.notes:
        click.secho(f"note: {note}", fg="yellow")


def conclude(comparison: Comparison, reference: str) -> None:
    """Print how the outputs compare with the reference."""
    units = "" if comparison.units is None else f", {comparison.units:.3g} noise units at most"
    good = comparison.outcome.passes
    click.secho(f"{comparison.outcome}{units}, against {reference}", fg="green" if good else "red")
    if not good:
        click.secho(comparison.message, fg="red")


def exit_code(comparison: Comparison) -> int:
    return AGREED if comparison.outcome.passes else DEVIATIONS
