"""Small runs for what compares two of them: cases of one layer on one route, and how each stage ended."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.judge.record import Cell
from harness.outcomes import Metrics
from harness.results.events import ExpectationNote, Header, Judgement, Owed, PluginNote, Result, RouteStatus, Stage
from harness.results.file import Results, Writer
from harness.results.packs import PackNote
from harness.spec import EMPTY_BATCH

ROUTE = "keras-tf2onnx-onnx2torch"
HOPS = (None, "tf2onnx", "onnx2torch", "torchonnx")
ARTIFACTS = ("keras", "onnx", "torch", "onnx")
VERSIONS = {
    "python": "3.11.7",
    "platform": "Linux-a",
    "onnx2torch": "1.5.15",
    "torch": "2.15.0",
    "parity-suite": "0.1.0",
}
PLUGINS = (
    PluginNote("keras", "format", "keras", "keras", distribution="keras"),
    PluginNote("tf2onnx", "hop", "tf2onnx", "tf2onnx", distribution="tf2onnx"),
    PluginNote("onnx2torch", "hop", "onnx2torch", "onnx2torch", distribution="onnx2torch"),
)


def result(case: str, *ends: str, route: str = ROUTE, message: str = "", log: str = "", **changes: Any) -> Result:
    """The result of a case such as `keras-Dense-a1` whose stages ended like `exact 0.5`; message and log are those of
    the stages that deviate."""
    stages = []
    for hop, artifact, end in zip(HOPS, ARTIFACTS, ends, strict=False):
        cell = Cell.parse(end)
        wrong = {} if cell.passes else {"message": message, "log": log}
        stages.append(Stage(artifact, cell.outcome, hop=hop, metrics=Metrics(units=cell.units), **wrong))
    passes = all(stage.outcome.passes for stage in stages)
    fields = {
        "dialect": "keras",
        "layer": case.split("-")[1],
        "profile": "main",
        "config": {"case": case.removesuffix(EMPTY_BATCH)},
        "judgement": Judgement.PASSED if passes else Judgement.FAILED,
        "replay": f"parity replay {case} --route {route}",
        **changes,
    }
    return Result(case=case, route=route, stages=tuple(stages), **fields)


def note(name: str, outcome: str = "divergent") -> dict[str, Any]:
    """The fields of a result that an expectation explains."""
    return {
        "expectation": ExpectationNote(name, Cell.parse(outcome).outcome, "a reason that says it"),
        "judgement": Judgement.EXPECTED,
    }


def write(
    path: Path,
    results: Iterable[Result],
    *,
    owed: Iterable[tuple[str, str]] | None = None,
    started: str = "2026-01-02T00:00:00+00:00",
    versions: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    routes: tuple[RouteStatus, ...] | None = None,
    pack: PackNote | None = None,
) -> Path:
    """The file of a run with these results; it owes these pairs, by default those of its results."""
    results = list(results)
    pairs = [each.key for each in results if not each.case.endswith(EMPTY_BATCH)] if owed is None else list(owed)
    names = dict.fromkeys([*(route for _, route in pairs), *(each.route for each in results)])
    header = Header(
        command=("parity", "gate"),
        versions={**VERSIONS, **(versions or {})},
        routes=tuple(map(RouteStatus, names)) if routes is None else routes,
        options=options or {},
        floor=len(pairs),
        started=started,
        plugins=PLUGINS,
        pack=pack,
    )
    with Writer(path, header, Owed.of(pairs)) as writer:
        for each in results:
            writer.add(each)
    return path


def base(folder: Path, *results: Result, **changes: Any) -> Results:
    """The results of a run on the second of January."""
    return Results.load(write(folder / "base.ndjson", results, **changes))


def head(folder: Path, *results: Result, **changes: Any) -> Results:
    """The results of a run on the third of January."""
    changes = {"started": "2026-01-03T00:00:00+00:00", **changes}
    return Results.load(write(folder / "head.ndjson", results, **changes))
