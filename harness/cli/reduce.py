"""Find the fewest layers of a model that still deviate.

The answer also names the first tensor that deviates. CASE is the id, or the beginning of the id, of a golden case or of
a case that exploration stored, or a .keras or .h5 file. The first matching route on which the case deviates is taken.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.console import hop_option, opset_option
from harness.models.origin import is_model
from harness.models.survival import model_case
from harness.reproducer.write import write
from harness.run.reduce import ReduceError, fault_on, reduced
from harness.run.session import Selection, Session


@click.command(
    help=__doc__, epilog="\b\nExample: parity reduce keras-Graph-02a0a898fed6 --route keras-tf2onnx-onnx2torch"
)
@click.argument("case")
@click.option(
    "--route",
    metavar="GLOB",
    required=True,
    multiple=True,
    help="Take the first route that matches and deviates (repeatable).",
)
@hop_option
@opset_option
@click.option(
    "-o",
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a reproducer of the reduced model here.",
)
def command(
    case: str, route: tuple[str, ...], hops: tuple[str, ...], opset: tuple[int, ...], folder: Path | None
) -> None:
    with Session(Selection(route=route, hops=hops, opset=opset, all_cases=True)) as session:
        from_model = is_model(Path(case))
        whole = model_case(Path(case), session) if from_model else session.find(case).load()
        name = case if from_model else whole.id
        routes = session.runnable_for(whole.spec.dialect)
        able = [each for each in routes if not each.given]  # a pack has no model with fewer layers
        if routes and not able:
            raise ReduceError(
                f"the routes need {routes[0].source.name}, which cannot run here: a pack has no smaller models"
            )
        deviating = (each for each in able if fault_on(session.walk, whole, each))
        first = next(deviating, None)
        if first is None:
            raise ReduceError(
                f"{name} agrees on every route that fits {' or '.join(map(repr, route))} and can run here"
            )
        reduction = reduced(session.walk, whole, first, progress=lambda text: click.echo(text, err=True))
        click.secho(f"{name} on {first.name}", bold=True)
        click.echo(reduction.sentence)
        spec = reduction.case.spec
        click.echo(f"{len(whole.spec.layers)} layers reduced to {len(spec.layers)} in {reduction.walks} walks:")
        for line in spec.lines:
            click.echo(f"  {line}")
        if folder is not None:
            click.echo(str(write(session, reduction.case, first, folder).archive))
