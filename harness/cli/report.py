"""Make one self-contained HTML page of a results file.

RESULTS is reports/results.ndjson by default. The run may still go on, or may have been cut; the page says so. --history
adds earlier runs to the plot of the history; their cases are not on the page.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.console import load_results, results_argument
from harness.files import atomic_write
from harness.report.markdown import markdown
from harness.report.page import write_page
from harness.report.run import page_of, summary_of
from harness.results.events import utc_now
from harness.results.file import is_running

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(help=__doc__, epilog="\b\nExample: parity report reports/results.ndjson -o reports/index.html")
@results_argument
@click.option("-o", "--out", "target", type=_FILE, default=Path("reports/index.html"), help="Write the page here.")
@click.option("--markdown", "summary", metavar="FILE", type=_FILE, help="Write the first screen as Markdown, too.")
@click.option("--history", metavar="FILE", type=_FILE, multiple=True, help="Plot this earlier run, too (repeatable).")
def command(*, results: Path, target: Path, summary: Path | None, history: tuple[Path, ...]) -> None:
    running = utc_now() if is_running(results) else ""
    loaded = load_results(results, cut_ok=True)
    run = summary_of(loaded, running if loaded.cut else "")
    earlier = {path.stem: load_results(path, cut_ok=True) for path in history}
    if summary is not None:
        atomic_write(summary, markdown(run).encode())
    click.echo(str(write_page(page_of(run, earlier), target)))
