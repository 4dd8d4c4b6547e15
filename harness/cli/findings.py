"""Write the page of findings: defects whose cause is settled.

golden/findings describes each finding; the results count how often it occurs. If two RESULTS files hold the same case
and route, the later file counts. Results whose expectation belongs to no finding are listed on standard error.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.analysis.findings import page, unowned
from harness.cli.console import load_results, page_option, print_page
from harness.judge.findings import FindingsError
from harness.run.session import Session


@click.command(help=__doc__, epilog="\b\nExample: parity findings reports/results.ndjson -o docs/findings.md")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@page_option
def command(results: tuple[Path, ...], target: Path | None) -> None:
    session = Session()
    findings = session.findings
    if not findings.entries:
        raise FindingsError("there are no findings", where=session.store.root / "findings", expected="TOML files")
    files = [load_results(path) for path in results]
    for result in unowned(findings, (result for file in files for result in file.results))[:20]:
        name = result.expectation.id if result.expectation else "-"
        click.secho(f"of no finding: {result.case} {result.route} ({name})", fg="yellow", err=True)
    print_page(page(findings, files), target)
