"""The verbs `parity list ...`: what there is."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase

import click
from rich.console import Console

from harness.catalogue import rows
from harness.cli.console import hop_option, json_option, layer_option, print_records
from harness.corpus.store import Store
from harness.run.session import Selection, Session, home


@click.group("list")
def list_group() -> None:
    """Show what there is: layers, cases, routes, hops, runtimes, expectations."""


@list_group.command(epilog="\b\nExample: parity list layers --json")
@json_option
def layers(as_json: bool) -> None:
    """Layers of the catalogue with their golden cases and the axis values covered, and those excluded, with reasons."""
    from harness.corpus.coverage import layer_records

    print_records(layer_records(rows(), Store(home() / "golden").entries()), as_json)


@list_group.command("arguments", epilog="\b\nExample: parity list arguments --missing")
@click.option("--missing", is_flag=True, help="Only those that are neither drawn nor left out with a reason.")
@layer_option
@json_option
def arguments_command(missing: bool, layer: str | None, as_json: bool) -> None:
    """Constructor arguments of every Keras layer: values drawn, or the reason why none can matter at inference."""
    from harness.corpus.coverage import arguments

    found = arguments(Store(home() / "golden").entries())
    shown = [
        item
        for item in found
        if fnmatchcase(item.layer, layer or "*") and not (missing and (item.drawn or item.reason is not None))
    ]
    print_records([item.to_json() for item in shown], as_json)
    if not as_json:
        drawn = sum(item.drawn for item in found)
        explained = sum(item.reason is not None for item in found)
        share = 100.0 * drawn / max(len(found), 1)
        rest = len(found) - drawn - explained
        click.echo(
            f"{drawn} of {len(found)} arguments are axes ({share:.1f} %), {explained} cannot matter, {rest} neither"
        )


@list_group.command("cases", epilog="\b\nExample: parity list cases --layer GRU")
@layer_option
@json_option
def cases_command(layer: str | None, as_json: bool) -> None:
    """Golden cases with the axis values they were drawn from."""
    entries = Session(Selection(layer=layer)).entries()
    records = [
        {"case": e.id, "choice": e.choice if as_json else " ".join(f"{k}={v}" for k, v in e.choice.items())}
        for e in entries
    ]
    print_records(records, as_json)


@list_group.command("routes", epilog="\b\nExample: parity list routes")
@hop_option
@json_option
def routes_command(hop: tuple[str, ...], as_json: bool) -> None:
    """Routes, over how many golden cases of each layer they are walked by default, and why one cannot run here.

    A route of its own for each opset is walked where --opset asks for it.
    """
    session = Session(Selection(hops=hop))
    print_records(
        [
            {
                "name": r.name,
                "formats": list(r.formats),
                "cases": "all" if r.depth is None else f"{r.depth} a layer",
                "opset": r.opset or "default",
                "available": not (why := r.missing(session.registry)),
                "reason": why,
            }
            for r in session.every_route
        ],
        as_json,
    )


@list_group.command("hops", epilog="\b\nExample: parity list hops --json")
@hop_option
@json_option
def hops_command(hop: tuple[str, ...], as_json: bool) -> None:
    """Converters, ours and those of installed packages."""
    registry = Session(Selection(hops=hop)).registry
    print_records(
        [
            {"name": h.name, "source": h.source, "target": h.target, "available": not h.missing, "reason": h.missing}
            for h in registry.hops
        ],
        as_json,
    )
    for problem in registry.problems:
        Console(stderr=True).print(f"not usable: {problem}", style="yellow", highlight=False)


@list_group.command("runtimes", epilog="\b\nExample: parity list runtimes")
@json_option
def runtimes_command(as_json: bool) -> None:
    """Runtimes and the artifact format that each executes."""
    registry = Session().registry
    print_records(
        [
            {"name": r.name, "format": r.format, "worker": r.worker, "available": not r.missing, "reason": r.missing}
            for r in registry.runtimes
        ],
        as_json,
    )


@list_group.command("expectations", epilog="\b\nExample: parity list expectations")
@json_option
def expectations_command(as_json: bool) -> None:
    """Known deviations of released converters: what, where, why, and whether upstream knows."""
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
