"""What a script must know of a deviation: its exception, its process, its inputs; and the stable part of a message."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.adapters.routes import Route
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.reproducer.deviation import Deviation, beginning
from harness.results.events import Stage
from harness.run.walk import Step
from harness.spec import Case

EXPORTER = Stage("onnx", Outcome.EXACT, hop="exporter")


def deviation(
    outcome: Outcome, message: str = "", *, foreseen: tuple[Outcome, ...] = (), samples: int = 2, file: str = "a.onnx"
) -> Deviation:
    """A deviation at a hop, with these outcomes foreseen (none: without an expectation)."""
    return Deviation(
        cast("Case", SimpleNamespace(samples=(None,) * samples)),
        cast("Route", SimpleNamespace(hops=("exporter",))),
        (Step(EXPORTER, Path("source.keras")), Step(Stage("onnx", outcome, hop="other", message=message), Path(file))),
        cast("Expectation", SimpleNamespace(outcome=foreseen)) if foreseen else None,
    )


def test_the_last_step_is_at_fault_and_its_outcome_comes_first() -> None:
    shown = deviation(Outcome.CRASH, foreseen=(Outcome.INVALID, Outcome.CRASH))
    assert shown.fault.hop == "other"
    assert shown.outcomes == (Outcome.CRASH, Outcome.INVALID, Outcome.CRASH)
    assert deviation(Outcome.DIVERGENT).outcomes == (Outcome.DIVERGENT,)


@pytest.mark.parametrize(
    ("shown", "exception"),
    [
        (deviation(Outcome.REFUSED, "ValueError: no 3"), "ValueError: no 3"),
        (deviation(Outcome.INVALID, "Fail: bad"), "Fail: bad"),
        (deviation(Outcome.DIVERGENT, "9 units"), None),
        (deviation(Outcome.CRASH), None),
        (deviation(Outcome.HANG, foreseen=(Outcome.HANG,)), None),
        (deviation(Outcome.CRASH, foreseen=(Outcome.CRASH, Outcome.INVALID)), ""),
        (deviation(Outcome.HANG, foreseen=(Outcome.REFUSED,)), ""),
        (deviation(Outcome.FAITHFUL), ""),
    ],
)
def test_which_exception_shows_it(shown: Deviation, exception: str | None) -> None:
    assert shown.exception == exception


@pytest.mark.parametrize(
    ("shown", "ends"),
    [
        (deviation(Outcome.CRASH), True),
        (deviation(Outcome.HANG), True),
        (deviation(Outcome.INVALID, foreseen=(Outcome.INVALID, Outcome.CRASH)), True),
        (deviation(Outcome.INVALID, foreseen=(Outcome.INVALID, Outcome.HANG)), False),
        (deviation(Outcome.REFUSED), False),
        (deviation(Outcome.EXACT), True),
    ],
)
def test_whether_it_ends_the_process(shown: Deviation, ends: bool) -> None:
    assert shown.ends_the_process is ends


@pytest.mark.parametrize(
    ("shown", "needs"),
    [
        (deviation(Outcome.DIVERGENT, "with x (3, 2): 99 units"), True),
        (deviation(Outcome.INVALID, "runs, but not with x (0, 2): Fail: bad"), True),
        (deviation(Outcome.INVALID, "Fail: runs, but not with x"), False),
        (deviation(Outcome.CRASH), True),
        (deviation(Outcome.HANG), True),
        (deviation(Outcome.CRASH, samples=1), False),
        (deviation(Outcome.DIVERGENT, "99 units"), False),
        (deviation(Outcome.DRIFT), True),
        (deviation(Outcome.DRIFT, samples=1), False),
    ],
)
def test_whether_it_needs_the_second_inputs(shown: Deviation, needs: bool) -> None:
    assert shown.needs_second_inputs is needs


def test_the_converted_file_is_an_onnx_file_of_a_hop() -> None:
    assert deviation(Outcome.DIVERGENT).converted == Path("a.onnx")
    assert deviation(Outcome.DIVERGENT, file="a.pt").converted is None
    at_the_source = deviation(Outcome.DIVERGENT)
    object.__setattr__(at_the_source, "route", SimpleNamespace(hops=()))
    assert at_the_source.converted is None


@pytest.mark.parametrize(
    ("message", "same"),
    [
        ("ValueError: no file at a/b.c", "ValueError: no file at a"),
        ("Fail: [ONNXRuntimeError] : 1 : Load model from source-tf2onnx.onnx failed: x", None),
        ("ValueError: the artifact takes the inputs ['a'], the model has []", None),
        ("runs, but not with x (0, 3), y (1,): Fail: bad", "Fail: bad"),
        ("TypeError: <KerasTensor at 0x7f>", "TypeError:"),
    ],
)
def test_beginning_of_a_message(message: str, same: str | None) -> None:
    wanted = {
        "Fail": "Fail: [ONNXRuntimeError] : 1 : Load model from",
        "Valu": "ValueError: the artifact takes the inputs ['a'], the model has []",
    }
    assert beginning(message) == (same or wanted[message[:4]])
