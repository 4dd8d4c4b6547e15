"""The matrix as one HTML page, which needs no other file, no network and no script."""

from __future__ import annotations

from harness.report import legend
from harness.report.matrix import view as words
from harness.report.matrix.view import View
from harness.report.page import environment, source


def page(view: View) -> str:
    """The page as text."""
    pages = environment()
    return pages.get_template("matrix/page.html").render(
        view=view,
        matrix=view.matrix,
        words=words,
        changing=words.shown(view),
        outcomes=legend.OUTCOMES,
        palette=legend.palette(),
        style=source(pages, "report.css"),
    )
