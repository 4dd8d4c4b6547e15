"""The page's data: results as small JSON, compressed, in which each stage, case, expectation and log line occurs once.

Routes of one case share their first stages, so a table stores the stages and results refer to their positions. Empty
fields, and replay commands that follow from case and route, are omitted. Numbers are rounded to the digits that the
page shows; the results file has all digits.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.defects import Defect
from harness.outcomes import Metrics
from harness.results.events import Judgement, Result, Stage, plain
from harness.results.file import Results

_DIGITS = Metrics.digits()


class _Table:
    """Rows without repetition: equal rows share a position."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._places: dict[str, int] = {}

    def place(self, row: dict[str, Any]) -> int:
        key = json.dumps(row, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.rows)
            self.rows.append(row)
        return self._places[key]


def page_data(results: Results, defects: Sequence[Defect] = ()) -> dict[str, Any]:
    """Tables `cases`, `stages`, `expectations` and `lines` of logs, and `results` that refer to them.

    The `defect` of a result is its place in `defects`, counted from 1.
    """
    cases, stages, expectations = _Table(), _Table(), _Table()
    lines: dict[str, int] = {}
    defect_of = {key: place for place, defect in enumerate(defects, 1) for key in defect.results}
    places: dict[str, int] = {}
    rows = []
    for result in results.results:
        note = result.expectation
        if result.case not in places:
            places[result.case] = cases.place(_case(result))
        row = {
            "case": places[result.case],
            "profile": result.profile,
            "route": result.route,
            "stages": [stages.place(_stage(stage, lines)) for stage in result.stages],
            "outcome": result.outcome.value,
            "judgement": result.judgement.value,
            "answer": result.answer.value,
            "recorded": None if result.recorded is None else result.recorded.to_json(),
            "units": _short("units", result.units),
            "blame": result.blame,
            "fault": None if result.fault is None else result.stages.index(result.fault),
            "expectation": None if note is None else expectations.place(note.to_json()),
            "message": "" if _is_redundant(result) else result.message,
            "defect": defect_of.get(result.key),
            "replay": "" if result.replay == f"parity replay {result.case} --route {result.route}" else result.replay,
            "task": None if result.task is None else plain(result.task),
        }
        rows.append(_filled(row))
    return {
        "cases": cases.rows,
        "stages": stages.rows,
        "expectations": expectations.rows,
        "lines": list(lines),
        "results": rows,
    }


def packed(data: Any) -> str:
    """JSON, compressed by gzip, in base64; the same text for the same data."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def as_script(data: Any) -> str:
    """JSON that is safe inside a `<script>` element: without `<`, `>` and `&`."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _is_redundant(result: Result) -> bool:
    """Whether the result's message only repeats a stage's message, or that and the reason of its expectation.

    The page shows these anyway, beside outcome and blame.
    """
    message, note = result.message, result.expectation
    if note is not None and result.judgement is Judgement.EXPECTED:
        message = message.removesuffix(f" (expected: {note.reason})")
    elif note is not None:
        return False
    return any(
        message in {stage.message, f"{stage.outcome} at {result.blame}: {stage.message}"} for stage in result.stages
    )


def _case(result: Result) -> dict[str, Any]:
    return {
        "id": result.case,
        "dialect": result.dialect,
        "layer": result.layer,
        "config": plain(result.config),
    }


def _stage(stage: Stage, lines: dict[str, int]) -> dict[str, Any]:
    row = stage.to_json() | {name: _short(name, value) for name, value in stage.metrics.items()}
    row["log"] = [lines.setdefault(line, len(lines)) for line in stage.log.split("\n")] if stage.log else None
    row["seconds"] = _short("seconds", stage.seconds)
    return _filled(row)


def _short(name: str, value: float | None) -> float | str | None:
    short: float | str | None = plain(None if value is None else float(f"{value:.{_DIGITS.get(name, 4)}g}"))
    return short


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without its empty fields; a zero is not empty."""
    return {key: value for key, value in row.items() if value is not None and value != ""}
