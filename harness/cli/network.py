"""Shared parts of `convert` and `check`: the arguments that name a network of a .mat file, and the printed lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from harness.cli.main import AGREED, DEVIATIONS
from harness.judge.compare import Comparison
from harness.matlab.readers.toolbox import Network
from harness.models.conversion import ConversionError

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
variable_option = click.option("--variable", metavar="NAME", help="Take the network in this variable.")
layout_option = click.option(
    "--layout",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the layers of a .mat file that holds only arrays from this JSON file (docs/matlab.md).",
)


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Name the file in a ConversionError, which knows only the network."""
    try:
        yield
    except ConversionError as error:
        raise error.at(file) from None


def introduce(file: Path, network: Network) -> None:
    """Print the network's dialect, number of layers, inputs and notes."""
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
