"""Renders the page: the summary as plain HTML, the cases as data that the page's own script unfolds."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.analysis.condition import Condition
from harness.analysis.defects import Cause, causes, sentence
from harness.outcomes import Outcome
from harness.report import legend
from harness.report.data import as_script, packed, page_data
from harness.results.events import Judgement, plain
from harness.results.file import Cell, Results


def write_report(results: Results, out: Path) -> Path:
    """Write the report of `results` to the HTML file `out`, whole or not at all, and return its path.

    The file refers to nothing outside itself, so it opens offline and can be attached anywhere.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    text = render(results)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".tmp")
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        scratch.chmod(0o644)  # mkstemp's own mode would keep a web server or a colleague from reading it
        scratch.replace(out)
    finally:
        scratch.unlink(missing_ok=True)
    return out


def render(results: Results) -> str:
    """The page as text."""
    loader = PackageLoader("harness.report")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    header, footer = results.header, results.footer
    found = causes(results.results, header.plugins)
    return pages.get_template("report.html").render(
        results=results,
        header=header,
        command=shlex.join(header.command),
        options={key: plain(value) for key, value in header.options.items()},
        finished=footer.finished if footer else None,
        duration=_duration(footer.seconds) if footer else None,
        outcomes=_totals(results.outcomes, legend.OUTCOMES),
        verdicts=_totals(results.verdicts, legend.VERDICTS),
        matrix=_matrix(results),
        choices=_choices(results) | {"cause": [str(place + 1) for place in range(len(found))]},
        causes=[_cause(place, cause) for place, cause in enumerate(found, 1)],
        defects=sentence(found),
        picture=legend.PICTURE,
        style=Markup(_source(pages, loader, "report.css")),  # noqa: S704 - our own file
        script=Markup(_source(pages, loader, "report.js")),  # noqa: S704 - our own file
        keys=Markup(as_script(legend.PICTURE)),  # noqa: S704 - as_script leaves nothing that HTML reads
        data=packed(page_data(results, found)),
    )


def _source(pages: Environment, loader: PackageLoader, name: str) -> str:
    return loader.get_source(pages, name)[0]


def _totals(counts: Mapping[str, int], meanings: Mapping[Any, str]) -> list[dict[str, Any]]:
    return [
        {"name": kind.value, "meaning": meaning, "count": counts.get(kind.value, 0)}
        for kind, meaning in meanings.items()
    ]


def _matrix(results: Results) -> list[dict[str, Any]]:
    """One table per dialect, over the routes its cases take: a row per layer, a cell (or None) per route."""
    dialects = sorted({dialect for dialect, _ in results.matrix})
    return [_table(results, dialect) for dialect in dialects]


def _table(results: Results, dialect: str) -> dict[str, Any]:
    layers = {layer: cells for (own, layer), cells in results.matrix.items() if own == dialect}
    routes = [route for route in results.routes if any(route in cells for cells in layers.values())]
    rows = [
        {
            "layer": layer,
            "deviates": any(not cell.worst.passes or _failed(cell) for cell in cells.values()),
            "cells": [_cell(cells.get(route)) for route in routes],
        }
        for layer, cells in layers.items()
    ]
    return {"dialect": dialect, "routes": routes, "rows": rows, "deviating": sum(row["deviates"] for row in rows)}


def _failed(cell: Cell) -> int:
    return cell.verdicts.get(Judgement.FAILED.value, 0)


def _cell(cell: Cell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    failed, total = _failed(cell), len(cell.results)
    known = cell.verdicts.get(Judgement.EXPECTED.value, 0)
    parts = [f"{total} results", f"{failed} failed", f"{known} expected"]
    parts += [f"{count} {name}" for name, count in cell.outcomes.items()]
    return {
        "outcome": cell.worst.value,
        "total": total,
        "failed": failed,
        "expected": known,
        "title": ", ".join(parts),
    }


_SHOWN = 2
"""So many layers, conditions and expectations of a cause stand on the page; the rest where the mouse points."""


def _cause(place: int, cause: Cause) -> dict[str, Any]:
    """A row of the table of causes."""
    more = len(cause.layers) - _SHOWN
    conditions = [
        {
            "layers": _few(item.layers) if len(cause.conditions) > 1 else "",
            "text": item.text,
            "sure": item.sure,
            "counts": _counts(item),
        }
        for item in cause.conditions
    ]
    return {
        "place": place,
        "hop": cause.hop,
        "outcome": cause.outcome.value,
        "harm": cause.harm,
        "layers": _few(cause.layers) if more > 1 else ", ".join(cause.layers),
        "all_layers": ", ".join(cause.layers),
        "conditions": conditions[: _SHOWN + 1] if len(conditions) <= _SHOWN + 1 else conditions[:_SHOWN],
        "hidden": 0 if len(conditions) <= _SHOWN + 1 else len(conditions) - _SHOWN,
        "condition": cause.condition,
        "message": cause.said,
        "cases": len(cause.cases),
        "results": len(cause.results),
        "units": None if cause.units is None else f"{cause.units:.2g}",
        "unexpected": cause.unexpected,
        "notes": [
            {
                "id": note.id,
                "reason": note.reason,
                "link": link if (link := note.link or "").startswith("https://") else "",
            }
            for note in cause.notes[:_SHOWN]
        ],
        "more_notes": ", ".join(cause.expectations[_SHOWN:]),
        "smallest": cause.smallest,
    }


def _counts(condition: Condition) -> str:
    """What a condition was found from: the stages of its layers at the converter."""
    return f"{condition.failing:,} fail{'s' if condition.failing == 1 else ''}, {condition.passing or 'none'} pass"


def _few(names: Sequence[str]) -> str:
    if len(names) <= _SHOWN + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"


def _choices(results: Results) -> dict[str, list[str]]:
    """What each filter can be set to: values that occur, in the page's order."""
    return {
        "layer": sorted({layer for _, layer in results.layers}),
        "route": list(results.routes),
        "outcome": [kind.value for kind in reversed(Outcome) if kind.value in results.outcomes],
        "verdict": [kind.value for kind in reversed(Judgement) if kind.value in results.verdicts],
        "profile": sorted({result.profile for result in results.results}),
    }


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
