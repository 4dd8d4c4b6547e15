"""The matrix as data for programs: docs/usage.md explains the keys."""

from __future__ import annotations

from typing import Any

from harness.analysis.lines import Line
from harness.analysis.matrix import Along, DefectRow, LayerRow, Table
from harness.analysis.news import News
from harness.analysis.pins import Fit, Pin
from harness.report.difference.data import data as difference_data
from harness.report.matrix.view import View
from harness.results.events import plain


def data(view: View) -> dict[str, Any]:
    """Strict JSON data."""
    matrix = view.matrix
    content = {
        "sentence": matrix.sentence,
        "components": matrix.components,
        "across": matrix.across,
        "legs": [
            {
                "name": leg.name,
                "started": leg.results.header.started,
                "versions": dict(leg.versions),
                "results": len(leg.results.results),
                "outcomes": leg.results.outcomes,
            }
            for leg in matrix.legs
        ],
        "chains": [_table(table) for table in matrix.tables],
        "single": [{"chain": chain.name, "leg": chain.walked[0].name} for chain in matrix.single],
        "defects": [_defect(row) for row in matrix.defects],
        "findings": [_defect(row) for row in matrix.findings],
        "asked": {"layers": view.layers, "model": view.model, "strangers": view.strangers},
        "pins": [_pin(pin) for pin in view.pins],
        "news": None if view.news is None else _news(view.news),
    }
    checked: dict[str, Any] = plain(content)
    return checked


def _table(table: Table) -> dict[str, Any]:
    chain = table.chain
    return {
        "chain": chain.name,
        "needs": chain.needs,
        "walked": [leg.name for leg in chain.walked],
        "lines": [_line(line) for line in chain.lines],
        "not_comparable": [{"legs": pair.legs, "components": pair.components} for pair in chain.apart],
        "partly": table.partly,
        "layers": [_layer(row) for row in table.rows],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "component": line.component,
        "versions": {version: [leg.name for leg in legs] for version, legs in line.points},
        "fixed": dict(line.fixed),
    }


def _layer(row: LayerRow) -> dict[str, Any]:
    return {
        "dialect": row.layer[0],
        "layer": row.layer[1],
        "changes": row.changes,
        "turns": row.turns,
        "suspects": [each.to_json() for each in row.suspects],
        "legs": {
            name: {
                "state": cell.state.value,
                "worst": None if cell.worst is None else cell.worst.value,
                "good": cell.good,
                "bad": cell.bad,
                "behind_a_failure": cell.blocked,
            }
            for name, cell in row.cells.items()
        },
        "along": [_along(each, each.course.words) for each in row.along],
    }


def _along(along: Along, words: str) -> dict[str, Any]:
    return {
        **along.course.to_json(),
        "words": words,
        "legs": [leg.name for leg in along.line.legs],
        "compared": along.compared,
        "partly": along.partly,
        "turned": [{"version": v, "state": "good" if good else "bad", "cases": n} for v, good, n in along.turned],
        "cases": [{"case": case, "turns": [turn.to_json() for turn in own.turns]} for case, own in along.cases],
    }


def _defect(row: DefectRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "hop": row.hop,
        "outcome": row.outcome.value,
        "harm": row.outcome.harm.value,
        "expected": row.is_expected,
        "expectations": [mark.id for mark in row.marks if mark.expectation],
        "layers": row.layers,
        "chains": row.chains,
        "condition": "; ".join(dict.fromkeys(mark.condition for mark in row.marks if mark.condition)),
        "message": next((mark.message for mark in row.marks if mark.message), ""),
        "changes": row.changes,
        "turns": row.turns,
        "suspects": [each.to_json() for each in row.suspects],
        "legs": {
            name: {"state": each.state.value, "shows": each.shows, "gone": each.gone, "otherwise": each.otherwise}
            for name, each in row.showing.items()
        },
        "along": [_along(each, each.course.words_of_defect) for each in row.along],
    }


def _pin(pin: Pin) -> dict[str, Any]:
    return {
        "chain": pin.chain,
        "newest": [
            {"leg": leg.name, "versions": {name: leg.version(name) for name in pin.components}} for leg in pin.newest
        ],
        "pairs": [dict(pair) for pair in pin.pairs],
        "legs": [_fit(fit) for fit in pin.fits],
    }


def _fit(fit: Fit) -> dict[str, Any]:
    bad = [
        {"layer": name, "good": cell.good, "bad": cell.bad, "behind_a_failure": cell.blocked} for name, cell in fit.bad
    ]
    return {"leg": fit.leg.name, "good": fit.is_good, "not_run": fit.missing, "bad": bad}


def _news(news: News) -> dict[str, Any]:
    return {
        "sentence": news.sentence,
        "new_legs": news.only_now,
        "no_longer_run": news.only_earlier,
        "legs": {name: difference_data(difference) for name, difference in news.differences},
    }
