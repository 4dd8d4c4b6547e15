"""Check the conversion of a MATLAB network to PyTorch.

FILE is a .mat file; nothing is written. If matlab/export_parity.m wrote it with samples, PyTorch is compared with the
activations that MATLAB itself computed, layer by layer. Otherwise its outputs are compared with the documentation of
the layers, as `parity convert` does.

Exit code 0 if they agree, 1 if not, 2 if the file cannot be read or converted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.cli.console import json_option, print_records
from harness.cli.network import (
    conclude,
    exit_code,
    file_argument,
    introduce,
    layout_option,
    naming,
    variable_option,
)
from harness.matlab.readers.toolbox import Network
from harness.models import reader
from harness.models.check import NetworkCheck, check_network
from harness.results.events import plain
from harness.run.session import Session


@click.command(help=__doc__, epilog="\b\nExample: parity check export.mat")
@file_argument
@variable_option
@layout_option
@json_option
def command(file: Path, variable: str | None, layout: Path | None, as_json: bool) -> int:
    with Session() as session, naming(file):
        network = reader.network_of(file, variable, layout)
        check = check_network(network, session.workers)
    if as_json:
        click.echo(json.dumps(plain(_as_json(file, network, check)), indent=1))
    else:
        introduce(file, network)
        print_records(check.layers, as_json=False)
        if check.not_compared:
            click.secho(f"note: not compared: {', '.join(check.not_compared)}", fg="yellow")
        conclude(check.comparison, check.reference)
    return exit_code(check.comparison)


def _as_json(file: Path, network: Network, check: NetworkCheck) -> dict[str, Any]:
    return {
        "file": str(file),
        "dialect": network.dialect,
        "notes": list(network.notes),
        "outcome": str(check.comparison.outcome),
        "units": check.comparison.units,
        "message": check.comparison.message,
        "reference": check.reference,
        "not_compared": list(check.not_compared),
        "layers": list(check.layers),
    }
