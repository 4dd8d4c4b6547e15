"""What `parity check` says of a model file of Keras or ONNX: text, JSON, and a folder with the evidence."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import isinf
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from harness.cli.main import AGREED, DEVIATIONS, UNDECIDED
from harness.cli.own_layers import make_known
from harness.corpus.store import keep
from harness.models.alone import Culprit
from harness.models.samples import described
from harness.models.survival import Question, Survival, examined, plain, selection_of
from harness.models.ways import Way, to_add
from harness.outcomes import Outcome
from harness.patterns import few
from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from harness.reproducer.program import NoProgram
from harness.reproducer.write import ReproduceError, write
from harness.results import events
from harness.results.command import replay
from harness.results.events import Owed
from harness.results.file import Results, Writer
from harness.run.session import Session

RESULTS, PAGE, REPRODUCERS = "results.ndjson", "report.html", "reproducers"
ALIKE = 3
"""Layers that are named of those that break the same ways alike; --json has all."""
SHORT = 160
"""Most characters of a message in a table."""


def check_model(
    question: Question,
    *,
    imports: Sequence[Path],
    functions: Sequence[Path],
    folder: Path | None,
    to_corpus: bool,
    as_json: bool,
) -> int:
    """Examine a model, print the answer and keep it in `folder`, if one is given. Returns the exit code.

    `imports` are Python files that register layers of the user, `functions` those that say what such layers compute.
    With `to_corpus`, the layers that break a way alone become explored cases.
    """
    make_known(imports, functions, trust=question.trust)
    with Session(selection_of(question)) as session, Console(stderr=True).status("") as status:
        with examined(question, session, lambda text: status.update(f"{text} ..."), begins) as survival:
            if folder is not None:
                _keep(session, survival, folder)
            if to_corpus:
                for piece in survival.pieces:
                    keep(piece.case, session.root)
        status.stop()
    if as_json:
        click.echo(json.dumps(events.plain(_as_json(survival)), indent=1))
    else:
        _show(survival)
        if folder is not None:
            click.echo(f"\n{folder / PAGE} shows each way; its models lie beside it")
        if to_corpus:
            for piece in survival.pieces:
                hops = (*question.hops, *to_add(piece.route))
                click.echo(f"kept: {replay(piece.case.id, piece.route, {'hops': hops})}")
    return exit_code(survival)


LONG = 20.0
"""Seconds from which it is said before how long it takes."""


def begins(seconds: float, text: str) -> None:
    """Say how long it takes, if that is long."""
    if seconds >= LONG:
        click.echo(f"{text}: about {seconds:.0f} s", err=True)


def exit_code(survival: Survival) -> int:
    """Nothing that was not judged passes."""
    if not survival.ways or len(survival.good) < len(survival.ways):
        return DEVIATIONS
    return UNDECIDED if survival.is_undecided else AGREED


COLORS = {AGREED: "green", DEVIATIONS: "red", UNDECIDED: "yellow"}
"""Of the answer, by the exit code."""


def _show(survival: Survival) -> None:
    color = COLORS[exit_code(survival)]
    click.secho(f"{survival.sentence}\n", fg=color, bold=True)
    introduce(survival)
    print_ways(survival)
    print_layers(survival)
    for text in dict.fromkeys(way.known for way in survival.ways if way.known):
        click.echo(f"\nknown: {text}")
    for name, why in survival.missing.items():
        click.secho(f"not walked: {name}: {why}", fg="yellow")
    for way in () if survival.is_pair else survival.best_by_format:
        form = way.result.stages[-1].artifact
        outcome, fault = way.result.stages[-1].outcome, way.result.fault
        broken = f" The file of {fault.by} on the way is {fault.outcome}." if fault is not None else ""
        click.echo(f"\nTake {way.route} to {form}: {outcome}, {_units(way)} noise units.{broken}")


def introduce(survival: Survival) -> None:
    """Print the model, who says what is true of it, notes and inputs."""
    origin, truth = survival.origin, survival.truth
    layers = len(origin.spec.layers)
    click.echo(f"{origin.path}: {layers} layer{'s' * (layers != 1)}; judged by {truth.by}")
    if truth.why:
        click.secho(f"note: {truth.why}", fg="yellow")
    for note in survival.notes:
        click.secho(f"note: {note}", fg="yellow")
    if not survival.is_pair and survival.sensitivity is not None and survival.sensitivity.tried:
        click.echo(f"sensitivity: {survival.sensitivity}")
    for number, text in enumerate(described(tuple(sample.inputs for sample in truth.samples)), 1):
        click.echo(f"inputs {number}: {text}")
    click.echo()


def print_ways(survival: Survival) -> None:
    """Print a line for each way."""
    console = Console(width=None if Console().is_terminal else 140)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("way", "outcome", "noise units", "breaks at", "first layer", "known as"):
        table.add_column(name, overflow="fold", justify="right" if name == "noise units" else "left")
    tries_layers = bool(survival.origin.weights)
    for way in survival.ways:
        first = way.first.layer if way.first else _unknown(way) if tries_layers and not way.works else "-"
        end = f" -> [green]{way.result.stages[-1].outcome}" if way.arrives else ""
        outcome = f"[{'green' if way.works else 'red'}]{way.result.outcome}{end}"
        known = way.known_as if way.known_as and not way.works else "-"
        table.add_row(way.route, outcome, _units(way), way.blame or "-", first, known)
    console.print(table)


def _unknown(way: Way) -> str:
    """In the place of a layer's name, where none was found."""
    return f"not found; not tried: {few(way.untried, 2)}" if way.untried else "no layer alone"


def _units(way: Way) -> str:
    """The noise units of what the way ends in; those before say nothing of a way that gives nothing."""
    if way.works or way.arrives:
        return "-" if way.units is None else f"{way.units:.3g}"
    return f"{way.result.units:.3g}" if way.result.units is not None and _diverges(way) else "-"


def _diverges(way: Way) -> bool:
    return way.result.outcome is Outcome.DIVERGENT


def print_layers(survival: Survival) -> None:
    """Print every layer that breaks a way, then the ways that no layer alone breaks."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for way in survival.ways:
        for culprit in way.culprits:
            rows.setdefault((culprit.layer, culprit.kind, _words(culprit)), []).append(way.route)
        if not way.works and way.first is None and way.result.fault is not None:
            rows.setdefault(("-", "-", _short(way.result.fault.message)), []).append(way.route)
    if not rows:
        _print_notes(survival)
        return
    order = {layer.name: place for place, layer in enumerate(survival.origin.spec.layers)}
    ordered = sorted(rows.items(), key=lambda row: order.get(row[0][0], len(order)))
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (layer, kind, words), routes in ordered:
        alike.setdefault((kind, words, tuple(routes)), []).append(layer)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("layer", "kind", "what it does", "ways"):
        table.add_column(name, overflow="fold")
    for (kind, words, names), layers in alike.items():
        more = [f"and {len(layers) - ALIKE} more"] if len(layers) > ALIKE + 1 else layers[ALIKE:]
        table.add_row("\n".join([*layers[:ALIKE], *more]), kind, words, "\n".join(names))
    click.echo()
    Console(width=None if Console().is_terminal else 140).print(table)
    _print_notes(survival)


def _print_notes(survival: Survival) -> None:
    """Print what was met on the ways and is not the message of a layer."""
    said = {culprit.message for way in survival.ways for culprit in way.culprits}
    for note in dict.fromkeys(way.note for way in survival.ways if way.note and way.note not in said):
        click.secho(f"note: {_short(note)}", fg="yellow")


def _words(culprit: Culprit) -> str:
    if culprit.local is not None and isinf(culprit.local):
        return "another shape, or numbers that are not finite, by itself on right inputs"
    if culprit.local is not None and culprit.message:
        return f"{culprit.local:.3g} noise units: {culprit.message}"
    if culprit.local is not None:
        left = "" if culprit.propagated is None else f"; {culprit.propagated:.3g} really left it"
        return f"{culprit.local:.3g} noise units by itself, on right inputs{left}"
    return f"{culprit.outcome} alone: {_short(culprit.message)}"


_AROUND = re.compile(
    r"^.*INVALID_GRAPH.*?This is an invalid model\. .*?(?=Error )"  # ONNX Runtime's
    r'|^.*in user code:\s+(?:File "[^\n]*\n[^\n]*\n\s*)+'  # TensorFlow's, whose last words are the message
    r"|\s+",
    re.S,
)


def _short(message: str) -> str:
    """The part of an exception's message that says what is wrong, in one line."""
    text = _AROUND.sub(" ", message.rpartition("Exception encountered: ")[2]).strip()
    return text if len(text) <= SHORT else f"{text[: SHORT - 3]}..."


def _same(survival: Survival) -> bool | None:
    """Whether the two files of a pair are one network; None if that cannot be judged."""
    return None if survival.is_undecided else len(survival.good) == len(survival.ways)


def _as_json(survival: Survival) -> dict[str, Any]:
    best = survival.best
    return {
        "file": str(survival.origin.path),
        "sentence": survival.sentence,
        **({"same": _same(survival)} if survival.is_pair else {}),
        "sensitivity": None if survival.sensitivity is None else str(survival.sensitivity),
        "hidden": list(survival.hidden),
        "truth": survival.truth.by,
        "why": survival.truth.why,
        "notes": list(survival.notes),
        "best": None if best is None else best.route,
        "ways": [
            {
                "way": way.route,
                "outcome": way.result.outcome.value,
                "units": way.units if way.works else way.result.units,
                "arrives": way.arrives,
                "blame": way.blame or None,
                "message": way.result.fault.message if way.result.fault else "",
                "layers": [plain(culprit) for culprit in way.culprits],
                "hidden": list(way.hidden),
                "note": way.note,
                "known": way.known,
                "task": way.result.task,
            }
            for way in survival.ways
        ],
        "missing": dict(survival.missing),
    }


def keep_results(session: Session, survival: Survival, folder: Path) -> None:
    """Keep the results of the ways and their page."""
    folder.mkdir(parents=True, exist_ok=True)
    results = [way.result for way in survival.ways]
    header = session.header(["parity", *sys.argv[1:]], {"model": survival.origin.path.name}, len(results))
    owed = Owed.of(result.key for result in results)
    with Writer(folder / RESULTS, header, owed) as writer:
        for result in results:
            writer.add(result)
    page = page_of(summary_of(Results.load(folder / RESULTS)))
    layers = [f"{one.layer} ({one.kind}), by {one.by}: {_words(one)}" for one in survival.culprits]
    layers += [f"{way.route} works; {way.note}" for way in survival.ways if way.works and way.finding is not None]
    said = {"question": "Does it survive?", "sentence": survival.sentence, "remarks": layers}
    first = {**page.first, **said}
    write_page(replace(page, title=f"{survival.origin.path.name}: {survival.sentence}", first=first), folder / PAGE)


def _keep(session: Session, survival: Survival, folder: Path) -> None:
    """Keep results, page, the models of the ways that work, and reproducers of what breaks the others."""
    keep_results(session, survival, folder)
    for way in (*survival.good, *survival.arriving):
        if way.artifacts[-1] is not None and len(way.artifacts) > 1:
            place = folder / way.route
            place.mkdir(exist_ok=True)
            shutil.copy2(way.artifacts[-1], place / f"model{way.artifacts[-1].suffix}")
    routes = {route.name: route for route in session.every_route}
    for piece in survival.pieces:
        name = re.sub(r"[^\w.-]", "_", f"{piece.by}-{piece.layer}")
        with suppress(ReproduceError, NoProgram):  # one for which no program can be written
            write(session, piece.case, routes[piece.route], folder / REPRODUCERS / name)
