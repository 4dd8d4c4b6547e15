"""Asking a worker for a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from harness.spec import Input, Layer, Spec
from harness.trace.request import MODULES, Subject, TraceError, trace
from harness.trace.trace import Trace
from harness.workers.pool import Worker, WorkerCrash
from harness.workers.protocol import Answer, Call, Failure

SPEC = Spec("keras", (Input("x", (1,)),), (Layer("ReLU", "a", {}, ("x",)),), ("a",))


class Desk:
    """Stands for a worker that answers with a value, or raises it."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.asked: list[tuple[Call, float]] = []

    def request(self, request: Call, limit: float) -> Answer[Any]:
        self.asked.append((request, limit))
        if isinstance(self.value, Exception):
            raise self.value
        return Answer(self.value, 1.0, 0)


def subject(form: str) -> Subject:
    return Subject(
        form, Path("model"), {"x": np.ones(1)}, SPEC, {"w": np.ones(1)}, (np.zeros(1),), source=Path("model.onnx")
    )


def asked(form: str) -> tuple[str, tuple[Any, ...]]:
    desk = Desk(Trace("onnx", (), "a note").to_plain())
    assert trace(cast("Worker", desk), subject(form), 7.0) == Trace("onnx", (), "a note")
    ((call, limit),) = desk.asked
    assert limit == 7.0
    return call.function, call.arguments


def test_each_format_has_its_module_and_arguments() -> None:
    x, w, y = {"x": np.ones(1)}, {"w": np.ones(1)}, (np.zeros(1),)
    onnx, torch, keras = (f"harness.trace.{name}:answer" for name in ("onnx_graph", "torch_modules", "keras_layers"))
    assert asked("onnx") == (onnx, (Path("model"), x, SPEC, w, y))
    assert asked("torch") == (torch, (Path("model"), x, Path("model.onnx"), SPEC, w))
    assert asked("keras") == (keras, (Path("model"), x, SPEC, w))
    assert asked("kerasjax")[0] == asked("kerastorch")[0] == keras
    assert set(MODULES) == {"onnx", "torch", "keras", "kerastorch", "kerasjax"}


@pytest.mark.parametrize(
    ("form", "value", "problem"),
    [
        ("matlab", None, "artifacts of the format 'matlab' have no graph here"),
        ("onnx", Failure("ValueError", "no"), "it was not traced: ValueError: no"),
        ("onnx", WorkerCrash("it died", "", 0.0), "it was not traced: it died"),
    ],
)
def test_what_cannot_be_traced_is_an_error(form: str, value: Any, problem: str) -> None:
    with pytest.raises(TraceError, match=problem):
        trace(cast("Worker", Desk(value)), subject(form))
