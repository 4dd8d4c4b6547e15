"""The table of the layers that MATLAB saves agrees with what is read, and its page is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.matlab.layers import TOOLBOX, Unsupported, read_layer
from harness.matlab.layers.classes import classes, page
from harness.matlab.readers.records import Record

PAGE = Path(__file__).resolve().parents[2] / "docs" / "matlab-layers.md"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_layer_that_is_read_is_listed():
    listed = {item.name for item in classes()}
    assert {name for name in TOOLBOX if name.endswith("Layer")} - listed == set()


def test_exactly_those_that_are_not_read_have_a_reason():
    assert [item.name for item in classes() if item.read == bool(item.why)] == []


def test_functions_are_different():
    assert len({item.function for item in classes()}) == len(classes())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nnet.cnn.layer.CWTLayer", "transforms a signal; .*"),
        ("nnet.cnn.layer.FunctionLayer", "runs code of a function that the file does not hold"),
        ("nnet.cnn.layer.MarvelLayer", "no reader for this class"),
        ("my.FunctionLayer", "a custom class"),
        ("FunctionLayer", "runs code of a function that the file does not hold"),
    ],
)
def test_the_reason_is_in_the_message(name, why):
    with pytest.raises(Unsupported, match=f"^{why}$"):
        read_layer(Record(name, "layer", {}))
