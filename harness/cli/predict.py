"""Run a model file on the arrays of a .mat file.

For MATLAB and Octave. MODEL is a .keras, .h5, .onnx, .pt or .pth file, a SavedModel folder, or the folder or model.py
that `parity convert` wrote. Inputs are the variables x1, x2, ... in the model's order (a single one may have any name),
outputs are y1, y2, ... in the model's order.

Axes keep the order of the Python tensor: MATLAB's [N H W C] is the tensor (N, H, W, C). MATLAB drops singleton axes at
the end; the model's rank restores them. An output of rank 1 is a column. Inputs get the model's types: real numbers are
rounded to float32, a whole number that the type cannot hold exactly is an error, logical becomes bool. Outputs keep
their types, but float16 and bfloat16 become single. Where the model carries the names of its classes, as those of
`parity convert` do, the most probable ones of each sample are printed. See docs/predict.md.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.network import refuse
from harness.cli.own_layers import import_option, make_known
from harness.models.predict import LIMIT, model_file, predict_file


@click.command(help=__doc__, epilog="\b\nExample: parity predict net.keras --inputs in.mat --outputs out.mat")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--inputs", type=click.Path(path_type=Path), required=True, help="Read x1, x2, ... from this .mat file.")
@click.option("--outputs", type=click.Path(path_type=Path), required=True, help="Write y1, y2, ... to this .mat file.")
@click.option(
    "--trust", is_flag=True, help="Let the model run Python code: .pt, .pth and .py files do, and Keras' Lambda layers."
)
@import_option
@click.option(
    "--limit", metavar="SECONDS", type=float, default=LIMIT, help="Limit the processor time that the model takes."
)
def command(model: Path, inputs: Path, outputs: Path, *, trust: bool, imports: tuple[Path, ...], limit: float) -> None:
    if model_file(model).suffix.lower() not in (".keras", ".h5"):
        refuse(model, {"--import": imports}, "a .keras or .h5 file")
    make_known(imports)
    for line in predict_file(model, inputs, outputs, trust=trust, limit=limit):
        click.echo(line)
    click.echo(str(outputs))
