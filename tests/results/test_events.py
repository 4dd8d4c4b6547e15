"""Lines of the results file: every field there and back, literally."""

from __future__ import annotations

import json
import math
import re
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.outcomes import Metrics, Outcome
from harness.results.events import (
    Answer,
    ExpectationNote,
    Footer,
    Header,
    Judgement,
    PluginNote,
    RecordNote,
    Result,
    RouteStatus,
    Stage,
    check_line,
    plain,
    published_schema,
    utc_now,
)

STAGE = {
    "artifact": "onnx",
    "outcome": "drift",
    "hop": "tf2onnx",
    "runtime": "onnxruntime",
    "units": 40.0,
    "componentwise": "inf",
    "max_abs": 1.0,
    "max_rel": 2.0,
    "max_ulp": 3.0,
    "rmse": 4.0,
    "cosine": 0.5,
    "sqnr_db": "-inf",
    "seconds": 1.5,
    "message": "40 noise units",
    "where": "y[0]",
    "picture": ["01"],
    "log": "a line",
}
LINE = {
    "event": "result",
    "case": "keras-GRU-1",
    "dialect": "keras",
    "layer": "GRU",
    "profile": "nan",
    "config": {"units": 2},
    "route": "keras-tf2onnx",
    "stages": [STAGE],
    "blame": None,
    "outcome": "drift",
    "expectation": {"id": "gru", "outcome": "refused", "reason": "why", "link": "https://example.org"},
    "judgement": "failed",
    "answer": "drift",
    "recorded": {"stage": 0, "cells": "faithful 0.5"},
    "message": "says refused",
    "replay": "parity replay keras-GRU-1",
    "task": {"accuracy": 0.5, "logits_max_abs": "nan", "confusion": [[1, 0], [0, "inf"]]},
    "facts": {"input_rank": 3},
}
RESULT = Result(
    case="keras-GRU-1",
    dialect="keras",
    layer="GRU",
    profile="nan",
    config={"units": 2},
    route="keras-tf2onnx",
    stages=(
        Stage(
            "onnx",
            Outcome.DRIFT,
            "tf2onnx",
            "onnxruntime",
            Metrics(40.0, math.inf, 1.0, 2.0, 3.0, 4.0, 0.5, -math.inf),
            1.5,
            "40 noise units",
            "y[0]",
            ("01",),
            "a line",
        ),
    ),
    judgement=Judgement.FAILED,
    answer=Answer.DRIFT,
    recorded=RecordNote(0, "faithful 0.5"),
    expectation=ExpectationNote("gru", Outcome.REFUSED, "why", "https://example.org"),
    message="says refused",
    replay="parity replay keras-GRU-1",
    task={"accuracy": 0.5, "logits_max_abs": math.nan, "confusion": [[1, 0], [0, math.inf]]},
    facts={"input_rank": 3},
)


def test_result_as_a_line() -> None:
    assert RESULT.to_json() == LINE
    assert check_line(LINE) == ""


def test_line_as_a_result() -> None:
    assert repr(Result.from_json(LINE)) == repr(RESULT)


def test_result_with_nothing_optional() -> None:
    bare = Result("c", "keras", "ReLU", "main", {}, "r", (Stage("keras", Outcome.EXACT),), Judgement.PASSED)
    line = bare.to_json()
    assert set(LINE) - set(line) == {"task", "facts"}
    assert (line["expectation"], line["message"], line["replay"], line["blame"]) == (None, "", "", None)
    names = ("hop", "runtime", "where", "picture", "units", "sqnr_db")
    assert {line["stages"][0][name] for name in names} == {None}
    assert (line["stages"][0]["seconds"], line["stages"][0]["message"], line["stages"][0]["log"]) == (0.0, "", "")
    assert Result.from_json(line) == bare
    assert check_line(line) == ""


def test_words_in_a_task_that_are_no_numbers_stay_words() -> None:
    line = {**LINE, "task": {"name": "digits", "scores": ["-inf", "low"], "nothing": None}}
    assert Result.from_json(line).task == {"name": "digits", "scores": [-math.inf, "low"], "nothing": None}


def test_numbers_in_a_configuration_stay_what_was_written() -> None:
    assert Result.from_json({**LINE, "config": {"alpha": "inf"}}).config == {"alpha": "inf"}


def test_header_there_and_back() -> None:
    line = {
        "event": "header",
        "schema": 3,
        "started": "2026-01-02T03:04:05+00:00",
        "command": ["parity", "run"],
        "versions": {"numpy": "2.4"},
        "routes": [
            {"name": "a", "available": True, "reason": ""},
            {"name": "b", "available": False, "reason": "no torch"},
        ],
        "plugins": [
            {"name": "a-13", "kind": "hop", "engine": "A", "base": "a", "opset": 13, "distribution": "a2b"},
            {
                "name": "b",
                "kind": "hop",
                "engine": "B",
                "base": "b",
                "opset": None,
                "distribution": "",
                "requires": ["torch"],
            },
        ],
        "options": {"timeout": "inf", "layers": ["ReLU"]},
        "floor": 7,
    }
    header = Header(
        ("parity", "run"),
        {"numpy": "2.4"},
        (RouteStatus("a"), RouteStatus("b", available=False, reason="no torch")),
        {"timeout": math.inf, "layers": ("ReLU",)},
        7,
        "2026-01-02T03:04:05+00:00",
        plugins=(PluginNote("a-13", "hop", "A", "a", 13, "a2b"), PluginNote("b", "hop", "B", "b", requires=("torch",))),
    )
    assert header.to_json() == line
    assert Header.from_json(line).plugins == header.plugins
    assert check_line(line) == ""
    assert Header.from_json(line).to_json() == line
    assert Header.from_json({**line, "schema": 5}).schema == 5
    assert header.unavailable == (RouteStatus("b", available=False, reason="no torch"),)


def test_header_of_a_run_without_options_begins_now_and_owes_a_result() -> None:
    header = Header(("parity",), {}, ())
    assert (header.options, header.floor, header.schema) == ({}, 1, 3)
    assert abs(datetime.fromisoformat(header.started) - datetime.now(UTC)) < timedelta(seconds=60)


def test_time_is_utc_in_whole_seconds() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", utc_now())


def test_footer_there_and_back() -> None:
    line = {
        "event": "footer",
        "finished": "2026-01-02T03:04:05+00:00",
        "seconds": 1.5,
        "results": 2,
        "outcomes": {"exact": 2},
        "judgements": {"passed": 2},
    }
    footer = Footer("2026-01-02T03:04:05+00:00", 1.5, 2, {"exact": 2}, {"passed": 2})
    assert footer.to_json() == line
    assert Footer.from_json(line) == footer
    assert check_line(line) == ""


def test_the_load_of_the_machine_may_be_known() -> None:
    header, footer = Header(("parity",), {}, (), load=0.25), Footer("2026-01-02T03:04:05+00:00", 1.5, 0, {}, {}, 7.23)
    for event, cls in ((header, Header), (footer, Footer)):
        line = event.to_json()
        assert line["load"] == event.load
        assert (check_line(line), cls.from_json(line).load) == ("", event.load)
        assert "load" not in replace(event, load=None).to_json()
        assert check_line({**line, "load": -1}) == "$.load: -1 is less than the minimum of 0"


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (True, True),
        (None, None),
        (3, 3),
        ("inf", "inf"),
        (0.5, 0.5),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (Outcome.CRASH, "crash"),
        ({1: (2.0, {None: math.nan})}, {"1": [2.0, {"None": "nan"}]}),
    ],
)
def test_plain_data(value: Any, data: Any) -> None:
    assert plain(value) == data
    assert type(plain(value)) is type(data)
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == data


def test_data_that_is_not_plain_is_named() -> None:
    with pytest.raises(TypeError) as caught:
        plain({"a": [{1}]})
    assert str(caught.value) == "expected JSON data, got set: {1}"


@pytest.mark.parametrize("value", [RESULT, RESULT.stages[0], RESULT.expectation, Footer("", 0, 0, {}, {})])
def test_values_are_frozen(value: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, "other")
    for frozen in (Header(("parity",), {}, ()), RouteStatus("a")):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, fields(frozen)[0].name, "other")


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("$.case", {"case": 1}),
    ("$.stages", {"stages": []}),
    ("$.stages[0].outcome", {"stages": [{**STAGE, "outcome": "fine"}]}),
    ("$.stages[0].units", {"stages": [{**STAGE, "units": "many"}]}),
    ("$.expectation", {"expectation": "gru"}),
    ("$.judgement", {"judgement": "fine"}),
    ("$", {"colour": "red"}),
]


@pytest.mark.parametrize(("place", "change"), BROKEN)
def test_lines_are_checked_as_the_published_schema_would(place: str, change: dict[str, Any]) -> None:
    """The checker has the schema's references filled in; the published one resolves them."""
    assert check_line({**LINE, **change}).startswith(f"{place}: ")
    assert not Draft202012Validator(published_schema()).is_valid({**LINE, **change})


def test_checker_has_every_reference_filled_in() -> None:
    """References are followed on every line otherwise, which takes most of the time of reading a file."""
    from harness.results import events

    for event in ("header", "owed", "result", "footer"):
        assert "$ref" not in json.dumps(events._schema(event))
