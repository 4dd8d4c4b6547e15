"""Bundle what released converters make in one file.

`pytest suites/ --pack FILE` and `parity gate --pack FILE` walk everything behind these routes, also where the
converters, TensorFlow and Keras are not installed. A pack is data: reading one runs no code. So a route that ends in a
torch module, which is code, cannot be packed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from harness.cli.console import layer_option, print_records, tracked
from harness.cli.main import AGREED
from harness.run.pack import Contents, PackError, goldens_of
from harness.run.selection import LISTED
from harness.run.session import Selection, Session


@click.command(help=__doc__, epilog="\b\nExample: parity pack --route keras-tf2onnx -o tf2onnx.pack")
@click.option("--route", metavar="NAME", multiple=True, required=True, help="Pack what this route makes (repeatable).")
@layer_option
@click.option(
    "--goldens/--no-goldens",
    default=True,
    help="Put the goldens in, too. A pack without them is for suites with the same goldens.",
)
@click.option("-o", "--out", "target", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The pack.")
def command(route: tuple[str, ...], layer: tuple[str, ...], goldens: bool, target: Path) -> int:
    with Session(Selection(route=route, layer=layer)) as session, tempfile.TemporaryDirectory() as folder:
        routes = [each for each in session.routes if each.name in route]
        if len(routes) < len(route):
            raise PackError(
                "a pack is of routes by their whole names, no patterns and no detours",
                where="--route",
                expected="names of routes",
                came=", ".join(route),
                advice=LISTED,
            )
        for each in routes:
            if session.registry.format(each.formats[-1]) is None:
                raise PackError(f"{each.name} ends in {each.formats[-1]!r}, which is code: a pack is data")
        pairs = [(entry, each) for entry, each in session.pairs() if each in routes and not entry.is_large]
        if missing := {each.name for each in routes} - {each.name for _, each in pairs}:
            raise PackError(f"no selected case is walked along {min(missing)}", advice="Select layers of its dialect")
        contents = Contents(tuple(each.name for each in routes), session.header((), {}, 0).versions)
        for entry, each in tracked(pairs, lambda pair: pair[0].subject, total=len(pairs)):
            contents.add(entry, each, session.walk.steps(entry.load(), each))
        files = (
            goldens_of(session.store, session.record, contents.answers, contents.chains, Path(folder))
            if goldens
            else {}
        )
        contents.write(target, files)
    about = {
        "pack": str(target),
        "bytes": target.stat().st_size,
        "cases": len(contents.answers),
        "artifacts": len(contents.artifacts),
        "left out": len(contents.left_out),
        "goldens": goldens,
    }
    print_records([about], as_json=False)
    for case, why in contents.left_out.items():
        click.echo(f"left out: {case}: {why}")
    return AGREED
