"""Specs: contradictions are named, identity is content, JSON carries all of it."""

from __future__ import annotations

import json

import pytest

from harness.spec import Input, Layer, Sample, Spec, SpecError
from tests.miniatures import dense_case


def test_json_round_trip_keeps_identity() -> None:
    spec = Spec(
        "keras",
        (Input("x", (None, 3)), Input("h", (4,)), Input("m", (None,), "bool")),
        (Layer("LSTM", "l", {"units": 4}, ("x",), {"initial_state": ("h", "h"), "mask": ("m",)}),),
        ("l", "l:1"),
    )
    again = Spec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert again.id == spec.id
    assert spec.layers[0].tensors == ("x", "h", "h", "m")


@pytest.mark.parametrize(
    ("inputs", "layers", "outputs", "message"),
    [
        ((Input("x", (1,)), Input("x", (1,))), (), ("x",), "declared twice"),
        ((Input("x", (1,)),), (Layer("Dense", "y", {}, ("z",)),), ("y",), "nothing before it makes"),
        ((Input("x", (1,)),), (Layer("Dense", "x", {}, ("x",)),), ("x",), "used twice"),
        ((Input("x", (1,)),), (), (), "at least one output"),
        ((Input("x", (1,)),), (), ("q",), "made by no layer"),
    ],
)
def test_contradiction_is_named(inputs, layers, outputs, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match=message):
        Spec("keras", inputs, layers, outputs)


def test_case_id_depends_on_numbers_and_not_on_the_golden() -> None:
    from dataclasses import replace

    case = dense_case()
    assert replace(case, samples=(Sample(case.inputs),)).id == case.id
    assert replace(case, samples=(Sample({"x": case.inputs["x"] + 1}),)).id != case.id
    assert case.id.startswith("keras-Dense-")
