"""Expectations: what they cover, what they foresee, and with which versions they speak."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge.expectations import UNREPORTED, Expectation, covering
from harness.outcomes import Outcome
from harness.results.events import Stage

WHOLE = Expectation(
    id="a",
    route="keras-tf2onnx*",
    layer=("GRU", "LSTM*"),
    outcome=(Outcome.REFUSED, Outcome.INVALID),
    blame=("tf2onnx*", "kerasexport"),
    versions=("numpy>=1",),
    reason="the converter does not know this layer",
    link=UNREPORTED,
    case="keras-GRU-0",
    when={"reset_after": [True], "mask": {"not": ["none"]}},
)
CONFIG = {"reset_after": True, "mask": "hole"}


@pytest.mark.parametrize(
    ("route", "layer", "config", "covers"),
    [
        ("keras-tf2onnx-onnx2torch", "GRU", CONFIG, True),
        ("keras-tf2onnx", "LSTMCell", CONFIG, True),
        ("keras-kerasexport", "GRU", CONFIG, False),
        ("keras-tf2onnx", "SimpleRNN", CONFIG, False),
        ("keras-tf2onnx", "GRU", {**CONFIG, "mask": "none"}, False),
        ("keras-tf2onnx", "GRU", {"mask": "hole"}, False),  # what is lacking is None
        ("keras-tf2onnx", "GRU", {"reset_after": True}, True),  # and None is not "none"
    ],
)
def test_a_case_is_covered_by_route_layer_and_condition(
    route: str, layer: str, config: dict[str, object], covers: bool
) -> None:
    assert covering([WHOLE], route=route, layer=layer, config=config) == ([WHOLE] if covers else [])


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ([[2, 1]], (2, 1), True),  # tuples and lists are one
        ([[2, 1]], (1, 2), False),
        ([1], True, False),  # a number is no truth value
        (["Conv2D"], {"kind": "Conv2D", "config": {"filters": 3}}, True),  # a layer by its kind
        (["Dense"], {"kind": "Conv2D", "config": {"filters": 3}}, False),
        ([{"kind": "Conv2D", "config": {"filters": 3}}], {"kind": "Conv2D", "config": {"filters": 3}}, True),
        ({"not": ["Conv2D"]}, {"kind": "Conv2D", "config": {"filters": 3}}, False),
        ({"not": ["Dense"]}, {"kind": "Conv2D", "config": {"filters": 3}}, True),
        (["Conv2D"], {"kind": "Conv2D"}, False),  # a table that is no layer
        (["Conv2D"], {"kind": "Conv2D", "config": {}, "more": 1}, False),
    ],
)
def test_values_of_a_condition(condition: object, value: object, holds: bool) -> None:
    item = replace(WHOLE, when={"x": condition})
    assert item.covers(route="keras-tf2onnx", layer="GRU", config={"x": value}) is holds


def test_route_layer_and_configuration_are_named() -> None:
    with pytest.raises(TypeError):
        WHOLE.covers("keras-tf2onnx", "GRU", {})  # type: ignore[misc]
    with pytest.raises(TypeError):
        covering([WHOLE], "keras-tf2onnx", "GRU", {})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("hop", "outcome", "message", "foreseen"),
    [
        ("tf2onnx", Outcome.REFUSED, "no handler for Loop", True),
        ("tf2onnx-13", Outcome.INVALID, "no handler for Loop", True),
        ("kerasexport", Outcome.REFUSED, "no handler for Loop", True),
        ("onnx2torch", Outcome.REFUSED, "no handler for Loop", False),
        (None, Outcome.REFUSED, "no handler for Loop", False),
        ("tf2onnx", Outcome.CRASH, "no handler for Loop", False),
        ("tf2onnx", Outcome.REFUSED, "no handler for Scan", False),
    ],
)
def test_a_fault_is_foreseen_by_outcome_blame_and_message(
    hop: str | None, outcome: Outcome, message: str, foreseen: bool
) -> None:
    item = replace(WHOLE, says="handler for (Loop|If)")
    assert item.foresees(Stage("onnx", outcome, hop=hop, message=message)) is foreseen


def test_the_source_is_blamed_by_its_name() -> None:
    item = replace(WHOLE, blame=("source",))
    assert item.foresees(Stage("keras", Outcome.INVALID))
    assert not item.foresees(Stage("onnx", Outcome.INVALID, hop="tf2onnx"))


@pytest.mark.parametrize(
    ("versions", "applies"),
    [
        (("numpy>=1",), True),
        (("numpy<1",), False),
        (("numpy>=1", "numpy<1"), False),  # all of them
        (("no-such-distribution>=1",), False),
    ],
)
def test_it_speaks_with_the_versions_it_names(versions: tuple[str, ...], applies: bool) -> None:
    item = replace(WHOLE, versions=versions)
    assert item.applies is applies
    assert covering([item], route="keras-tf2onnx", layer="GRU", config=CONFIG) == ([item] if applies else [])
