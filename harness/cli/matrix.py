"""Put runs side by side: since which version something is broken.

RESULTS are results files, the legs: FILE, or NAME=FILE to name it otherwise than by its stem. Two legs are compared
only where they differ in nothing else that the route needs; what cannot be compared is told. What was not run is shown
as not run, never as good. With --layer or --for also: the newest versions with which all of these layers are good. The
exit code is 0 whatever deviates, and 2 for files that are no matrix.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.analysis.legs import Leg, MatrixError, select, side_by_side
from harness.analysis.matrix import matrix
from harness.analysis.news import News, news
from harness.analysis.pins import pins
from harness.cli.console import layer_option, load_results, route_option
from harness.cli.outputs import across_option
from harness.files import atomic_write
from harness.models.keras_archive import contents
from harness.report.matrix.data import data
from harness.report.matrix.markdown import markdown
from harness.report.matrix.page import page_of
from harness.report.matrix.text import show
from harness.report.matrix.view import View
from harness.report.page import write_page
from harness.run.session import Session

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    help=__doc__,
    epilog="\b\nExample: parity matrix old=old.ndjson new=reports/results.ndjson --layer 'Conv*' -o matrix.html",
)
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...")
@layer_option
@route_option
@click.option(
    "--for", "model", metavar="MODEL.keras", type=_FILE, help="Take the layers of this model; no code of it runs."
)
@click.option("--since", metavar="FILE", multiple=True, help="Tell what is new since these earlier legs (repeatable).")
@across_option
@click.option("-o", "--out", "target", metavar="PAGE.html", type=_FILE, help="Write one HTML page.")
@click.option("--json", "json_file", metavar="FILE", type=_FILE, help="Write JSON.")
@click.option("--markdown", "markdown_file", metavar="FILE", type=_FILE, help="Write a page for a job or an issue.")
def command(
    *,
    results: tuple[str, ...],
    layer: tuple[str, ...],
    route: tuple[str, ...],
    model: Path | None,
    since: tuple[str, ...],
    across: tuple[str, ...],
    target: Path | None,
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    if layer and model:
        raise click.UsageError("--layer and --for both choose layers; give one of them")
    wanted = None if model is None else contents(model)
    legs = side_by_side([_leg(text) for text in results])
    _check_across(across, legs)
    with Session() as session:
        chosen = legs if wanted is None else tuple(leg.of_layers(wanted.layers, "keras") for leg in legs)
        chosen = select(chosen, layers=layer, routes=route)
        whole = matrix(
            chosen,
            across=across,
            owners={item.id: each.id for each in session.findings.findings for item in each.expectations},
        )
        names = wanted.layers if wanted is not None else _layers(chosen) if layer else ()
        view = View(
            matrix=whole,
            layers=names,
            pins=pins(whole, names) if names else (),
            news=_news(session, legs, since) if since else None,
            model="" if model is None else model.name,
            strangers=() if wanted is None else wanted.custom,
        )
    if target is not None:
        write_page(page_of(view), target)
    if json_file is not None:
        atomic_write(json_file, json.dumps(data(view), indent=1, allow_nan=False).encode() + b"\n")
    if markdown_file is not None:
        atomic_write(markdown_file, markdown(view).encode())
    show(view)


def _leg(text: str) -> Leg:
    """The leg of an argument: FILE, or NAME=FILE. A file whose own name has a = is meant as it is."""
    name, equals, rest = text.partition("=")
    path = Path(text) if not equals or Path(text).is_file() else Path(rest)
    return Leg(path.stem if path == Path(text) else name, load_results(path))


def _layers(legs: tuple[Leg, ...]) -> tuple[str, ...]:
    return tuple(sorted({result.layer for leg in legs for result in leg.results.results}))


def _check_across(names: tuple[str, ...], legs: tuple[Leg, ...]) -> None:
    known = dict.fromkeys(name for leg in legs for name in leg.versions)
    for name in names:
        if name not in known:
            raise MatrixError(
                f"no leg knows {name!r}",
                where="--across",
                expected="the whole name of a distribution, python or platform",
                advice=f"They know: {', '.join(known)}.",
            )


def _news(session: Session, legs: tuple[Leg, ...], since: tuple[str, ...]) -> News:
    return news(
        legs,
        [_leg(text) for text in since],
        record=session.record,
        expectations=session.expectations,
        spared=session.led_past,
    )
