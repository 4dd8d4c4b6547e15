"""Find the release or commit since which a case deviates.

Write the case as a script that starts from the artifact before the converter at fault. Then run the script in
throw-away environments that uv makes, each with another release of the package. Other packages keep the versions
installed here where these fit. CASE is the id, or the beginning of the id, of a golden case or of a case that
exploration stored, or a folder that `parity reproduce` wrote.

Without --bad the installed version is the bad one, without --good the oldest release that can be tried is the good one.
For a case that agrees here it is the other way round. If the good release is newer than the bad one, the first good
release is searched. With --source the ends are commits of that checkout, which is only read.

Exit code 0 if one release or commit is named, 1 if not, 2 if the ends do not answer as told.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
from packaging.requirements import InvalidRequirement, Requirement

from harness.bisection.commits import Commits, needs_both
from harness.bisection.releases import Releases
from harness.bisection.script import Script
from harness.bisection.search import Bisection
from harness.bisection.trials import Trials, installed, scratch
from harness.bisection.uv import Uv
from harness.cli.console import (
    anew_option,
    hop_option,
    json_option,
    opset_option,
    pack_option,
    print_records,
    tell_beginning,
)
from harness.cli.main import AGREED, DEVIATIONS
from harness.run.session import Selection, Session


def _checked(_context: click.Context, _parameter: click.Parameter, limits: tuple[str, ...]) -> tuple[str, ...]:
    """The requirements, if they are some."""
    for text in limits:
        try:
            Requirement(text)
        except InvalidRequirement:
            raise click.BadParameter(f"{text!r} is no requirement, such as 'onnx<1.19'") from None
    return limits


@click.command(
    help=__doc__,
    epilog="\b\nExample: parity bisect keras-UnitNormalization-334a26bd1f14 --route keras-tf2onnx-onnx2torch \\\n"
    "             --package onnx2torch --good 1.5.15 --bad 1.5.10",
)
@click.argument("case", required=False)
@click.option(
    "--route",
    metavar="GLOB",
    multiple=True,
    help="Take the first route that matches and on which the case deviates, else the first that matches (repeatable).",
)
@click.option("--expectation", metavar="ID", help="Take the minimal case and the route of this known deviation.")
@click.option("--package", metavar="NAME", required=True, help="Search the releases of this package.")
@click.option("--good", metavar="RELEASE", help="This release, or commit, agrees.")
@click.option("--bad", metavar="RELEASE", help="This release, or commit, deviates.")
@click.option("--versions", metavar="A,B,C", default="", help="Search these releases only.")
@click.option("--pre", is_flag=True, help="Search pre-releases too.")
@click.option(
    "--source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Search the commits of this checkout of the package.",
)
@click.option(
    "--with",
    "limits",
    metavar="REQUIREMENT",
    multiple=True,
    callback=_checked,
    help="Hold another package to this, such as 'onnx<1.19' (repeatable).",
)
@click.option("--python", metavar="VERSION", help="Make environments with this Python: a version or a path.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep the script and every environment here."
)
@hop_option
@opset_option
@pack_option
@anew_option
@json_option
def command(
    *,
    case: str | None,
    expectation: str | None,
    route: tuple[str, ...],
    hops: tuple[str, ...],
    opset: tuple[int, ...],
    pack: Path | None,
    anew: bool,
    package: str,
    good: str | None,
    bad: str | None,
    versions: str,
    pre: bool,
    source: Path | None,
    limits: tuple[str, ...],
    python: str | None,
    keep: Path | None,
    as_json: bool,
) -> int:
    is_folder = case is not None and Path(case).is_dir()
    if (case is None) == (expectation is None) or (case is not None and not is_folder and not route):
        raise click.UsageError("give a CASE with its --route, the folder of a reproducer, or --expectation")
    if source is not None and (versions or pre):
        raise click.UsageError("--versions and --pre are of releases, --source is of commits")
    commits = None if source is None else needs_both(good, bad)
    with scratch(keep) as folder:
        uv = Uv.here(folder, python)  # without uv nothing is walked
        chosen = Selection(route=route, hops=hops, opset=opset, pack=pack, anew=anew, all_cases=True)
        script = _script(case, expectation, chosen, folder)
        here = installed()
        trials = Trials(
            uv,
            script.folder,
            package,
            script.packages,
            folder,
            installed=here,
            keep=keep is not None,
            limits=limits,
            tell=_tell,
        )
        if source is not None and commits is not None:
            bisection = Commits(source, *commits, folder).bisection(trials)
        else:
            listed = tuple(filter(None, (text.strip() for text in versions.split(","))))
            version = here.get(trials.package)
            bisection = Releases(good, bad, version, script.deviates, listed, pre).bisection(trials)
    _show(bisection, here, as_json)
    return AGREED if bisection.is_named else DEVIATIONS


def _script(case: str | None, expectation: str | None, selection: Selection, folder: Path) -> Script:
    """The script, in a folder of its own. No worker is left."""
    place = folder / "reproducer"
    if case is not None and Path(case).is_dir():
        return Script.of_folder(Path(case), place)
    with Session(selection) as session:
        tell_beginning(session)
        if case is not None:
            return Script.of_case(session, case, place)
        assert expectation is not None
        return Script.of_known(session, expectation, place)


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _show(bisection: Bisection, here: dict[str, str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(bisection.to_json(here), indent=1))
        return
    print_records(bisection.rows(here), as_json=False)
    first, *others = bisection.sentences
    click.secho(f"\n{first}", bold=True)
    for sentence in others:
        click.echo(sentence)
