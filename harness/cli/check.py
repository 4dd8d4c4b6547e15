"""Check whether a model survives its conversion to PyTorch.

FILE is a .keras, .h5, .onnx or .pt2 file, the folder of a SavedModel, or a .mat file with a network of MATLAB.

A model that is no .mat file is walked along every way to PyTorch, on inputs that are drawn or your own (--inputs), and
judged by the documentation of its layers in double precision, or by its own framework where a layer is not documented.
Every layer that breaks a way is named, with its error on right inputs. -o keeps the page, the results and the models of
the ways that work.

Of a network of MATLAB nothing is written. If matlab/export_parity.m wrote the file with samples, PyTorch is compared
with the activations that MATLAB itself computed, layer by layer. Otherwise its outputs are compared with the
documentation of the layers, as `parity convert` does, on inputs that are drawn or your own (--inputs). Arrays of your
own have the axes of the PyTorch program: N x C x H x W, N x T x C or N x C.

With --against, the question is whether FILE and another model are one network. Beside a .mat file, the other is an
.onnx file, compared at every node that has the name of a layer; a .keras, .h5, .pt or .pth file, compared at its
outputs; or a .mat file with activations under the names of layers and their input as the variable x. Beside another
model it is an .onnx file, which is judged, and whose wrong layers are named, as what a converter makes. If the outputs
differ, the answer says what makes them equal, if that is a node that normalises the input once more, an order of
channels or a scale: then the networks are equal, and their preprocessing is not.

Outputs that agree prove nothing where they hide a layer. So each layer is changed by 1 % in the reference, and inputs
are drawn in another manner until the compared tensors show each change. Where they show none of a layer, the answer is
that the model cannot be judged.

Exit code 0 if they agree on every way, 1 if not, 2 if a file cannot be read or converted, 4 if it cannot be judged: a
network of MATLAB is too large, or the outputs hide a layer. Known defects explain a deviation, and excuse none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.cli.console import hop_option, json_option, print_records
from harness.cli.main import UNDECIDED
from harness.cli.model import check_model
from harness.cli.network import (
    Unwritten,
    chosen,
    conclude,
    exit_code,
    file_argument,
    introduce,
    layout_option,
    naming,
    refuse,
    variable_option,
)
from harness.cli.own_layers import import_option, semantics_option
from harness.matlab.readers.card import recipe
from harness.matlab.readers.toolbox import Network
from harness.models import reader
from harness.models.check import NetworkCheck, check_network, record_of
from harness.models.counterpart import NAME as THEIRS
from harness.models.given import given
from harness.models.origin import is_model
from harness.models.pair import Pair, check_pair
from harness.models.survival import Question
from harness.patterns import few
from harness.results.events import plain
from harness.run.session import Session

ADVICE = (
    "Compare with an .onnx file, of which each layer is compared, or with activations that MATLAB saved in a .mat file"
)
"""For a pair that cannot be judged."""
NOT_JUDGED = "not judged"
"""The outcome in JSON of a network that is too large."""


@click.command(help=__doc__, epilog="\b\nExample: parity check model.keras -o checked")
@file_argument
@variable_option
@layout_option
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    help="Compare with this model, or with the activations in this .mat file.",
)
@click.option(
    "--inputs",
    type=click.Path(exists=True, path_type=Path),
    help="Run it on these: an .npz or .mat file with an array for each input, an .npy file, a folder of images; "
    "else on drawn ones.",
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare classes with these, one for each sample of the inputs: an .npy, .json or text file.",
)
@click.option("--way", "ways", metavar="GLOB", multiple=True, help="Walk only these ways of a model (repeatable).")
@hop_option
@click.option(
    "-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), help="Keep the evidence of a model here."
)
@click.option(
    "--add-to-corpus",
    "to_corpus",
    is_flag=True,
    help="Keep each layer that breaks a way as a case, which `parity replay`, `reduce` and `reproduce` know.",
)
@click.option("--trust", is_flag=True, help="Let a model file run Python code: Lambda layers, .pt and .pth files do.")
@import_option
@semantics_option
@json_option
def command(
    file: Path | None,
    variable: str | None,
    layout: Path | None,
    against: Path | None,
    *,
    inputs: Path | None,
    labels: Path | None,
    ways: tuple[str, ...],
    hops: tuple[str, ...],
    folder: Path | None,
    to_corpus: bool,
    trust: bool,
    imports: tuple[Path, ...],
    functions: tuple[Path, ...],
    as_json: bool,
) -> int:
    file = chosen(file, layout)
    if is_model(file):
        if against is not None:
            if ways or hops or to_corpus:
                raise click.UsageError(
                    "--way, --hop and --add-to-corpus are not for --against: the other file is the way"
                )
            ways = (f"*-{THEIRS}",)
        question = Question(file, inputs, labels, ways, hops, trust, against=against)
        mine = {"imports": imports, "functions": functions}
        return check_model(question, **mine, folder=folder, to_corpus=to_corpus, as_json=as_json)
    options = {
        "--labels": labels,
        "--way": ways,
        "--hop": hops,
        "-o": folder,
        "--add-to-corpus": to_corpus,
        "--import": imports,
        "--semantics": functions,
    }
    refuse(file, options, "a model of Keras or ONNX")
    if inputs is not None and against is not None and against.suffix.lower() == ".mat":
        raise click.UsageError(f"--inputs is not for --against {against}: a file of activations holds its own input")
    with Session() as session, naming(file):
        network = reader.network_of(file, variable, layout)
        own = None if inputs is None else given(inputs, network, file)
        if against is not None:
            pair = check_pair(network, against, session.workers, trust=trust, given=own)
            return _show_pair(file, network, against, pair, as_json=as_json)
        check = check_network(network, session.workers, Unwritten(), own)
    if as_json:
        click.echo(json.dumps(plain(_as_json(file, network, check)), indent=1))
    else:
        introduce(file, network)
        print_records(check.layers, as_json=False)
        if check.not_compared:
            click.secho(f"note: not compared: {', '.join(check.not_compared)}", fg="yellow")
        conclude(check.comparison, check.reference, check.judged, check.hidden)
    return exit_code(check.comparison, check.hidden)


def _show_pair(file: Path, network: Network, against: Path, pair: Pair, *, as_json: bool) -> int:
    """Print a pair and return the exit code."""
    records = [record_of(layer) for layer in pair.layers]
    code = exit_code(pair.comparison, pair.hidden or pair.apart)
    if as_json:
        report = {
            "file": str(file),
            "against": str(against),
            "same": None if code == UNDECIDED else pair.comparison.outcome.passes,
            "outcome": str(pair.comparison.outcome),
            "units": pair.comparison.units,
            "message": pair.comparison.message,
            "equal_if": pair.equal_if,
            "notes": list(pair.notes),
            "unmatched": list(pair.unmatched),
            "hidden": list(pair.hidden),
            "layers": records,
        }
        click.echo(json.dumps(plain(report), indent=1))
        return code
    introduce(file, network)
    print_records(records, as_json=False)
    for note in pair.notes:
        click.secho(f"note: {note}", fg="yellow")
    if pair.unmatched:
        click.secho(f"note: without a counterpart: {', '.join(pair.unmatched)}", fg="yellow")
    conclude(pair.comparison, str(against), hidden=pair.hidden)
    if code == UNDECIDED and pair.apart:
        click.secho(f"cannot be judged: the outputs agree, and inside, {few(pair.apart)} differ", fg="yellow")
    elif code == UNDECIDED:
        click.secho(ADVICE, fg="yellow")
    elif pair.comparison.outcome.passes:
        told = "" if pair.sensitivity is None else f": {pair.sensitivity}"
        click.secho(f"they are one network{told}", fg="green")
    elif pair.equal_if:
        click.secho(f"they are equal {pair.equal_if}", fg="yellow")
    else:
        click.secho("they are not one network, nor with any change that was tried", fg="red")
    return code


def _as_json(file: Path, network: Network, check: NetworkCheck) -> dict[str, Any]:
    return {
        "file": str(file),
        "dialect": network.dialect,
        "notes": list(network.notes),
        "classes": list(network.card.classes),
        "preprocessing": list(recipe(network.spec, network.weights, network.card)),
        "outcome": NOT_JUDGED if check.comparison is None else str(check.comparison.outcome),
        "units": None if check.comparison is None else check.comparison.units,
        "message": "" if check.comparison is None else check.comparison.message,
        "judged": check.judged,
        "reference": check.reference,
        "not_compared": list(check.not_compared),
        "hidden": list(check.hidden),
        "layers": list(check.layers),
    }
