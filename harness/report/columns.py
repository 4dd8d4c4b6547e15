"""The index of all results as columns: small numbers that refer to tables in which each name stands once.

The page filters and counts over these columns alone; what a case did in detail lies in chunks (`details.py`), which
the page opens on demand. Cases are sorted by dialect, layer and id, results by case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.condition import LARGEST, flat
from harness.analysis.messages import family, shown
from harness.outcomes import Outcome
from harness.report.blocks import short
from harness.report.details import CHUNK
from harness.results.events import Answer, Judgement, Result, Stage, plain

_OUTCOMES = {outcome: place for place, outcome in enumerate(Outcome)}
_JUDGEMENTS = {judgement: place for place, judgement in enumerate(Judgement)}
_ANSWERS = {answer: place for place, answer in enumerate(Answer)}
_TABLES = ("routes", "parts", "blames", "messages", "profiles", "keys", "values")
"""The tables of names of the index."""
_NONE = -1
"""Stands in a column for nothing."""


class Names:
    """A table of texts, each once, and their places."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, text: str | None) -> int:
        """The place of a text; -1 for None."""
        return _NONE if text is None else self._places.setdefault(text, len(self._places))

    @property
    def texts(self) -> list[str]:
        return list(self._places)


class _Columns:
    """Columns of equal length, filled row by row."""

    def __init__(self, *names: str) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in names}

    def add(self, **row: Any) -> None:
        for name, column in self.columns.items():
            column.append(row[name])


def ordered(results: Sequence[Result]) -> list[Result]:
    """The results as the index has them: by dialect, layer and case, in their own order within a case."""
    return sorted(results, key=lambda result: (result.dialect, result.layer, result.case))


def index(results: Sequence[Result], defect_of: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    """The index of `ordered` results. `defect_of` gives the defects of case and route, counted from 1."""
    maker = _Maker(defect_of)
    for result in results:
        maker.add(result)
    return maker.index


class _Maker:
    def __init__(self, defect_of: Mapping[tuple[str, str], int]) -> None:
        self._defect_of = defect_of
        self._layers: dict[tuple[str, str], int] = {}
        self._tables = {name: Names() for name in _TABLES}
        self._shapes: dict[tuple[int, ...], int] = {}
        self._cases: dict[str, int] = {}
        self._stages: dict[tuple[Any, ...], int] = {}
        self._notes: dict[str, int] = {}
        self._shown: dict[str, str] = {}
        self._facts: set[int] = set()
        self._values: list[int] = []
        self._of_case = _Columns("id", "layer", "shape")
        self._of_stage = _Columns("artifact", "hop", "runtime", "outcome", "units", "seconds")
        self._of_result = _Columns(
            "case",
            "route",
            "profile",
            "outcome",
            "judgement",
            "answer",
            "defect",
            "blame",
            "note",
            "message",
            "fault",
            "stages",
        )
        self._of_note: list[dict[str, Any]] = []

    @property
    def index(self) -> dict[str, Any]:
        tables = {name: table.texts for name, table in self._tables.items()}
        layers = [{"dialect": dialect, "name": name, "group": family(name)} for dialect, name in self._layers]
        return {
            "chunk": CHUNK,
            **tables,
            "layers": layers,
            "facts": sorted(self._facts),
            "shapes": [list(shape) for shape in self._shapes],
            "settings": self._values,
            "cases": self._of_case.columns,
            "stages": self._of_stage.columns,
            "results": self._of_result.columns,
            "notes": self._of_note,
        }

    def add(self, result: Result) -> None:
        """Add one result."""
        at, fault = self._tables, result.fault
        message = result.message if fault is None else fault.message or result.message
        self._of_result.add(
            case=self._case(result),
            route=at["routes"].place(result.route),
            profile=at["profiles"].place(result.profile),
            outcome=_OUTCOMES[result.outcome],
            judgement=_JUDGEMENTS[result.judgement],
            answer=_ANSWERS[result.answer],
            defect=self._defect_of.get(result.key, 0),
            blame=at["blames"].place(result.blame),
            note=self._note(result),
            message=_NONE if not message or result.outcome.passes else at["messages"].place(self._short(message)),
            fault=_NONE if fault is None else result.stages.index(fault),
            stages=[self._stage(result.case, stage) for stage in result.stages],
        )

    def _case(self, result: Result) -> int:
        if result.case in self._cases:
            return self._cases[result.case]
        place = self._cases[result.case] = len(self._cases)
        layer = self._layers.setdefault((result.dialect, result.layer), len(self._layers))
        keys = []
        for name, value in self._settings(result):
            keys.append(self._tables["keys"].place(name))
            self._values.append(self._tables["values"].place(json.dumps(plain(value), sort_keys=True)))
        self._of_case.add(id=result.case, layer=layer, shape=self._shapes.setdefault(tuple(keys), len(self._shapes)))
        return place

    def _settings(self, result: Result) -> list[tuple[str, Any]]:
        """The configuration, flat; what follows from it comes after it."""
        facts = [(name, value) for name, value in (result.facts or {}).items() if name not in result.config]
        self._facts.update(self._tables["keys"].place(name) for name, _ in facts)
        return [*_settings(result.config), *facts]

    def _stage(self, case: str, stage: Stage) -> int:
        """The place of a stage: the routes of a case share their first ones."""
        parts = self._tables["parts"]
        row = {
            "artifact": parts.place(stage.artifact),
            "hop": parts.place(stage.hop),
            "runtime": parts.place(stage.runtime),
            "outcome": _OUTCOMES[stage.outcome],
            "units": short(stage.units),
            "seconds": short(stage.seconds),
        }
        key = (case, *row.values(), stage.message)
        if key not in self._stages:
            self._stages[key] = len(self._stages)
            self._of_stage.add(**row)
        return self._stages[key]

    def _note(self, result: Result) -> int:
        note = result.expectation
        if note is None:
            return _NONE
        row = note.to_json()
        key = json.dumps(row, sort_keys=True)
        if key not in self._notes:
            self._notes[key] = len(self._notes)
            self._of_note.append(row)
        return self._notes[key]

    def _short(self, message: str) -> str:
        if message not in self._shown:
            self._shown[message] = shown(message)
        return self._shown[message]


def _settings(config: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The configuration without what `flat` adds for a search."""
    return [(name, value) for name, value in flat(config) if not name.startswith(LARGEST)]
