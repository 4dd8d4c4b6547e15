"""Rows of the convolutions of Deep Learning Toolbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, row
from harness.catalogue.matlab.toolbox import DIALECT, after_inputs

PADDING: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "even": {"PaddingSize": [1, 1, 2, 2]},
    "lopsided": {"PaddingSize": [2, 1, 0, 3]},
    "same": {"PaddingMode": "same"},
}


@row(
    DIALECT,
    "Convolution2DLayer",
    axes={
        "window": ((3, 3), (2, 2), (4, 3), (1, 1)),
        "channels": ("distinct", "equal", "one_filter", "one_input", "one_each"),
        "Stride": ((1, 1), (2, 2), (2, 3)),
        "padding": tuple(PADDING),
        "DilationFactor": ((1, 1), (2, 1), (1, 3)),
        "PaddingValue": (0, 1.5, "replicate", "symmetric-include-edge", "symmetric-exclude-edge"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "impulse"),
)
def convolution_2d(choice: Choice, fill: Chooser) -> Draft:
    """`same` is worked out at run time, with the odd element at the end; values other than 0 only matter with pads."""
    window = choice["window"]
    inputs, filters = distinct(fill, 2, (2, 3, 5))
    if choice["channels"] == "equal":
        filters = inputs
    inputs = 1 if choice["channels"] in ("one_input", "one_each") else inputs
    filters = 1 if choice["channels"] in ("one_filter", "one_each") else filters
    height, width = distinct(fill, 2, (7, 8, 9, 10))
    if choice["channels"] == "equal":
        width = height
    config = {
        "Stride": list(choice["Stride"]),
        "DilationFactor": list(choice["DilationFactor"]),
        **PADDING[choice["padding"]],
        **({"PaddingValue": choice["PaddingValue"]} if choice["PaddingValue"] else {}),
    }
    weights = {
        "Weights": Weight((*window, inputs, filters), "kernel", fan_in=window[0] * window[1] * inputs),
        "Bias": Weight((filters,), "bias"),
    }
    return after_inputs("Convolution2DLayer", config, [(inputs, height, width)], weights, choice)
