"""Write a deviation as a folder that needs the frameworks only.

The folder, and a zip of it, holds a script of at most 60 lines, the model, inputs, expected and actual outputs, and the
text of an issue. CASE is the id, or the beginning of the id, of a golden case or of a case that exploration stored, or
a .keras or .h5 file: then the first layer that breaks the route alone is written, or that of --layer.

With --expectations, write one folder for the minimal case of each known deviation. Exit code 1 if one could not be
written.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.console import anew_option, hop_option, opset_option, pack_option, tell_beginning, tracked
from harness.cli.main import AGREED, DEVIATIONS
from harness.models.origin import KINDS
from harness.models.survival import Piece, piece_of
from harness.reproducer.known import choose, write_known
from harness.reproducer.write import Reproducer, write
from harness.run.session import Selection, Session


@click.command(help=__doc__, epilog="\b\nExample: parity reproduce keras-ELU-ef0529b0c9f3 --route keras-tf2onnx -o elu")
@click.argument("case", required=False)
@click.option(
    "--route",
    metavar="GLOB",
    multiple=True,
    help="Take the first route that matches and on which the case deviates (repeatable).",
)
@click.option("--layer", metavar="NAME", help="Write this layer of a model file.")
@click.option("--expectations", is_flag=True, help="Write a folder for each known deviation instead.")
@click.option("--id", "glob", metavar="GLOB", default="*", help="Take only expectations whose id matches.")
@click.option(
    "-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Write it here."
)
@hop_option
@opset_option
@pack_option
@anew_option
def command(
    *,
    case: str | None,
    route: tuple[str, ...],
    layer: str | None,
    expectations: bool,
    glob: str,
    folder: Path,
    hops: tuple[str, ...],
    opset: tuple[int, ...],
    pack: Path | None,
    anew: bool,
) -> int:
    if (case is None) != expectations or (case is not None and not route):
        raise click.UsageError("give a CASE with its --route, or --expectations")
    if layer is not None and Path(case or "").suffix.lower() not in KINDS:
        raise click.UsageError("--layer is for a model file")
    chosen = Selection(route=route, hops=hops, opset=opset, pack=pack, anew=anew, all_cases=True)
    with Session(chosen) as session:
        if case is None:
            return _write_all(session, glob, folder)
        if Path(case).suffix.lower() in KINDS:
            return _write_piece(session, piece_of(Path(case), route, layer, session), folder)
        return _write_one(session, case, folder)


def _write_piece(session: Session, piece: Piece, folder: Path) -> int:
    route = next(each for each in session.every_route if each.name == piece.route)
    return _written(write(session, piece.case, route, folder))


def _write_one(session: Session, name: str, folder: Path) -> int:
    entry = session.find(name)
    tell_beginning(session)
    routes = session.routes_of(entry)
    case = entry.load()
    route = next((route for route in routes if not session.walk.result(case, route).outcome.passes), routes[0])
    return _written(write(session, case, route, folder))


def _written(reproducer: Reproducer) -> int:
    click.echo(f"{reproducer.folder} and {reproducer.archive}: {reproducer.title}")
    return AGREED


def _write_all(session: Session, glob: str, folder: Path) -> int:
    chosen = choose(session, glob)
    problems = write_known(session, tracked(chosen, lambda item: item.id, total=len(chosen)), folder)
    click.echo(f"{len(chosen) - len(problems)} of {len(chosen)} reproducers in {folder}")
    for problem in problems:
        click.secho(problem, fg="yellow")
    return DEVIATIONS if problems else AGREED
