"""Shared parts of `convert` and `check`: the arguments that name a network of a .mat file, and the printed lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import Progress

from harness.cli.console import progress
from harness.cli.main import AGREED, DEVIATIONS, UNDECIDED
from harness.judge.compare import Comparison
from harness.matlab.readers.card import recipe, sizes_of
from harness.matlab.readers.toolbox import Network
from harness.models import bounds
from harness.models.bounds import Plan, gibibytes
from harness.models.conversion import Watch
from harness.models.reference import ConversionError
from harness.outcomes import Outcome
from harness.patterns import few

SHOWN = 12
"""Names of classes that are printed."""
LONG = 3.0
"""Seconds from which judging says how long it takes."""

file_argument = click.argument("file", type=click.Path(exists=True, path_type=Path), required=False)
variable_option = click.option(
    "--variable", metavar="PATH", help="Take the network in this variable, or in a field of it: net, nets.second."
)
layout_option = click.option(
    "--layout",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the layers of a .mat file that holds only arrays from this JSON file (docs/matlab.md).",
)


def chosen(file: Path | None, layout: Path | None) -> Path:
    """The file of the network; that of the layout, if the layout alone says where all arrays are."""
    if file is None and layout is None:
        raise click.UsageError("name a .mat file, or a layout by --layout")
    return file or layout or Path()


def refuse(file: Path, options: Mapping[str, object], meant: str) -> None:
    """Raise UsageError if one of these options was given, which are for another kind of file."""
    if foreign := [name for name, value in options.items() if value]:
        raise click.UsageError(f"{', '.join(foreign)} is for {meant}, not for {file}")


def title_of(file: Path, layout: Path | None) -> str:
    """The title of what is delivered: that of a layout names no file of arrays, of which there may be several."""
    return f"The network of {file.name}" if layout is None else f"The network that {layout.name} declares"


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Name the file in a ConversionError, which knows only the network."""
    try:
        yield
    except ConversionError as error:
        raise error.at(file) from None


def introduce(file: Path, network: Network) -> None:
    """Print the network's dialect, number of layers, inputs, classes, preprocessing and notes."""
    inputs = ", ".join(f"{item.name} {sizes_of(item)}" for item in network.spec.inputs)
    count = len(network.spec.layers)
    click.echo(f"{file} ({network.dialect}): {count} layers; inputs, without the batch: {inputs}")
    card = network.card
    if card.classes:
        names = ", ".join(card.classes[:SHOWN]) + ", ..." * (len(card.classes) > SHOWN)
        click.echo(f"classes of {card.labelled}: {len(card.classes)}: {names}")
    for line in recipe(network.spec, network.weights, card):
        click.echo(f"preprocessing: {line}")
    for note in network.notes:
        click.secho(f"note: {note}", fg="yellow")


def conclude(comparison: Comparison | None, reference: str, judged: str = "", hidden: Sequence[str] = ()) -> None:
    """Print how the outputs compare with the reference, or why they were not compared. Layers that the outputs hide are
    named: nothing that was not judged passes."""
    if comparison is None:
        click.secho(judged, fg="yellow")
        return
    units = "" if comparison.units is None else f", {comparison.units:.3g} noise units at most"
    good = comparison.outcome.passes
    on = f", on {judged}" if judged else ""
    color = "red" if not good else "yellow" if hidden else "green"
    click.secho(f"{comparison.outcome}{units}, against {reference}{on}", fg=color)
    if not good or comparison.outcome is Outcome.DRIFT:
        click.secho(comparison.message, fg="yellow" if good else "red")
    if good and hidden:
        click.secho(undecided(hidden), fg="yellow")


def undecided(hidden: Sequence[str]) -> str:
    """Why outputs that agree are no answer."""
    return f"cannot be judged: on these inputs the outputs hide {few(hidden)}"


def exit_code(comparison: Comparison | None, hidden: Sequence[str] = ()) -> int:
    """Nothing that was not judged passes."""
    if comparison is None:
        return UNDECIDED
    if not comparison.outcome.passes:
        return DEVIATIONS
    return UNDECIDED if hidden else AGREED


class Shown(Watch):
    """Prints the paths of files when they are written, and how long judging takes if that is long."""

    def __init__(self) -> None:
        self.bar: Progress | None = None

    def written(self, paths: Sequence[Path]) -> None:
        for path in paths:
            click.echo(f"{path}: {_size(path.stat().st_size)}")

    def begins(self, plan: Plan) -> None:
        if plan.seconds < LONG:
            return
        memory = gibibytes(plan.cost.memory)
        click.echo(
            f"judging {plan}: about {plan.seconds:.0f} s and {memory}, at most {gibibytes(bounds.MEMORY)}", err=True
        )
        if sys.stderr.isatty():
            self.bar = progress()
            self.bar.start()
            self.bar.add_task("judging", total=plan.runs + 1)

    def goes_on(self) -> None:
        if self.bar is not None:
            self.bar.advance(self.bar.task_ids[0])

    def ends(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


class Unwritten(Shown):
    """The same for files that do not last."""

    def written(self, paths: Sequence[Path]) -> None:
        """Nothing: the files are of no use to the user."""


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
