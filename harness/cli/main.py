"""The `parity` command. Exit codes: 0 agreed, 1 deviations, 2 usage or input error, 3 internal error."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from harness.adapters.registry import PluginError
from harness.adapters.routes import Route
from harness.analysis.defects import causes, sentence
from harness.catalogue import rows
from harness.cli import list as cli_list
from harness.cli import models as cli_models
from harness.cli import reproduce as cli_reproduce
from harness.cli.console import (
    AGREED,
    DEVIATIONS,
    INTERNAL,
    USAGE,
    hop_option,
    json_option,
    layer_option,
    opset_option,
    out,
    print_records,
    progress,
    route_option,
)
from harness.corpus.store import Entry, GoldenError, Store
from harness.judge.findings import FindingsError
from harness.matlab.readers.records import MatFileError, NetworkError
from harness.models.conversion import ConversionError
from harness.models.predict import PredictionError
from harness.reproducer.write import ReproduceError
from harness.results.events import Judgement, Result, ResultsError, plain
from harness.results.file import Results, Writer
from harness.run.reduce import ReduceError, with_first_tensor
from harness.run.session import Selection, SelectionError, Session, home

INPUT_ERRORS = (
    GoldenError,
    ResultsError,
    SelectionError,
    PluginError,
    FindingsError,
    PredictionError,
    ConversionError,
    MatFileError,
    NetworkError,
    ReduceError,
    ReproduceError,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="parity-suite")
def cli() -> None:
    """Conformance suite for model converters: Keras -> ONNX -> PyTorch and MATLAB .mat -> PyTorch.

    \b
    Exit codes: 0 agreed, 1 deviations, 2 usage or input error, 3 internal error.
    """


@cli.command(epilog="\b\nExample: parity run --layer 'Conv*' --route 'keras-tf2onnx*'")
@route_option
@layer_option
@hop_option
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("reports/results.ndjson"),
    show_default=True,
    help="Where the results go.",
)
@click.option("--limit", type=float, default=Selection.limit, show_default=True, help="Seconds one request may take.")
@opset_option
@click.option("--all-cases", is_flag=True, help="Walk every route over every case, not a few of each layer.")
def run(results: Path, **chosen: Any) -> None:
    """Walk the golden cases along their routes and write a results file.

    The same walk as `pytest suites/`, in one process and without pytest.
    """
    with Session(Selection(hops=chosen.pop("hop"), **chosen)) as session:
        pairs = session.pairs()
        for each in session.routes:
            if why := each.missing(session.registry):
                click.secho(f"route {each.name} cannot run: {why}", fg="yellow")
        if not pairs:
            raise SelectionError("no route can run for these layers; `parity list routes` says why")
        session.warm(session.runnable)
        options = {name: value for name, value in asdict(session.selection).items() if value not in (None, ())}
        header = session.header(["parity", *sys.argv[1:]], options, len(pairs))
        with Writer(results, header) as writer, progress() as bar:
            _walk(session, pairs, writer, bar)
    found = Results.load(results)
    _summary(found, results)
    raise SystemExit(found.exit_code)


def _walk(session: Session, pairs: Sequence[tuple[Entry, Route]], writer: Writer, bar: Progress) -> None:
    task = bar.add_task("walking", total=len(pairs))
    for _, group in groupby(pairs, key=lambda pair: pair[0].id):
        own = list(group)
        bar.update(task, description=f"{own[0][0].subject:24}")
        case = own[0][0].load()
        for _, route in own:
            result = session.walk.result(case, route)
            large = own[0][0].is_large
            writer.add(result if large else with_first_tensor(session.walk, case, route, result))
            bar.advance(task)


def _summary(results: Results, path: Path) -> None:
    for result in results.failures[:20]:
        click.secho(f"FAILED {result.case} {result.route}: {result.message}", fg="red")
    click.echo(results.sentence)
    click.echo(f"{path}; make a page of it with `parity report {path}`")


@cli.command(epilog="\b\nExample: parity report reports/results.ndjson -o reports/index.html")
@click.argument("results", type=click.Path(path_type=Path), default=Path("reports/results.ndjson"))
@click.option(
    "-o", "--out", "target", type=click.Path(dir_okay=False, path_type=Path), default=Path("reports/index.html")
)
def report(results: Path, target: Path) -> None:
    """Make one self-contained HTML page of a results file.

    A cut run can be looked at too: the page says that it was cut.
    """
    from harness.report import write_report

    click.echo(str(write_report(_results(results, cut_ok=True), target)))


@cli.command(epilog="\b\nExample: parity calibrate reports/results.ndjson -o docs/calibration.md")
@click.argument("results", type=click.Path(path_type=Path), default=Path("reports/results.ndjson"))
@click.option("-o", "--out", "target", type=click.Path(dir_okay=False, path_type=Path), help="Default: print it.")
def calibrate(results: Path, target: Path | None) -> None:
    """Tabulate the noise units of correct implementations, per layer and runtime, as a Markdown page."""
    from harness.analysis.calibration import page
    from harness.files import atomic_write

    text = page(_results(results))
    if target is None:
        click.echo(text, nl=False)
    else:
        atomic_write(target, text.encode())
        click.echo(str(target))


@cli.command("causes", epilog="\b\nExample: parity causes reports/results.ndjson --failed")
@click.argument("results", type=click.Path(path_type=Path), default=Path("reports/results.ndjson"))
@click.option("--failed", is_flag=True, help="Only those with results that nothing expects.")
@json_option
def causes_command(results: Path, failed: bool, as_json: bool) -> None:
    """Group the deviations of a run by defect: the converter at fault, and on which cases it shows.

    Unexpected defects come first, then silent ones, then those of most cases. A cut run can be looked at too.
    """
    found = [cause for cause in causes(_results(results, cut_ok=True).results) if cause.unexpected or not failed]
    if as_json:
        data = {"sentence": sentence(found), "causes": [cause.to_json() for cause in found]}
        click.echo(json.dumps(data, indent=1, allow_nan=False))
        return
    click.echo(sentence(found))
    for place, cause in enumerate(found, 1):
        click.echo(f"\n{place}. {cause.text}")


@cli.command(epilog="\b\nExample: parity findings reports/results.ndjson -o docs/findings.md")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", "target", type=click.Path(dir_okay=False, path_type=Path), help="Default: print it.")
def findings(results: tuple[Path, ...], target: Path | None) -> None:
    """Write the page of distinct defects, from golden/findings and results files.

    Of two results of one case on one route that of the later file counts.
    """
    from harness.analysis.findings import page, unowned
    from harness.files import atomic_write

    known = Session().findings
    files = [_results(path) for path in results]
    for result in unowned(known, (result for each in files for result in each.results))[:20]:
        name = result.expectation.id if result.expectation else "-"
        click.secho(f"of no finding: {result.case} {result.route} ({name})", fg="yellow", err=True)
    text = page(known, files)
    if target is None:
        click.echo(text, nl=False)
    else:
        atomic_write(target, text.encode())
        click.echo(str(target))


def _results(path: Path, *, cut_ok: bool = False) -> Results:
    if not path.is_file():
        raise click.UsageError(f"there is no results file {path}; make one with `pytest suites/` or `parity run`")
    return Results.load(path, cut_ok=cut_ok)


@cli.command(epilog="\b\nExample: parity table reports/results.ndjson --into README.md")
@click.argument("results", type=click.Path(path_type=Path), default=Path("reports/results.ndjson"))
@click.option(
    "--into",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put it between the lines '<!-- routes -->' and '<!-- /routes -->' of this file. Default: print it.",
)
def table(results: Path, into: Path | None) -> None:
    """Tabulate, for each route, how many layers agree, deviate, are refused or invalid, as Markdown."""
    from harness.analysis.routes import markdown, route_records
    from harness.files import atomic_write

    text = markdown(route_records(_results(results).results))
    if into is None:
        click.echo(text, nl=False)
        return
    before, mark, rest = into.read_text(encoding="utf-8").partition("<!-- routes -->\n")
    _, end, after = rest.partition("<!-- /routes -->")
    if not mark or not end:
        raise click.UsageError(f"{into} has no lines '<!-- routes -->' and '<!-- /routes -->' to put the table between")
    atomic_write(into, f"{before}{mark}{text}{end}{after}".encode())
    click.echo(str(into))


@cli.command(epilog="\b\nExample: parity replay keras-Conv2D-0123456789ab --route keras-tf2onnx-onnx2torch")
@click.argument("case")
@route_option
@hop_option
@opset_option
def replay(case: str, route: str | None, hop: tuple[str, ...], opset: tuple[int, ...]) -> None:
    """Walk one case again and show every stage. CASE is the id of a golden or of a case that exploration kept, or the
    beginning of one.

    Or run a reproducer: CASE is the folder that `parity reproduce` wrote. The answer is FIXED (exit code 0), FAILED
    (1: it still deviates) or ERROR (2: something else went wrong).
    """
    if Path(case).is_dir():
        cli_reproduce.run_folder(Path(case))
    with Session(Selection(route=route, hops=hop, opset=opset, all_cases=True)) as session:
        entry = session.find(case)
        routes = session.runnable_for(entry.dialect)
        if not routes:
            raise SelectionError(f"no selected route starts from {entry.dialect!r} and can run here")
        loaded = entry.load()
        found = session.walk.results(loaded, routes)
        if not entry.is_large:
            pairs = zip(found, routes, strict=True)
            found = [with_first_tensor(session.walk, loaded, route, result) for result, route in pairs]
    click.secho(entry.id, bold=True)
    out.print_json(data=found[0].to_json()["config"], indent=None)
    for result in found:
        _show(result)
    raise SystemExit(DEVIATIONS if any(r.judgement is Judgement.FAILED for r in found) else AGREED)


def _show(result: Result) -> None:
    click.echo(f"\n{result.route}: {result.outcome} ({result.judgement})")
    for stage in result.stages:
        units = "" if stage.units is None else f"{stage.units:10.3g} units  max abs {stage.metrics.max_abs or 0:.3g}"
        made = f"{stage.hop or 'source'} -> {stage.artifact} on {stage.runtime or '-'}"
        click.echo(f"  {made:42} {stage.outcome:10} {units}")
        if not stage.outcome.passes:
            click.echo(f"    {stage.message}")
    if result.message:
        click.echo(f"  {result.message}")


@cli.command(epilog="\b\nExample: parity selftest --fault '*pads*'")
@click.option("--fault", metavar="GLOB", default="*", help="Only faults whose name matches.")
@json_option
def selftest(fault: str, as_json: bool) -> None:
    """Catch planted faults with the golden corpus: is green green?

    Exit code 1 if one survives.
    """
    from harness.planted import faults
    from harness.run.selftest import run as run_selftest

    chosen = [found for found in faults() if fnmatchcase(found.name, fault)]
    if not chosen:
        raise SelectionError(f"no planted fault fits {fault!r}; there are {', '.join(f.name for f in faults())}")
    with Session() as session, progress() as bar:
        task = bar.add_task("catching", total=len(chosen))
        catches = []
        for catch in run_selftest(session, chosen):
            catches.append(catch.to_json())
            bar.update(task, advance=1, description=f"{catch.name:36}")
    rate = round(100.0 * sum(catch["caught"] for catch in catches) / len(catches), 2)
    if as_json:
        click.echo(json.dumps(plain({"faults": catches, "kill_rate": rate}), indent=1, allow_nan=False))
    else:
        print_records(
            [{key: catch[key] for key in ("name", "caught", "cases", "units", "outcome", "by")} for catch in catches],
            False,
        )
        click.echo(f"kill rate {rate:g} % of {len(catches)} faults")
    raise SystemExit(AGREED if rate == 100 else DEVIATIONS)


@cli.group()
def golden() -> None:
    """Freeze and verify the golden corpus."""


@golden.command(epilog="\b\nExample: parity golden freeze --layer Conv2D")
@layer_option
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of sizes, weights and inputs.")
def freeze(layer: str | None, seed: int) -> None:
    """Draw the covering array of each layer, compute its goldens, and store them.

    Computes with the oracle alone; no framework takes part. The same seed gives byte-identical files.
    """
    from harness.corpus.freeze import freeze as freeze_row
    from harness.corpus.freeze import unused

    store = Store(home() / "golden")
    chosen = _chosen_rows(layer)
    total = 0
    with progress() as bar:
        task = bar.add_task("freezing", total=len(chosen))
        for row in chosen:
            bar.update(task, description=f"{row.layer:24}")
            total += freeze_row(row, store, seed=seed)
            bar.advance(task)
    if layer is None:
        for name in unused(chosen, store):
            store.drop(name)
            click.echo(f"removed {name}: no row of the catalogue asks for it")
    click.echo(f"{total} cases of {len(chosen)} layers in {store.root}")


def _chosen_rows(layer: str | None) -> list[Any]:
    chosen = [row for row in rows() if layer is None or fnmatchcase(row.layer, layer)]
    if not chosen:
        raise SelectionError(f"no layer of the catalogue fits {layer!r}; `parity list layers` shows all")
    return chosen


@golden.command("verify", epilog="\b\nExample: parity golden verify --json")
@layer_option
@json_option
def verify_command(layer: str | None, as_json: bool) -> None:
    """Recompute every golden and report drift, edits, unused and missing cases, and the pairs covered."""
    from harness.corpus.freeze import unused, verify, verify_models

    store = Store(home() / "golden")
    models = list(verify_models(store, layer))
    chosen = [] if models and layer else _chosen_rows(layer)
    checks = models
    with progress() as bar:
        task = bar.add_task("verifying", total=len(chosen))
        for check in verify(chosen, store):
            checks.append(check)
            bar.advance(task)
    stray = unused(rows(), store)
    counts = {key: sum(getattr(c, key) for c in checks) for key in ("cases", "drifted", "edited", "unused", "missing")}
    valid = sum(check.valid for check in checks)
    share = round(100.0 * sum(check.covered for check in checks) / valid, 2) if valid else 100.0
    total = {**counts, "unused": counts["unused"] + len(stray), "pairs": share}
    if as_json:
        click.echo(json.dumps({**total, "layers": [check.to_json() for check in checks], "stray": stray}, indent=1))
    else:
        hidden = ("problem", "sound")
        print_records(
            [{k: v for k, v in check.to_json().items() if k not in hidden} for check in checks], as_json=False
        )
        for check in checks:
            if check.problem:
                click.secho(f"{check.dialect} {check.layer}: {check.problem}", fg="red")
        for name in stray:
            click.secho(f"unused archive: {name}; `parity golden freeze` removes it", fg="red")
        click.echo(", ".join(f"{key} {value}" for key, value in total.items()))
    if any(check.edited for check in checks):
        raise SystemExit(USAGE)
    raise SystemExit(AGREED if not stray and all(check.sound for check in checks) else DEVIATIONS)


for _command in (
    cli_models.predict,
    cli_models.convert,
    cli_models.check,
    cli_list.list_group,
    *cli_reproduce.COMMANDS,
):
    cli.add_command(_command)


def main() -> None:
    """Entry point: turns every kind of failure into its documented exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except INPUT_ERRORS as error:
        click.echo(f"parity: {error}", err=True)
        sys.exit(USAGE)
    except Exception:
        traceback.print_exc()
        click.echo("parity: internal error; please report it with the lines above", err=True)
        sys.exit(INTERNAL)
