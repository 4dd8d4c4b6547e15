"""The matrix as text for a terminal: what changes, and counts of the rest. The page and the JSON have all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from harness.analysis.matrix import DefectRow, Table
from harness.patterns import few
from harness.report.matrix import view as words
from harness.report.matrix.view import View

PIPED = 120
"""Least width where the output is no terminal; more for each leg."""
ROWS = 30
"""Most rows of a table."""
LISTED = 10
"""Most new defects that are listed."""


def show(view: View) -> None:
    """Print legs, layers, defects, pins and news; the sentence comes last."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED + 18 * len(view.matrix.legs))
    for part in _parts(view):
        console.print(part)


def _parts(view: View) -> Iterator[RenderableType]:
    yield _legs(view)
    for table in words.shown(view):
        yield _heading(words.heading(table))
        if table.changing:
            yield _layers(table)
        yield from _indented([words.counts(table), *words.remarks(table)])
    if view.matrix.defects:
        changing = [row for row in view.matrix.defects if row.changes]
        yield _heading("Defects")
        yield from _defects(view, "defect", changing)
        yield from _indented([f"{len(changing):,} of {len(view.matrix.defects):,} defects change"])
    if compared := words.compared(view):
        yield _heading("Findings that show on a line of versions")
        yield from _defects(view, "finding", compared)
    if view.layers:
        yield _heading(words.asked(view))
        yield from _indented(_pins(view))
    if view.news is not None:
        yield _heading("New since")
        yield from _indented(_news(view))
    yield Text("")
    yield from map(Text, words.closing(view))
    if view.news is not None:
        yield Text(view.news.sentence)
    yield Text(view.matrix.sentence)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _indented(lines: list[str] | Iterator[str]) -> Iterator[RenderableType]:
    for line in lines:
        yield Padding(Text(line), (0, 0, 0, 2))


def _grid(*names: str) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for place, name in enumerate(names):
        grid.add_column(Text(name), overflow="fold", no_wrap=place == 0)
    return grid


def _legs(view: View) -> Grid:
    components = view.matrix.components
    grid = _grid("leg", *components, "started", "results")
    for leg in view.matrix.legs:
        versions = [leg.version(name) for name in components]
        started = leg.results.header.started[:16].replace("T", " ")
        grid.add_row(*map(Text, (leg.name, *versions, started, f"{len(leg.results.results):,}")))
    return grid


def _layers(table: Table) -> Grid:
    legs = words.columns(table)
    grid = _grid("layer", *(leg.name for leg in legs), "since")
    for row in table.changing[:ROWS]:
        cells = [words.cell(row.cells[leg.name]) for leg in legs]
        grid.add_row(*map(Text, (row.layer[1], *cells, "\n".join(words.since(row)))))
    if len(table.changing) > ROWS:
        grid.add_row(Text(f"and {len(table.changing) - ROWS:,} more"))
    return grid


def _defects(view: View, id_: str, rows: Sequence[DefectRow]) -> Iterator[RenderableType]:
    legs = view.matrix.legs
    if not rows:
        return
    grid = _grid(id_, "layers", *(leg.name for leg in legs), "first bad", "first good")
    for row in rows[:ROWS]:
        cells = [words.showing(row.showing[leg.name]) for leg in legs]
        bad, good = words.firsts(row)
        grid.add_row(*map(Text, (row.id, few(row.layers, 2), *cells, "\n".join(bad), "\n".join(good))))
    if len(rows) > ROWS:
        grid.add_row(Text(f"and {len(rows) - ROWS:,} more"))
    yield grid


def _pins(view: View) -> Iterator[str]:
    if view.strangers:
        yield f"not layers of Keras, of which nothing is known here: {few(view.strangers, words.NAMED)}"
    for pin in view.pins:
        yield from words.pin_lines(pin)
    if not view.pins:
        yield "no leg ran one of them"


def _news(view: View) -> Iterator[str]:
    assert view.news is not None
    for name, group in view.news.worse[:LISTED]:
        yield f"{name}: {group.title}; smallest {group.smallest.case}"
    if len(view.news.worse) > LISTED:
        yield f"and {len(view.news.worse) - LISTED:,} more"
    for name, difference in view.news.differences:
        if difference.environment:
            yield f"{name} is another environment: {', '.join(map(str, difference.environment))}"
