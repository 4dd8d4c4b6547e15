"""The part of a message that is the same on every run."""

from __future__ import annotations

import pytest

from harness.reproducer.deviation import beginning


@pytest.mark.parametrize(
    ("message", "same"),
    [
        ("ValueError: no file at a/b.c", "ValueError: no file at a"),
        ("Fail: [ONNXRuntimeError] : 1 : Load model from source-tf2onnx.onnx failed: x", None),
        ("InputError: the artifact takes the inputs ['a'], the model has []", None),
        ("runs, but not with x (0, 3), y (1,): Fail: bad", "Fail: bad"),
        ("TypeError: <KerasTensor at 0x7f>", "TypeError:"),
    ],
)
def test_beginning_of_a_message(message: str, same: str | None) -> None:
    wanted = {
        "Fail": "Fail: [ONNXRuntimeError] : 1 : Load model from",
        "Inpu": "ValueError: the artifact takes the inputs ['a'], the model has []",
    }
    assert beginning(message) == (same or wanted[message[:4]])
