"""Defects, and groups of changes, as rows of the page: where, when, what was said, how many, which is the smallest."""

from __future__ import annotations

from typing import Any

from harness.analysis.condition import Condition
from harness.analysis.defects import Defect
from harness.analysis.grouping import Group
from harness.patterns import few
from harness.report.blocks import short
from harness.report.difference import words

SHOWN = 12
"""Most conditions of a defect that the page lists."""


def of_defect(defect: Defect) -> dict[str, Any]:
    """A row of the page for a defect of a run."""
    return {
        "hop": defect.hop,
        "outcome": defect.outcome.value,
        "harm": defect.harm.value,
        "layers": list(defect.layers),
        "conditions": [_condition(item, several=len(defect.conditions) > 1) for item in defect.conditions[:SHOWN]],
        "hidden": max(0, len(defect.conditions) - SHOWN),
        "message": defect.short_message,
        "cases": len(defect.cases),
        "results": len(defect.results),
        "units": short(defect.units, 2),
        "unexpected": defect.unexpected,
        "notes": [{"id": note.id, "reason": note.reason, "link": note.link or ""} for note in defect.notes],
        "smallest": defect.smallest,
        "route": next(route for case, route in defect.results if case == defect.smallest),
    }


def of_group(group: Group) -> dict[str, Any]:
    """A row of the page for a group of changes between two runs."""
    first, said = group.smallest, words.details(group)
    return {
        "answer": group.word,
        "hop": ", ".join(group.hops),
        "outcome": "" if group.outcome is None else group.outcome.value,
        "harm": group.harm,
        "layers": list(group.layers),
        "conditions": [{"layers": "", "words": group.condition, "text": group.condition, "sure": True, "axes": []}]
        if group.condition
        else [],
        "hidden": 0,
        "before": said.get("before", ""),
        "message": said.get("now", ""),
        "at": said.get("at", ""),
        "accepted": said.get("accepted", ""),
        "cases": len(group.cases),
        "results": len(group.changes),
        "units": None,
        "unexpected": sum(change.fails for change in group.changes),
        "notes": [{"id": name, "reason": "", "link": ""} for name in group.expectations],
        "smallest": first.case,
        "route": "" if first.result is None else first.route,
    }


def _condition(item: Condition, *, several: bool) -> dict[str, Any]:
    return {
        "layers": few(item.layers, 2) if several else "",
        "words": item.words,
        "text": item.text,
        "sure": item.sure,
        "axes": list(item.axes),
        "failing": item.failing,
        "passing": item.passing,
    }
