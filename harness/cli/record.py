"""Show the record, or take the results of a run into it.

The record, golden/record, says what every stage of every golden case did with the recorded versions. A run is judged
by it first: what passed and deviates now is a regression, whatever expectation would cover it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import click

from harness.cli.console import json_option, load_results, print_records
from harness.cli.main import AGREED
from harness.fingerprint import package_of
from harness.installed import SUITE, version_of
from harness.judge import record as records
from harness.judge.acceptance import proposed
from harness.judge.record import RecordError
from harness.judge.released import Released
from harness.results.environments import IDLE
from harness.results.events import Answer
from harness.results.file import Results
from harness.run.session import RECORD, Selection, Session


@click.group(help=__doc__)
def command() -> None: ...


@command.command("accept", epilog='\b\nExample: parity record accept reports/results.ndjson --reason "torch 2.16: ..."')
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--reason", required=True, help="Why the record may change; it is kept with the acceptance.")
@click.option(
    "--random", is_flag=True, help="Keep what is on record, too: the outcome of these stages is random, as REASON says."
)
def accept_command(results: Path, reason: str, random: bool) -> int:
    """Take the results of a run into the record.

    What is new or differs takes the place of what is on record, with the reason; what is lost goes. Results that a
    default run does not have are left out. A cut run, and one with other versions than on record, is refused.
    """
    run = load_results(results)
    with Session(Selection()) as session:
        folder, record = session.store.root / RECORD, session.record
        walked = {result.route for result in run.results}
        layers = {(result.dialect, result.layer) for result in run.results}
        lost = [key for key in session.unwalked() if key[1] in walked and records.split_id(key[0])[:2] in layers]
        walks = {(entry.id, route.name) for entry, route in session.pairs()}
        detours = {route.name for route in session.detours}
        goldens = {entry.id for entry in session.store.entries()}
    _check_versions(record, run)
    accepted = [
        result
        for result in run.results
        if (records.plain_id(result.case), result.route) in walks
        or (result.route in detours and records.plain_id(result.case) in goldens)
    ]
    proposal = proposed(record, accepted, lost, beside=random)
    changed = {name: count for name, count in proposal.answers.items() if name != Answer.SAME}
    if not changed:
        click.echo("nothing differs from the record")
        return AGREED
    ordered = {str(answer): changed[answer] for answer in Answer if answer in changed}
    records.append(folder, reason, ordered, proposal.stages)
    replace(proposal.record, versions=record.versions or _recordable(run)).save(folder)
    for line in proposal.stages:
        click.echo(line)
    click.echo(f"{', '.join(f'{count:,} {name}' for name, count in ordered.items())}: accepted into {folder}")
    return AGREED


@command.command("functions", epilog="\b\nExample: parity record functions onnx2torch")
@click.argument("distributions", nargs=-1, required=True)
def functions_command(distributions: tuple[str, ...]) -> int:
    """Keep the digests of the functions of released converters, which are installed here.

    A gate tells by them which functions of a working copy have changed, and which of these no case enters. The versions
    must be those on record.
    """
    with Session(Selection()) as session:
        folder, record = session.store.root / RECORD, session.record
    for name in distributions:
        package, here = package_of(name), version_of(name)
        if package is None or here != record.versions.get(name):
            raise RecordError(
                "the converter is not installed as it is on record",
                where=name,
                expected=record.versions.get(name, "a distribution that is on record"),
                came=here,
            )
        path = Released.of(name, here, package).save(folder)
        click.echo(f"{path}: {path.stat().st_size:,} bytes")
    return AGREED


@command.command("show", epilog="\b\nExample: parity record show keras-Conv2D-0123456789ab")
@click.argument("case", required=False)
@json_option
def show_command(case: str | None, as_json: bool) -> int:
    """Show what is on record of a case; without CASE, how many stages of each chain have which outcome."""
    with Session(Selection()) as session:
        record = session.record
        if case is None:
            print_records(_summary(record), as_json)
            return AGREED
        name = session.find(case).id
    cells = [
        {"case": key[0], "stage": key[1], "outcome": cell.outcome.value, "units": cell.units}
        for key, kept in sorted(record.cells.items())
        if records.plain_id(key[0]) == name
        for cell in kept
    ]
    if not cells:
        raise RecordError("the case is not on record", where=name, advice="`parity record accept` takes a run into it")
    print_records(cells, as_json)
    return AGREED


def _summary(record: records.Record) -> list[dict[str, object]]:
    chains: dict[str, Counter[str]] = {}
    for (_, chain), cells in record.cells.items():
        chains.setdefault(chain, Counter())["/".join(cell.outcome.value for cell in cells)] += 1
    return [
        {
            "stage": chain,
            "cases": counts.total(),
            "outcomes": ", ".join(f"{n} {name}" for name, n in counts.most_common()),
        }
        for chain, counts in sorted(chains.items())
    ]


def _recordable(run: Results) -> dict[str, str]:
    """The versions of the distributions of a run, without interpreter and platform."""
    return {
        name: text
        for name, text in run.header.versions.items()
        if name not in ("python", "platform", SUITE) and text != "not installed"
    }


def _check_versions(record: records.Record, run: Results) -> None:
    """Raise RecordError if the run had other versions than the record."""
    ran = _recordable(run)
    other = [
        f"{name} {ran.get(name, 'not installed')}"
        for name, text in record.versions.items()
        if name not in IDLE and ran.get(name) != text
    ]
    if other and record.cells:
        raise RecordError(
            "the run had other versions than the record",
            where="versions of the run",
            expected=", ".join(f"{name} {record.versions[name]}" for name in (text.split()[0] for text in other)),
            came=", ".join(other),
            advice="Remove golden/record and accept a whole run with the new versions.",
        )
