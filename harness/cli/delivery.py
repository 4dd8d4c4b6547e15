"""What `parity convert` does with a model of Keras or ONNX: walk the ways to the target, and write the best."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from harness.cli.main import AGREED, DEVIATIONS, UNDECIDED
from harness.cli.model import begins, introduce, keep_results, print_layers, print_ways
from harness.cli.network import undecided
from harness.errors import InputError
from harness.models.origin import KERAS, ONNX, kind_of
from harness.models.proof import FORMS, prove
from harness.models.survival import Question, Survival, examined, selection_of
from harness.run.session import Session

NAMES = {"torch": "PyTorch", "onnx": "ONNX", "mat": "MATLAB"}
OFFERED = {KERAS: ("torch", "onnx", "mat"), ONNX: ("torch",)}
"""The targets that a source format has ways to."""


class ConvertError(InputError):
    """A target that a model has no way to."""


def convert_model(question: Question, target: str, folder: Path) -> int:
    """Convert a model by the best way that agrees, write it to `folder`, and print the proof. Returns the exit code.

    `question.form` is the format of the target. Nothing is written where no way agrees. Raises InputError.
    """
    check_target(question.model, target)
    with Session(selection_of(question)) as session, Console(stderr=True).status("") as status:
        with examined(question, session, lambda text: status.update(f"{text} ..."), begins) as survival:
            best = survival.best
            if best is not None:
                status.update(f"writing what {best.route} made, and running it ...")
                proven = prove(session, survival, best, target, folder)
                if proven.files:
                    keep_results(session, survival, folder)
        status.stop()
    if not survival.ways:
        why = "; ".join(f"{name}: {text}" for name, text in survival.missing.items())
        raise ConvertError(f"no way to {NAMES[target]} can run here: {why}", where=question.model)
    introduce(survival)
    print_ways(survival)
    print_layers(survival)
    if best is None:
        click.secho(f"\n{refusal(survival, target)} Nothing was written.", fg="red", bold=True)
        return DEVIATIONS
    if not proven.files:
        click.secho(
            f"\n{best.route} works, but the file that it gives does not: {proven.comparison.message}. "
            "Nothing was written.",
            fg="red",
        )
        return DEVIATIONS
    click.echo()
    for path in proven.files:
        click.echo(str(path))
    units = "" if proven.comparison.units is None else f", {proven.comparison.units:.3g} noise units at most"
    click.secho(
        f"{best.route}: {proven.comparison.outcome}{units}, against {survival.truth.by}; the written model was run",
        fg="yellow" if best.is_undecided else "green",
        bold=True,
    )
    if best.is_undecided:
        click.secho(undecided(best.hidden), fg="yellow")
        return UNDECIDED
    return AGREED


def refusal(survival: Survival, target: str) -> str:
    """Why nothing was written, in a sentence with the names of the layers that break every way."""
    count = len(survival.ways)
    names = [culprit.layer for culprit in survival.culprits]
    head = f"No way to {NAMES[target]} computes what the model computes ({count} walked)"
    words = f"{head}; in the way: {', '.join(names)}." if names else f"{head}; no layer alone is in the way."
    if target != "torch" or survival.origin.source != KERAS:
        return words
    return f"{words} Keras itself runs on PyTorch: see `parity check {survival.origin.path} --way keras-kerastorch`."


def check_target(model: Path, target: str) -> None:
    """Raise ConvertError for a target that the model is already, or that nothing converts it to."""
    kind = kind_of(model)
    if target in OFFERED[kind]:
        return
    problem = f"it is {NAMES[target]} already" if target == kind else f"nothing converts it to {NAMES[target]}"
    raise ConvertError(problem, where=model, expected=f"--to {' or '.join(OFFERED[kind])}", came=f"--to {target}")


def form_of(target: str) -> str:
    """The format of the last artifact of the ways to a target."""
    return FORMS[target]
