"""The page of a matrix: the data of `parity matrix --json`, with its lines in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.report.matrix import view as words
from harness.report.matrix.data import data
from harness.report.matrix.view import View
from harness.report.page import Page

TURNING = 200
"""Most cases of one layer and line whose turns the page lists."""


def page_of(view: View) -> Page:
    """The page of a matrix."""
    news = view.news
    worse = news is not None and bool(news.worse)
    return Page(
        kind="matrix",
        title="Parity matrix",
        first={
            "verdict": "Worse" if worse else f"{len(view.matrix.legs)} legs",
            "good": not worse,
            "sentence": view.matrix.sentence,
        },
        blocks=[("legs", _legs(view))],
        plain=(view.matrix.sentence, *words.closing(view)),
    )


def _legs(view: View) -> dict[str, Any]:
    content = data(view)
    for table, row in zip(view.matrix.tables, content["chains"], strict=True):
        row |= {"heading": words.heading(table), "counts": "; ".join([words.counts(table), *words.remarks(table)])}
    for row in (*content["chains"], {"layers": content["defects"]}, {"layers": content["findings"]}):
        for layer in row["layers"]:
            layer["along"] = [_along(each) for each in layer["along"]]
    return content | {
        "news_lines": list(_news(view)),
        "asked_line": words.asked(view) if view.layers else "",
        "pin_lines": [line for pin in view.pins for line in words.pin_lines(pin)],
        "closing": list(words.closing(view)),
    }


def _along(along: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a line of versions."""
    return {
        "component": along["component"],
        "words": f"{along['component']}: {along['words']}",
        "cases": along["cases"][:TURNING],
    }


def _news(view: View) -> Iterator[str]:
    if view.news is None:
        return
    for name, group in (*view.news.worse, *view.news.fixed):
        yield f"{name}: {group.title}; smallest {group.smallest.case}"
    for name, difference in view.news.differences:
        if difference.environment:
            yield f"{name} is another environment: {', '.join(map(str, difference.environment))}"
