"""The matrix as Markdown, for the summary of a job and for an issue: what changes, and counts of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.report.difference.markdown import MOST, safe
from harness.report.difference.words import few
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
        page.lines([f"not layers of Keras, not judged: {words.few(view.strangers)}"] * bool(view.strangers))
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
    page.table(
        ["defect", "layers", *(leg.name for leg in matrix.legs), "first bad", "first good"],
        (
            [
                row.id,
                few(row.layers, 3),
                *(words.showing(row.showing[leg.name]) for leg in matrix.legs),
                *(", ".join(each) for each in words.firsts(row)),
            ]
            for row in changing
        ),
    )
    for table in matrix.tables:
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
    page.add("\n")
    page.lines(words.closing(view))
    return page.text


class _Page:
    """Text that stops growing at a number of characters."""

    def __init__(self, most: int) -> None:
        self._room = most - 200
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add(self, text: str) -> bool:
        """Add the text if it fits."""
        if len(text) > self._room:
            return False
        self._room -= len(text)
        self._parts.append(text)
        return True

    def lines(self, lines: Iterable[str]) -> None:
        """A list."""
        self._rest([f"- {safe(line)}\n" for line in lines])
        self.add("\n")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        several = [_row(row) for row in rows]
        if several and self.add(_row(head) + _row(["---"] * len(head), is_safe=True)):
            self._rest(several)

    def _rest(self, lines: Sequence[str]) -> None:
        for place, line in enumerate(lines):
            if not self.add(line):
                self._parts.append(f"\n{len(lines) - place:,} more did not fit here; `--json` has them all.\n\n")
                self._room = 0
                return


def _row(cells: Sequence[str], *, is_safe: bool = False) -> str:
    return f"| {' | '.join(cells if is_safe else _safe(cells))} |\n"


def _safe(cells: Iterable[str]) -> Iterator[str]:
    return (safe(cell) for cell in cells)
