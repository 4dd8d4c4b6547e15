"""Renders the page: the summary as plain HTML, and the cases as data for the page's script."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.analysis.tally import defects
from harness.files import atomic_write
from harness.report import legend
from harness.report.data import as_script, packed, page_data
from harness.report.sections import Look, sections
from harness.results.file import Results


def write_report(results: Results, out: Path) -> Path:
    """Write the report of `results` to the HTML file `out`, whole or not at all. Returns `out`.

    The file needs no other file and no network.
    """
    atomic_write(out, render(results).encode())
    return out


def environment() -> Environment:
    """Templates below this package; what they are given is escaped."""
    loader = PackageLoader("harness.report", "")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def source(pages: Environment, name: str) -> Markup:
    """A file of `templates` as it is."""
    assert pages.loader is not None
    return Markup(pages.loader.get_source(pages, f"templates/{name}")[0])  # noqa: S704 - our own file


def render(results: Results) -> str:
    """The page as text."""
    pages = environment()
    look = Look(results, defects(results.results, results.header.plugins))
    return pages.get_template("templates/report.html").render(
        results=results,
        sections=[
            Markup(pages.get_template(section.template).render(section.facts))  # noqa: S704 - escaped by its template
            for section in sections(look)
        ],
        palette=legend.palette(),
        style=source(pages, "report.css"),
        script=source(pages, "report.js"),
        words=Markup(as_script(legend.words())),  # noqa: S704 - as_script leaves nothing that HTML reads
        data=packed(page_data(results, look.defects)),
    )
