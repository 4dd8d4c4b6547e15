"""Requests and answers there and back, as plain data that the channel carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import execnet
import numpy as np
import pytest

from harness.spec import Input, Layer, Spec
from harness.workers.protocol import (
    Answer,
    Call,
    Convert,
    Failure,
    Load,
    Model,
    Predict,
    Ran,
    Read,
    Request,
    Run,
    Write,
    decode,
    encode,
)

SPEC = Spec("keras", (Input("x", (3, None)),), (Layer("ReLU", "r", {"max_value": 6.0}, ("x",)),), ("r",))
X = np.array([[1.5, -0.0], [np.nan, 2.0]], np.float32)


def carried(value: Any) -> Any:
    """The value as it comes out on the other side of a channel."""
    return decode(execnet.loads(execnet.dumps(encode(value))))


@pytest.mark.parametrize(
    "message",
    [
        Load(("numpy", "a.b"), 2**33),
        Read("m:C", Path("/tmp/a b.mat")),
        Convert("m:C", Path("in.onnx"), Path("out.pt")),
        Call("m:f", (1, "two", (None, True), [2.5, b"raw"], {"key": Path("x")}), memory=5),
        Failure("ValueError", "no", "line 1", ("ValueError", "Exception"), {"how": "crash"}),
    ],
)
def test_messages_come_back_equal(message: object) -> None:
    assert carried(message) == message


def test_every_request_and_answer_is_known() -> None:
    requests = {cls.__name__ for cls in Request.__subclasses__()}
    assert requests == {"Load", "Write", "Read", "Convert", "Run", "Predict", "Call"}
    for message in (
        Write("m:C", SPEC, {"r/w": X}, Path("f")),
        Run("m:R", Path("f"), ({"x": X}, {"x": X[:1]})),
        Predict("m:P", Path("f"), {"x": X}, trust=True),
    ):
        assert type(carried(message)) is type(message)


def test_a_written_model_comes_back_bit_by_bit() -> None:
    write = carried(Write("m:C", SPEC, {"r/w": X}, Path("f")))
    assert write.spec == SPEC
    assert write.weights["r/w"].dtype == np.float32
    assert write.weights["r/w"].tobytes() == X.tobytes()
    assert carried(Model(SPEC, {})).spec.id == SPEC.id


def test_an_answer_holds_outputs_or_failures_in_their_places() -> None:
    ran = Ran(((X, None), Failure("ValueError", "batch of 2")), ("y", "z"), repeats=False)
    answer = carried(Answer(ran, 1.5, 2**20))
    outputs, failure = answer.value.outputs
    assert outputs[0].tobytes() == X.tobytes()
    assert outputs[1] is None
    assert failure.sentence == "ValueError: batch of 2"
    assert (answer.seconds, answer.resident, answer.peak, answer.value.names) == (1.5, 2**20, 0, ("y", "z"))


def test_numbers_of_numpy_and_strings_travel() -> None:
    assert carried(np.float32(2.5)) == np.float32(2.5)
    assert carried(np.array(["é", ""])).tolist() == ["é", ""]


@pytest.mark.parametrize(
    ("value", "message"), [(object(), "got object"), ({"@": 1}, "key '@'"), ({1, 2}, "got set"), (1j, "got complex")]
)
def test_what_cannot_travel_is_named(value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        encode(value)
