"""Puts a page together: the built program, what its first screen shows, and the blocks that it opens on demand.

The program is `program.html`, made of the sources in `page/` by `python3 bootstrap.py page`. All that comes from files
enters the page as JSON inside `<script>` elements that no browser runs, or escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.files import atomic_write
from harness.report import legend
from harness.report.blocks import as_script, packed

KINDS = ("run", "difference", "matrix")
"""What a page can be about; the program shows other parts for each."""


@dataclass(frozen=True)
class Page:
    """A page about one thing: `first` is what the first screen shows, `blocks` are names and data of all else.

    `plain` says in a few lines what a reader without scripts has to know.
    """

    kind: str
    title: str
    first: Mapping[str, Any]
    blocks: Iterable[tuple[str, Any]]
    plain: tuple[str, ...] = ()


def write_page(page: Page, out: Path) -> Path:
    """Write the page to the HTML file `out`, whole or not at all. Returns `out`.

    The file needs no other file and no network.
    """
    atomic_write(out, render(page).encode())
    return out


def render(page: Page) -> str:
    """The page as text."""
    first = {"kind": page.kind, "title": page.title, "words": legend.words(), **page.first}
    early: list[str] = []
    late: list[str] = []
    for name, data in page.blocks:
        (early if name == "index" else late).append(_block(name, data))
    parts = {
        "title": escape(page.title),
        "palette": legend.palette_css(),
        "plain": "".join(f"<p>{escape(line)}</p>" for line in page.plain),
        "first": f'<script type="application/json" id="first">{as_script(first)}</script>{"".join(early)}',
        "blocks": "".join(late),
    }
    return "".join(parts[piece.name] if isinstance(piece, _Mark) else piece for piece in _program())


@dataclass(frozen=True)
class _Mark:
    """A place in the program."""

    name: str


@cache
def _program() -> tuple[str | _Mark, ...]:
    """The built program, cut at its marks, such as `parity:first:here`."""
    rest = (files("harness.report") / "program.html").read_text(encoding="utf-8")
    pieces: list[str | _Mark] = []
    for name in ("title", "palette", "plain", "first", "blocks"):
        before, mark, rest = rest.partition(f"parity:{name}:here")
        assert mark, f"program.html has no place for {name}: run `python page/build.py`"
        pieces += [before, _Mark(name)]
    return (*pieces, rest)


def _block(name: str, data: Any) -> str:
    return f'<script type="application/octet-stream" id="{escape(name)}">{packed(data)}</script>\n'
