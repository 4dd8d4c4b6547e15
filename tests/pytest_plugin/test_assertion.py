"""What a failing test says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.outcomes import Metrics, Outcome
from harness.pytest_plugin.assertion import check, failure_text
from harness.results.events import Judgement, Result, Stage

RESULT = Result(
    case="keras-Dense-0123",
    dialect="keras",
    layer="Dense",
    profile="main",
    config={"units": 5, "padding": "same"},
    route="keras-tf2onnx",
    stages=(
        Stage("keras", Outcome.FAITHFUL, metrics=Metrics(units=1.234)),
        Stage("onnx", Outcome.REFUSED, hop="tf2onnx", message="no Dense"),
    ),
    judgement=Judgement.FAILED,
    message="refused at tf2onnx: no Dense",
    replay="parity replay keras-Dense-0123 --route keras-tf2onnx",
)


def test_a_failure_says_what_where_and_what_to_run_next() -> None:
    assert failure_text(RESULT) == (
        "Dense on keras-tf2onnx: refused at tf2onnx: no Dense\n"
        "  stages: keras: faithful 1.23 units -> tf2onnx: refused\n"
        "  configuration: units=5, padding='same'\n"
        "  again: parity replay keras-Dense-0123 --route keras-tf2onnx"
    )


def test_check() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"^Dense on keras-tf2onnx: refused"):
        check(RESULT)
    with pytest.raises(pytest.xfail.Exception, match=r"^refused at tf2onnx: no Dense$"):
        check(replace(RESULT, judgement=Judgement.EXPECTED))
    check(replace(RESULT, judgement=Judgement.PASSED))
