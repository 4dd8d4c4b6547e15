"""Freeze and verify the golden corpus."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from harness.catalogue import Row, rows
from harness.cli.console import json_option, layer_option, print_records, tracked
from harness.cli.main import AGREED, DEVIATIONS, USAGE
from harness.corpus import freeze
from harness.corpus.store import Store
from harness.corpus.verification import Verification
from harness.patterns import fits
from harness.run.selection import check_patterns
from harness.run.session import home


@click.group(help=__doc__)
def command() -> None: ...


@command.command("freeze", epilog="\b\nExample: parity golden freeze --layer Conv2D")
@layer_option
@click.option("--seed", metavar="N", type=int, default=0, help="Draw sizes, weights and inputs from this seed.")
def freeze_command(layer: tuple[str, ...], seed: int) -> None:
    """Draw the golden cases and store their answers.

    The cases of a layer cover all valid pairs of axis values. Only the oracle computes; no framework takes part. The
    same seed gives byte-identical files.
    """
    store = Store(home() / "golden")
    chosen = _rows(layer)
    total = sum(
        freeze.freeze(row, store, seed=seed) for row in tracked(chosen, lambda row: row.layer, total=len(chosen))
    )
    if not layer:
        for name in freeze.unused(chosen, store):
            store.drop(name)
            click.echo(f"removed {name}: no row of the catalogue asks for it")
    click.echo(f"{total} cases of {len(chosen)} layers in {store.root}")


@command.command("verify", epilog="\b\nExample: parity golden verify --json")
@layer_option
@json_option
def verify_command(layer: tuple[str, ...], as_json: bool) -> int:
    """Recompute every golden and report every difference.

    A difference is a golden that drifted, a case that was edited, a case for which the catalogue has no row, or a pair
    of axis values that no case covers. Exit code 1 if there is one, 2 if a case was edited.
    """
    store = Store(home() / "golden")
    models = list(freeze.verify_models(store, layer))
    chosen = _rows(layer, [check.layer for check in models])
    checks = tracked(freeze.verify(chosen, store), lambda check: check.layer, total=len(chosen))
    verification = Verification((*models, *checks), tuple(freeze.unused(rows(), store)))
    if as_json:
        click.echo(json.dumps(verification.to_json(), indent=1))
    else:
        _show(verification)
    if verification.edited:
        return USAGE
    return AGREED if verification.sound else DEVIATIONS


def _rows(layer: tuple[str, ...], models: Sequence[str] = ()) -> Sequence[Row]:
    """The selected rows. Raises SelectionError for a pattern that fits no row, nor one of the models."""
    advice = "`parity list layers` shows all"
    names = [*(row.layer for row in rows()), *models]
    check_patterns(layer, names, noun="layer of the catalogue", where="--layer", advice=advice)
    return [row for row in rows() if fits(row.layer, layer)]


def _show(verification: Verification) -> None:
    records = [check.to_json() for check in verification.checks]
    print_records([{key: record[key] for key in record if key != "problem"} for record in records], as_json=False)
    for check in verification.checks:
        if check.problem:
            click.secho(f"{check.dialect} {check.layer}: {check.problem}", fg="red")
    for name in verification.stray:
        click.secho(f"unused archive: {name}; `parity golden freeze` removes it", fg="red")
    click.echo(", ".join(f"{key} {value}" for key, value in verification.totals.items()))
