"""List what there is: layers, cases, routes, converters and more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from harness.analysis.conversion import converted
from harness.catalogue import rows
from harness.cli.console import (
    hop_option,
    json_option,
    layer_option,
    load_results,
    print_records,
    results_argument,
    route_option,
)
from harness.corpus import coverage
from harness.corpus.store import Store
from harness.matlab.layers.classes import classes
from harness.matlab.layers.classes import page as layer_page
from harness.patterns import fits
from harness.run.selection import check_patterns
from harness.run.session import Selection, Session, home


@click.group(help=__doc__)
def command() -> None: ...


@command.command(epilog="\b\nExample: parity list layers --json")
@json_option
def layers(as_json: bool) -> None:
    """List layers with the number of their cases and the axis values covered.

    `pairs` and `threeway` are percentages: how many valid pairs and triples of axis values occur in a case. Layers that
    the catalogue excludes follow, each with the reason.
    """
    print_records(coverage.layer_records(rows(), Store(home() / "golden").entries()), as_json)


@command.command(epilog="\b\nExample: parity list pairs reports/results.ndjson --route keras-tf2onnx")
@results_argument
@route_option
@layer_option
@json_option
def pairs(results: Path, route: tuple[str, ...], layer: tuple[str, ...], as_json: bool) -> None:
    """List the pairs of axis values that occur in cases that converted.

    There is a line for each layer and route of RESULTS, reports/results.ndjson by default. `pairs` are those that the
    catalogue allows, `frozen` those in a golden case, `walked` those in a case that the route was walked with, and
    `converted` those in a case of which every artifact was made and ran. A pair is `apart` if each of its values
    occurs in a case that converted, but no such case has both.
    """
    walked = {name: cases for name, cases in converted(load_results(results).results).items() if fits(name, route)}
    chosen = [entry for entry in rows() if fits(entry.layer, layer)]
    records = coverage.pair_records(chosen, Store(home() / "golden").entries(), walked)
    print_records(records, as_json)
    if not as_json:
        for name in walked:
            sums = Counter[str]()
            for record in records:
                if record["route"] == name:
                    sums.update({key: record[key] for key in ("pairs", "frozen", "walked", "converted", "apart")})
            click.echo(f"{name}: {', '.join(f'{count:,} {key}' for key, count in sums.items())}")


@command.command(epilog="\b\nExample: parity list arguments --missing")
@click.option("--missing", is_flag=True, help="List only arguments that are neither drawn nor excluded with a reason.")
@layer_option
@json_option
def arguments(missing: bool, layer: tuple[str, ...], as_json: bool) -> None:
    """List the constructor arguments of every Keras layer.

    Each line shows the number of values in the cases, or the reason why no value can matter at inference.
    """
    every = coverage.arguments(Store(home() / "golden").entries())
    names, advice = dict.fromkeys(item.layer for item in every), "`parity list layers` shows all"
    check_patterns(layer, names, noun="layer of Keras", where="--layer", advice=advice)
    chosen = [
        item for item in every if fits(item.layer, layer) and not (missing and (item.drawn or item.reason is not None))
    ]
    print_records([item.to_json() for item in chosen], as_json)
    if not as_json:
        drawn = sum(item.drawn for item in every)
        explained = sum(item.reason is not None for item in every)
        share = 100.0 * drawn / max(len(every), 1)
        rest = len(every) - drawn - explained
        click.echo(
            f"{drawn} of {len(every)} arguments are axes ({share:.1f} %), {explained} cannot matter, {rest} neither"
        )


@command.command(epilog="\b\nExample: parity list cases --layer GRU")
@layer_option
@json_option
def cases(layer: tuple[str, ...], as_json: bool) -> None:
    """List golden cases with the axis values from which they were drawn."""
    entries = Session(Selection(layer=layer)).entries()
    records = [
        {"case": e.id, "choice": e.choice if as_json else " ".join(f"{k}={v}" for k, v in e.choice.items())}
        for e in entries
    ]
    print_records(records, as_json)


@command.command(epilog="\b\nExample: parity list routes")
@hop_option
@json_option
def routes(hops: tuple[str, ...], as_json: bool) -> None:
    """List routes, with the reason if a route cannot run here.

    `cases` is the number of golden cases of each layer over which a route is walked by default. A converter that takes
    an opset has a route for each opset; --opset selects it.
    """
    session = Session(Selection(hops=hops))
    print_records(
        [
            {
                "name": route.name,
                "formats": list(route.formats),
                "cases": "all" if route.depth is None else f"{route.depth} a layer",
                "opset": route.opset or "default",
                "available": not (why := route.missing(session.registry)),
                "reason": why,
            }
            for route in session.every_route
        ],
        as_json,
    )


@command.command(epilog="\b\nExample: parity list hops --json")
@hop_option
@json_option
def hops(hops: tuple[str, ...], as_json: bool) -> None:
    """List the suite's converters and the converters of installed packages."""
    registry = Session(Selection(hops=hops)).registry
    print_records(
        [
            {"name": h.name, "source": h.source, "target": h.target, "available": not why, "reason": why}
            for h, why in ((h, registry.obstacle(h)) for h in registry.hops)
        ],
        as_json,
    )
    for problem in registry.problems:
        click.secho(f"not usable: {problem}", fg="yellow", err=True)


@command.command(epilog="\b\nExample: parity list runtimes")
@json_option
def runtimes(as_json: bool) -> None:
    """List runtimes and the artifact format that each runs."""
    print_records(
        [
            {"name": r.name, "format": r.format, "worker": r.worker, "available": not r.missing, "reason": r.missing}
            for r in Session().registry.runtimes
        ],
        as_json,
    )


@command.command(epilog="\b\nExample: parity list matlab")
@click.option("--page", is_flag=True, help="Print docs/matlab-layers.md instead.")
@json_option
def matlab(page: bool, as_json: bool) -> None:
    """List classes of layers that MATLAB saves, and why some are not read."""
    if page:
        click.echo(layer_page(), nl=False)
        return
    print_records(
        [
            {"class": c.name, "function": c.function, "since": c.since, "read": c.read, "reason": c.why}
            for c in classes()
        ],
        as_json,
    )


@command.command(epilog="\b\nExample: parity list expectations")
@json_option
def expectations(as_json: bool) -> None:
    """List known deviations of released converters.

    Each line shows route, layer, outcome, reason, and the report to the converter's project. `applies` is yes if a
    version with the deviation is installed.
    """
    records = [
        {
            "id": e.id,
            "route": e.route,
            "layer": list(e.layer),
            "outcome": [str(o) for o in e.outcome],
            "applies": e.applies,
            "link": e.link,
            "reason": e.reason,
        }
        for e in Session().expectations
    ]
    print_records(records, as_json)
    if not as_json and records:
        counts = Counter(record["route"] for record in records)
        click.echo("; ".join(f"{name}: {count}" for name, count in counts.items()))
