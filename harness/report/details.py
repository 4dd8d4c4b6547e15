"""What each case did in detail, in chunks that the page opens on demand.

A chunk holds cases that stand side by side in the index. In it each stage stands once, though the routes of a case
share their first ones. Lines of logs stand once on the page, and evidence in a block of its own. Empty fields, and
replay commands that follow from case and route, are omitted. Numbers are rounded to the digits that the page shows; the
results file has all digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.outcomes import Metrics
from harness.report.blocks import short
from harness.results.events import Judgement, Result, Stage, plain

CHUNK = 64
"""Cases of a chunk."""
_DIGITS = Metrics.digits()
_BESIDE = ("regression: the record has ", "changed for the worse: the record has ")
"""How the message of a result begins that is worse than what the record has, of which the page tells."""


def details(results: Sequence[Result]) -> Iterator[tuple[str, Any]]:
    """Names and data of the blocks: `chunk-0` ..., `evidence-0` ..., and the `lines` of logs."""
    maker = _Maker()
    cases = [list(group) for _, group in groupby(results, key=lambda result: result.case)]
    for place in range(0, len(cases), CHUNK):
        yield f"chunk-{place // CHUNK}", maker.chunk(cases[place : place + CHUNK])
    for place, evidence in enumerate(maker.evidence):
        yield f"evidence-{place}", json.loads(evidence)
    yield "lines", list(maker.lines)


class _Maker:
    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.evidence: dict[str, int] = {}

    def chunk(self, cases: Sequence[Sequence[Result]]) -> dict[str, Any]:
        """The results of these cases, in order, and the stages that they share."""
        places: dict[str, int] = {}
        stages: list[dict[str, Any]] = []

        def place(stage: Stage) -> int:
            row = self._stage(stage)
            key = json.dumps(row, sort_keys=True)
            if key not in places:
                places[key] = len(stages)
                stages.append(row)
            return places[key]

        rows = [
            [{**_result(result), "stages": [place(stage) for stage in result.stages]} for result in results]
            for results in cases
        ]
        return {"cases": rows, "stages": stages}

    def _stage(self, stage: Stage) -> dict[str, Any]:
        row = stage.to_json()
        evidence = row.pop("evidence", None)
        row |= {name: short(value, _DIGITS.get(name, 4)) for name, value in stage.metrics.items()}
        row["seconds"] = short(stage.seconds, 4)
        row["log"] = [self.lines.setdefault(line, len(self.lines)) for line in stage.log.split("\n") if stage.log]
        if evidence:
            text = json.dumps(evidence, sort_keys=True)
            row["evidence"] = self.evidence.setdefault(text, len(self.evidence))
        return _filled(row)


def _result(result: Result) -> dict[str, Any]:
    follows = f"parity replay {result.case} --route {result.route}"
    return _filled(
        {
            "message": "" if _is_redundant(result) else _short_of_stages(result),
            "recorded": None if result.recorded is None else result.recorded.to_json(),
            "replay": "" if result.replay == follows else result.replay,
            "task": None if result.task is None else plain(result.task),
        }
    )


def _is_redundant(result: Result) -> bool:
    """Whether the result's message only repeats what the page shows anyway, beside outcome and blame.

    That is a stage's message, also with the reason of its expectation; and what the record has, now it is otherwise.
    """
    message, note = result.message, result.expectation
    if result.recorded is not None and message.startswith(_BESIDE):
        return True
    if note is not None and result.judgement is Judgement.EXPECTED:
        message = message.removesuffix(f" (expected: {note.reason})")
    elif note is not None:
        return False
    return any(
        message in {stage.message, f"{stage.outcome} at {result.blame}: {stage.message}"} for stage in result.stages
    )


def _short_of_stages(result: Result) -> str:
    """The result's message without the messages of its stages, which the page shows below it."""
    message = result.message
    for stage in result.stages:
        if stage.message:
            ending = f"{stage.outcome} at {stage.blamed}"
            message = message.replace(f"{ending}: {stage.message}", ending)
    return message


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without its empty fields; a zero is not empty."""
    return {key: value for key, value in row.items() if value is not None and value not in ("", [])}
