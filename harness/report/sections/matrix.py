"""A table for each dialect: layers in rows, routes in columns, the worst outcome in each cell."""

from __future__ import annotations

from typing import Any

from harness.report.sections import Look
from harness.results.events import Judgement
from harness.results.file import Cell, Results

PLACE = 40


def facts(look: Look) -> dict[str, Any] | None:
    """One table for each dialect; None without results."""
    dialects = sorted({dialect for dialect, _ in look.results.matrix})
    tables = [_table(look.results, dialect) for dialect in dialects]
    return {"tables": tables, "layers": len(look.results.layers)} if tables else None


def _table(results: Results, dialect: str) -> dict[str, Any]:
    """A row for each layer, with a cell (or None) for each route."""
    layers = {layer: cells for (of, layer), cells in results.matrix.items() if of == dialect}
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
    return cell.judgements.get(Judgement.FAILED.value, 0)


def _cell(cell: Cell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    failed, total = _failed(cell), len(cell.results)
    expected = cell.judgements.get(Judgement.EXPECTED.value, 0)
    parts = [f"{total} results", f"{failed} failed", f"{expected} expected"]
    parts += [f"{count} {name}" for name, count in cell.outcomes.items()]
    return {
        "outcome": cell.worst.value,
        "total": total,
        "failed": failed,
        "expected": expected,
        "title": ", ".join(parts),
    }
