"""Verbs about one model file: `predict`, `convert`, `check`."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness.cli.console import AGREED, DEVIATIONS, json_option, print_records
from harness.judge.compare import Comparison
from harness.matlab.readers.toolbox import Network, as_table
from harness.models import conversion, reader
from harness.models.predict import LIMIT as PREDICT_LIMIT
from harness.models.predict import predict_file
from harness.outcomes import Metrics, Outcome
from harness.results.events import plain
from harness.run.session import Session


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
@click.option(
    "--to", "target", type=click.Choice(["torch", "onnx"]), default="torch", show_default=True, help="What to write."
)
@click.option(
    "-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to write to."
)
@_variable
@_layout
def convert(file: Path, target: str, folder: Path, variable: str | None, layout: Path | None) -> None:
    """Convert a network of a MATLAB .mat FILE to PyTorch or ONNX, run it, and judge what it computes.

    `--to torch` writes model.py and weights.safetensors, which need torch alone; `--to onnx` writes model.onnx. If
    layers are not supported, all of them are named and nothing is written. No MATLAB is needed, and no code of the
    file is run.

    What was written is run on drawn inputs and compared with the documentation of the layers, computed in double
    precision. Exit code 0 if both agree, 1 if not (the files are there, and the first layer that deviates is named),
    2 if the file cannot be read or converted.
    """
    with Session() as session:
        network = reader.network_of(file, variable, layout)
        _introduce(file, network)
        title = f"The network of {file.name}"
        made = conversion.deliver(network.spec, network.weights, target, folder, session.workers, title=title)
    for path in made.paths:
        click.echo(f"{path}: {_size(path.stat().st_size)}")
    _conclude(made.comparison, made.reference)


@click.command(epilog="\b\nExample: parity check export.mat")
@_file
@_variable
@_layout
@json_option
def check(file: Path, variable: str | None, layout: Path | None, as_json: bool) -> None:
    """Check the conversion of a network of a MATLAB .mat FILE to PyTorch, and keep nothing.

    Where matlab/export_parity.m wrote the file with samples, PyTorch is compared with the activations that MATLAB
    itself computed, layer by layer; otherwise the outputs are compared with the documentation of the layers, as
    `parity convert` does.

    Exit code 0 if they agree, 1 if not, 2 if the file cannot be read or converted.
    """
    with Session() as session:
        network = reader.network_of(file, variable, layout)
        if network.samples:
            records, comparison = _layers_of_samples(network, session)
            reference = "the activations that MATLAB computed"
        else:
            records = as_table(network.spec, network.weights)
            with tempfile.TemporaryDirectory(prefix="parity-check-") as folder:
                made = conversion.deliver(network.spec, network.weights, "torch", Path(folder), session.workers)
            comparison, reference = made.comparison, made.reference
    left = sorted({name for sample in network.samples for name in conversion.not_compared(network.spec, sample)})
    if as_json:
        found = {
            "file": str(file),
            "dialect": network.dialect,
            "notes": list(network.notes),
            "outcome": str(comparison.outcome),
            "units": comparison.units,
            "message": comparison.message,
            "reference": reference,
            "not_compared": left,
            "layers": records,
        }
        click.echo(json.dumps(plain(found), indent=1))
    else:
        _introduce(file, network)
        print_records(records, as_json=False)
        if left:
            click.secho(f"note: not compared: {', '.join(left)}", fg="yellow")
    _conclude(comparison, reference, quiet=as_json)


def _layers_of_samples(network: Network, session: Session) -> tuple[list[dict[str, Any]], Comparison]:
    """A record for each layer of each sample, and the worst comparison; its message names the layer."""
    records: list[dict[str, Any]] = []
    worst = Comparison(Outcome.EXACT, metrics=Metrics(units=0.0))
    for k, sample in enumerate(network.samples, start=1):
        for found in conversion.check_sample(network.spec, network.weights, sample, session.workers):
            comparison = found.comparison
            records.append(
                {
                    **({"sample": k} if len(network.samples) > 1 else {}),
                    "layer": found.layer,
                    "kind": found.kind,
                    "outcome": str(comparison.outcome),
                    "units": comparison.units,
                    "relative": found.relative,
                    "message": comparison.message,
                }
            )
            if _harm(comparison) > _harm(worst):
                worst = replace(comparison, message=f"layer {found.layer!r} ({found.kind}): {comparison.message}")
    return records, worst


def _harm(comparison: Comparison) -> tuple[int, float]:
    return comparison.outcome.severity, comparison.units or 0.0


def _introduce(file: Path, network: Network) -> None:
    inputs = ", ".join(
        f"{item.name} {' x '.join('T' if n is None else str(n) for n in item.shape)}" for item in network.spec.inputs
    )
    count = len(network.spec.layers)
    click.echo(f"{file} ({network.dialect}): {count} layers; inputs, without the batch: {inputs}")
    for note in network.notes:
        click.secho(f"note: {note}", fg="yellow")


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def _conclude(comparison: Comparison, reference: str, *, quiet: bool = False) -> None:
    """Print the comparison and end with its exit code."""
    if not quiet:
        units = "" if comparison.units is None else f", {comparison.units:.3g} noise units at most"
        good = comparison.outcome.passes
        click.secho(f"{comparison.outcome}{units}, against {reference}", fg="green" if good else "red")
        if not good:
            click.secho(comparison.message, fg="red")
    raise SystemExit(AGREED if comparison.outcome.passes else DEVIATIONS)
