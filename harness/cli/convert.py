"""Convert a network of a MATLAB .mat file to PyTorch or ONNX.

`--to torch` writes model.py and weights.safetensors, which need torch alone; `--to onnx` writes model.onnx. If layers
are not supported, the error names all of them and nothing is written. No MATLAB is needed, and no code of the file is
run.

The written model is run on drawn inputs and compared with the documentation of the layers, computed in double
precision. Exit code 0 if both agree, 1 if not (the files are written, and the first layer that deviates is named), 2 if
the file cannot be read or converted.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.network import (
    conclude,
    exit_code,
    file_argument,
    introduce,
    layout_option,
    naming,
    variable_option,
)
from harness.models import conversion, reader
from harness.run.session import Session


@click.command(help=__doc__, epilog="\b\nExample: parity convert net.mat --to torch -o net_torch")
@file_argument
@click.option(
    "--to", "target", type=click.Choice(["torch", "onnx"]), default="torch", help="Write a model of this framework."
)
@click.option(
    "-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Write it here."
)
@variable_option
@layout_option
def command(file: Path, target: str, folder: Path, variable: str | None, layout: Path | None) -> int:
    with Session() as session, naming(file):
        network = reader.network_of(file, variable, layout)
        introduce(file, network)
        title = f"The network of {file.name}"
        delivered = conversion.deliver(network.spec, network.weights, target, folder, session.workers, title=title)
    for path in delivered.paths:
        click.echo(f"{path}: {_size(path.stat().st_size)}")
    conclude(delivered.comparison, delivered.reference)
    return exit_code(delivered.comparison)


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
