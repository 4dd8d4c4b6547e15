"""The matrix as Markdown, for the summary of a job and for an issue: what changes, and counts of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.analysis.matrix import DefectRow
from harness.patterns import few
from harness.report.difference.markdown import MOST, safe
from harness.report.matrix import view as words
from harness.report.matrix.view import View


def markdown(view: View, *, most: int = MOST) -> str:
    """The page, at most `most` characters. Rows of tables that do not fit are left out from the end, and counted."""
    page = _Page(most)
    matrix = view.matrix
    page.add(f"## {safe(matrix.sentence)}\n")
    if view.news is not None:
        page.add(f"\n**{safe(view.news.sentence)}**\n\n")
        page.lines(f"{name}: {group.title}; smallest {group.smallest.case}" for name, group in view.news.worse)
    if view.layers:
        page.add(f"\n### {safe(words.asked(view))}\n\n")
        page.lines([f"not layers of Keras, not judged: {few(view.strangers, words.NAMED)}"] * bool(view.strangers))
        page.lines(line for pin in view.pins for line in words.pin_lines(pin))
    page.add("\n### Legs\n\n")
    page.table(
        ["leg", *matrix.components, "started", "results"],
        (
            [
                leg.name,
                *(leg.version(name) for name in matrix.components),
                leg.results.header.started[:10],
                f"{len(leg.results.results):,}",
            ]
            for leg in matrix.legs
        ),
    )
    changing = [row for row in matrix.defects if row.changes]
    page.add(f"\n### Defects: {len(changing):,} of {len(matrix.defects):,} change\n\n")
    page.table(*_defects(view, "defect", changing))
    for table in words.shown(view):
        legs = words.columns(table)
        page.add(f"\n### {safe(words.heading(table))}\n\n{safe(words.counts(table))}.\n\n")
        page.lines(words.remarks(table))
        page.table(
            ["layer", *(leg.name for leg in legs), "since"],
            (
                [row.layer[1], *(words.cell(row.cells[leg.name]) for leg in legs), " / ".join(words.since(row))]
                for row in table.changing
            ),
        )
    if compared := words.compared(view):
        page.add("\n### Findings that show on a line of versions\n\n")
        page.table(*_defects(view, "finding", compared))
    page.add("\n")
    page.lines(words.closing(view))
    return page.text


def _defects(view: View, id_: str, rows: Iterable[DefectRow]) -> tuple[list[str], list[list[str]]]:
    """The heading and the rows of a table of defects."""
    legs = view.matrix.legs
    return [id_, "layers", *(leg.name for leg in legs), "first bad", "first good"], [
        [
            row.id,
            few(row.layers, 3),
            *(words.showing(row.showing[leg.name]) for leg in legs),
            *(", ".join(each) for each in words.firsts(row)),
        ]
        for row in rows
    ]


class _Page:
    """Text that stops growing at a number of characters, and counts the lines that no longer fit."""

    def __init__(self, most: int) -> None:
        self._room = most - 100
        self._parts: list[str] = []
        self._left = 0

    @property
    def text(self) -> str:
        rest = f"\n{self._left:,} more lines did not fit here; `--json` has them all.\n" if self._left else ""
        return "".join(self._parts) + rest

    def add(self, text: str) -> None:
        """Add the text if it fits, and if all before it did."""
        if self._left or len(text) > self._room:
            self._left += bool(text.strip())
        else:
            self._room -= len(text)
            self._parts.append(text)

    def lines(self, lines: Iterable[str]) -> None:
        """A list."""
        for line in lines:
            self.add(f"- {safe(line)}\n")
        self.add("\n")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table; none without a row."""
        several = [_row(row) for row in rows]
        if several:
            self.add(_row(head) + _row(["---"] * len(head), is_safe=True))
        for row in several:
            self.add(row)


def _row(cells: Sequence[str], *, is_safe: bool = False) -> str:
    return f"| {' | '.join(cells if is_safe else _safe(cells))} |\n"


def _safe(cells: Iterable[str]) -> Iterator[str]:
    return (safe(cell) for cell in cells)
