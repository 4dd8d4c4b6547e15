"""Verbs about one deviation: `reproduce`, `reduce`, and the running of a reproducer for `replay`."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import click

from harness.cli.console import AGREED, DEVIATIONS, USAGE, hop_option, progress
from harness.reproducer.write import LIMIT, SCRIPT, ReproduceError, of_expectation, write
from harness.run.reduce import ReduceError, ends, reduced
from harness.run.session import Selection, SelectionError, Session

_opset = click.option("--opset", metavar="N", type=int, multiple=True, help="Convert to this ONNX opset.")
ANSWERS = {AGREED: "FIXED", DEVIATIONS: "FAILED", USAGE: "ERROR"}


@click.command(epilog="\b\nExample: parity reproduce keras-ELU-ef0529b0c9f3 --route keras-tf2onnx -o elu")
@click.argument("case", required=False)
@click.option("--route", metavar="GLOB", help="The route on which it deviates.")
@hop_option
@click.option("--expectations", is_flag=True, help="One folder for the minimal case of each known deviation.")
@click.option("--id", "glob", metavar="GLOB", default="*", help="Only expectations whose id matches.")
@click.option("-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True)
@_opset
def reproduce(
    *,
    case: str | None,
    route: str | None,
    hop: tuple[str, ...],
    expectations: bool,
    glob: str,
    folder: Path,
    opset: tuple[int, ...],
) -> None:
    """Write a deviation as a folder, and a zip of it, that needs the frameworks only.

    It holds a script of at most 60 lines, the model, inputs, expected and actual outputs, and the text of an issue.
    CASE is the id of a golden or of a case that exploration kept, or the beginning of one.
    """
    if (case is None) != expectations or (case is not None and route is None):
        raise click.UsageError("give a CASE with its --route, or --expectations")
    with Session(Selection(route=route, hops=hop, opset=opset, all_cases=True)) as session:
        if case is not None:
            entry = session.find(case)
            routes = session.runnable_for(entry.dialect)
            if not routes:
                raise SelectionError(f"no selected route starts from {entry.dialect!r} and can run here")
            loaded = entry.load()
            chosen = next((r for r in routes if not session.walk.result(loaded, r).outcome.passes), routes[0])
            made = write(session, loaded, chosen, folder)
            click.echo(f"{made.folder} and {made.archive}: {made.title}")
            raise SystemExit(AGREED)
        problems = write_all(session, glob, folder)
    for text in problems:
        click.secho(text, fg="yellow")
    raise SystemExit(DEVIATIONS if problems else AGREED)


@click.command(epilog="\b\nExample: parity reduce keras-Graph-02a0a898fed6 --route keras-tf2onnx-onnx2torch")
@click.argument("case")
@click.option("--route", metavar="GLOB", required=True, help="The route on which it deviates.")
@hop_option
@click.option("-o", "--out", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write a reproducer too.")
@_opset
def reduce(case: str, route: str, hop: tuple[str, ...], folder: Path | None, opset: tuple[int, ...]) -> None:
    """Find the fewest layers of a model that still deviate, and the first tensor that does.

    CASE is the id of a golden or of a case that exploration kept, or the beginning of one. Of the routes that
    fit, the first on which it deviates is taken.
    """
    with Session(Selection(route=route, hops=hop, opset=opset, all_cases=True)) as session:
        entry = session.find(case)
        loaded = entry.load()
        routes = [each for each in session.runnable_for(entry.dialect) if ends(session.walk, loaded, each)]
        if not routes:
            raise ReduceError(f"{entry.id} agrees on every route that fits {route!r} and can run here")
        found = reduced(session.walk, loaded, routes[0], tell=lambda text: click.echo(text, err=True))
        click.secho(f"{entry.id} on {routes[0].name}", bold=True)
        click.echo(found.sentence)
        spec = found.case.spec
        click.echo(f"{len(loaded.spec.layers)} layers reduced to {len(spec.layers)} in {found.walks} walks:")
        for line in spec.lines:
            click.echo(f"  {line}")
        if folder is not None:
            click.echo(str(write(session, found.case, routes[0], folder).archive))


COMMANDS = (reproduce, reduce)


def write_all(session: Session, glob: str, folder: Path) -> list[str]:
    """One folder per expectation; what could not be written, as sentences."""
    chosen = [item for item in session.expectations if fnmatchcase(item.id, glob)]
    if not chosen:
        raise SelectionError(f"no expectation fits {glob!r}; `parity list expectations` shows all")
    problems = []
    with progress() as bar:
        task = bar.add_task("writing", total=len(chosen))
        for item in sorted(chosen, key=lambda one: one.case):
            bar.update(task, description=f"{item.id:40}")
            try:
                of_expectation(session, item, folder / item.id)
            except ReproduceError as error:
                problems.append(f"{item.id}: {error}")
            bar.advance(task)
    click.echo(f"{len(chosen) - len(problems)} of {len(chosen)} reproducers in {folder}")
    return problems


def run_folder(folder: Path) -> None:
    """Run a reproducer with this interpreter and end with its answer: FIXED 0, FAILED 1, ERROR 2."""
    script = folder / SCRIPT
    if not script.is_file():
        raise click.UsageError(f"{folder} is no reproducer: it has no {SCRIPT}")
    code, last = ran(folder)
    click.echo(f"{ANSWERS[code]}: {last}")
    raise SystemExit(code)


def ran(folder: Path) -> tuple[int, str]:
    """Exit code and last line of a reproducer's script: 0 or 1 only where that line says so, else 2.

    A script that ends by an exception nobody foresaw, or cannot even be read, has shown nothing.
    """
    command = [sys.executable, str((folder / SCRIPT).resolve())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LIMIT, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return USAGE, f"the script did not end within {2 * LIMIT} s"
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["it printed nothing"]
    said = {AGREED: "FIXED", DEVIATIONS: "DEVIATES:"}.get(done.returncode)
    return done.returncode if said and lines[-1].startswith(said) else USAGE, lines[-1]
