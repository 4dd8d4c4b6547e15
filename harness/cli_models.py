"""Verbs about one model file: `predict`, `convert`, `check`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from harness.compare import Verdict
from harness.console import AGREED, DEVIATIONS, print_records
from harness.matlab import conversion, isolated
from harness.matlab.toolbox import Network, as_table
from harness.predict import LIMIT as PREDICT_LIMIT
from harness.predict import predict_file
from harness.session import Session


@click.command(epilog="\b\nExample: parity predict net.keras --inputs in.mat --outputs out.mat")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--inputs", type=click.Path(path_type=Path), required=True, help="The .mat file with x1, x2, ...")
@click.option("--outputs", type=click.Path(path_type=Path), required=True, help="The .mat file for y1, y2, ...")
@click.option(
    "--trust", is_flag=True, help="The model file may run Python code: .pt and .pth files do, and Keras' Lambda layers."
)
@click.option("--limit", type=float, default=PREDICT_LIMIT, show_default=True, help="Seconds that the model may take.")
def predict(model: Path, inputs: Path, outputs: Path, trust: bool, limit: float) -> None:
    """Run a model file on the arrays of a .mat file, for MATLAB and Octave.

    MODEL is a .keras, .h5, .onnx, .pt or .pth file or a SavedModel folder. Inputs are the variables x1, x2, ... in the
    model's order (a single one may have any name), outputs are y1, y2, ... in the model's order.

    Axes keep the order of the Python tensor: MATLAB's [N H W C] is the tensor (N, H, W, C). MATLAB drops singleton axes
    at the end; the model's rank restores them. An output of rank 1 is a column. The model's types decide: real numbers
    are rounded to float32, whole numbers that its type cannot hold exactly are an error, logical is bool. Outputs keep
    their types; float16 and bfloat16 become single. See docs/predict.md.
    """
    for line in predict_file(model, inputs, outputs, trust=trust, limit=limit):
        click.echo(line)
    click.echo(str(outputs))


_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_variable = click.option("--variable", metavar="NAME", help="The variable, where the file holds several networks.")
_layout = click.option(
    "--layout",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON that says what the file's arrays are, where it holds arrays only (docs/matlab.md).",
)


@click.command(epilog="\b\nExample: parity convert net.mat --to torch -o net_torch")
@_file
@click.option("--to", "target", type=click.Choice(["torch", "onnx"]), default="torch", show_default=True)
@click.option(
    "-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to."
)
@_variable
@_layout
def convert(file: Path, target: str, folder: Path, variable: str | None, layout: Path | None) -> None:
    """Convert a network of a MATLAB .mat FILE to PyTorch or ONNX, run it, and judge what it computes.

    `--to torch` writes model.py and weights.safetensors, which need torch alone; `--to onnx` writes model.onnx. Every
    unsupported layer is named, and then nothing is written. No MATLAB is needed, and no code of the file is run.

    Exit code 1 if what was written computes something else than the layers' documentation says.
    """
    with Session() as session:
        network = isolated.network_of(file, variable, layout)
        _introduce(file, network)
        title = f"{network.dialect} of {file.name}"
        made = conversion.deliver(network.spec, network.weights, target, folder, session.workers, title=title)
    for path in made.paths:
        click.echo(f"{path}: {path.stat().st_size / 2**20:.2f} MiB")
    _conclude(made.verdict, made.reference)


@click.command(epilog="\b\nExample: parity check export.mat")
@_file
@_variable
@_layout
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def check(file: Path, variable: str | None, layout: Path | None, as_json: bool) -> None:
    """Check the conversion of a network of a MATLAB .mat FILE without keeping it.

    Where matlab/export_parity.m wrote the file with samples, PyTorch is compared with the activations that MATLAB
    itself computed, layer by layer; otherwise with the documented semantics of the layers.
    """
    with Session() as session:
        network = isolated.network_of(file, variable, layout)
        if not network.samples:
            if as_json:
                print_records(as_table(network.spec, network.weights), as_json)
            else:
                _introduce(file, network)
                print_records(as_table(network.spec, network.weights), as_json)
            with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
                made = conversion.deliver(network.spec, network.weights, "torch", Path(folder), session.workers)
            _conclude(made.verdict, made.reference, quiet=as_json)
        checks = [
            found
            for sample in network.samples
            for found in conversion.check_sample(network.spec, network.weights, sample, session.workers)
        ]
    records = [
        {
            "layer": found.layer,
            "kind": found.kind,
            "outcome": str(found.verdict.outcome),
            "units": found.verdict.units,
            "relative": found.relative,
            "message": found.verdict.message,
        }
        for found in checks
    ]
    if not as_json:
        _introduce(file, network)
    print_records(records, as_json)
    worst = max((found.verdict for found in checks), key=lambda verdict: verdict.outcome.severity)
    _conclude(worst, "the activations that MATLAB computed", quiet=as_json)


def _introduce(file: Path, network: Network) -> None:
    inputs = ", ".join(
        f"{item.name} {' x '.join('T' if n is None else str(n) for n in item.shape)}" for item in network.spec.inputs
    )
    count = len(network.spec.layers)
    click.echo(f"{file}: {network.dialect}, {count} layers, inputs {inputs} (without the batch)")
    for note in network.notes:
        click.secho(f"note: {note}", fg="yellow")


def _conclude(verdict: Verdict, reference: str, *, quiet: bool = False) -> None:
    """Print the verdict and end with its exit code."""
    if not quiet:
        units = "" if verdict.units is None else f", {verdict.units:.3g} noise units at most"
        good = verdict.outcome.passes
        click.secho(f"{verdict.outcome}{units}, against {reference}", fg="green" if good else "red")
        if not good:
            click.secho(verdict.message, fg="red")
    raise SystemExit(AGREED if verdict.outcome.passes else DEVIATIONS)
