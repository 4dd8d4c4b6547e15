"""Calibration: percentiles of correct stages only, and a committed page that leaves the edges their margin."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.calibration import page, spreads
from harness.outcomes import FAITHFUL, Metrics, Outcome
from harness.results.device import DeviceNote
from harness.results.events import Header, Judgement, Result, Stage
from harness.results.file import Results

PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"


def result(case: str, route: str, *stages: Stage) -> Result:
    return Result(case, "keras", "Dense", "main", {}, route, stages, Judgement.PASSED)


def stage(units: float, hop: str | None = None, outcome: Outcome = Outcome.FAITHFUL) -> Stage:
    runtime = "ort" if hop else "keras"
    return Stage("onnx" if hop else "keras", outcome, hop=hop, runtime=runtime, metrics=Metrics(units=units))


@pytest.fixture
def results() -> Results:
    bad = stage(1e6, "b", Outcome.DIVERGENT)
    return Results(
        Header(("x",), {"numpy": "2"}, ()),
        (
            result("1", "keras-a", stage(1), stage(2, "a")),
            result("1", "keras-b", stage(1), bad, stage(9e9, "c", Outcome.DIVERGENT)),
            result("2", "keras-a", stage(3), stage(4, "a")),
        ),
    )


def test_shared_stages_count_once_and_deviations_apart(results: Results) -> None:
    source, converted = spreads(results)
    assert (source.runtime, source.cases, source.p50, source.p100, source.deviating) == ("keras", 2, 2, 3, 0)
    assert (converted.runtime, converted.cases, converted.p100, converted.deviating) == ("ort", 2, 4, 1)


def test_what_the_cpu_has_right_calibrates_the_gpu() -> None:
    def on_gpu(units: float, on_cpu: Outcome) -> Stage:
        note = DeviceNote("cuda", operators={"cuda": 1}, on_cpu=on_cpu)
        return replace(stage(units, "a", Outcome.DIVERGENT), runtime="torch-cuda", device=note)

    stages = [on_gpu(2000, Outcome.FAITHFUL), on_gpu(9000, Outcome.DIVERGENT)]
    walked = [result(str(k), "keras-a", stage(1), each) for k, each in enumerate(stages)]
    _, row = spreads(Results(Header(("x",), {}, ()), tuple(walked)))
    assert (row.runtime, row.cases, row.p100, row.deviating) == ("torch-cuda", 1, 2000, 1)


def test_page_names_the_largest(results: Results) -> None:
    assert "The largest of all is 4." in page(results)


def test_committed_page_leaves_the_edges_their_margin() -> None:
    """The edge of `faithful` was set by these figures: a correct implementation beyond it would be news."""
    largest = re.search(r"\nthe largest is ([0-9.e+]+)\.\n", PAGE.read_text())
    assert largest is not None
    assert 0 < float(largest[1]) <= FAITHFUL
    assert PAGE.read_text().count("\n| keras |") > 90
