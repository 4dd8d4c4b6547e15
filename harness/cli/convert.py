"""Convert a model of Keras, of ONNX or of a MATLAB .mat file.

FILE is a .keras, .h5 or .onnx file, or a .mat file with a network of MATLAB.

A model of Keras or ONNX is walked along every way to the target, on inputs that are drawn or your own (--inputs). The
best way that computes what the model computes is taken: -o gets model.pt or model.onnx, a README.md, proof.json and the
results of all ways. `--to mat` writes model.mat and run_model.m, which run in MATLAB and Octave by themselves. What was
written is run once more and compared. If no way agrees, nothing is written, and the layers in the way are named.

A network of MATLAB becomes model.py and weights.safetensors, which need torch alone, or with `--to onnx` model.onnx. If
layers are not supported, the error names all of them and nothing is written. No MATLAB is needed, and no code of the
file is run. The written model is run on drawn inputs and compared with the documentation of the layers, computed in
double precision; if it deviates, the files are written, and the first layer that deviates is named. Inputs of your own
(--inputs) have the axes of the PyTorch program: N x C x H x W, N x T x C or N x C.

Exit code 0 if what was written agrees, 1 if not or if no way agrees, 2 if the file cannot be read or converted.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.console import hop_option
from harness.cli.delivery import convert_model, form_of
from harness.cli.network import (
    Shown,
    chosen,
    conclude,
    exit_code,
    file_argument,
    introduce,
    layout_option,
    naming,
    refuse,
    title_of,
    variable_option,
)
from harness.cli.own_layers import import_option, make_known, semantics_option
from harness.models import conversion, reader
from harness.models.given import given
from harness.models.origin import is_model
from harness.models.survival import Question
from harness.run.session import Session


@click.command(
    help=__doc__,
    epilog="\b\nExample: parity convert net.keras --to onnx -o net_onnx",
)
@file_argument
@click.option(
    "--to",
    "target",
    type=click.Choice(["torch", "onnx", "mat"]),
    default="torch",
    help="Write a model of this framework; mat for models of Keras only.",
)
@click.option(
    "-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Write it here."
)
@variable_option
@layout_option
@click.option(
    "--inputs",
    type=click.Path(exists=True, path_type=Path),
    help="Prove it on these: an .npz or .mat file with an array for each input, an .npy file, a folder of images; "
    "else on drawn ones.",
)
@click.option("--way", "ways", metavar="GLOB", multiple=True, help="Walk only these ways of a model (repeatable).")
@hop_option
@click.option("--trust", is_flag=True, help="Let a model file run Python code: Lambda layers do.")
@import_option
@semantics_option
def command(
    file: Path | None,
    target: str,
    folder: Path,
    variable: str | None,
    layout: Path | None,
    *,
    inputs: Path | None,
    ways: tuple[str, ...],
    hops: tuple[str, ...],
    trust: bool,
    imports: tuple[Path, ...],
    functions: tuple[Path, ...],
) -> int:
    file = chosen(file, layout)
    if is_model(file):
        refuse(file, {"--variable": variable, "--layout": layout}, "a .mat file")
        make_known(imports, functions, trust=trust)
        return convert_model(Question(file, inputs, None, ways, hops, trust, form=form_of(target)), target, folder)
    options = {
        "--way": ways,
        "--hop": hops,
        "--trust": trust,
        "--import": imports,
        "--semantics": functions,
    }
    refuse(file, options, "a model of Keras or ONNX")
    if target == "mat":
        raise click.UsageError(f"--to mat is for a model of Keras, not for {file}")
    with Session() as session, naming(file):
        network = reader.network_of(file, variable, layout)
        own = None if inputs is None else given(inputs, network, file)
        introduce(file, network)
        delivered = conversion.deliver(
            network, target, folder, session.workers, title=title_of(file, layout), watch=Shown(), given=own
        )
    conclude(delivered.comparison, delivered.reference, delivered.judged, delivered.hidden)
    return exit_code(delivered.comparison, delivered.hidden)
