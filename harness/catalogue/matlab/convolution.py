"""Rows of the convolutions of Deep Learning Toolbox.

PaddingValues other than 0 only matter where something is padded. Sequences have an open length: 5 elements the first
time, 8 the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, row, rule
from harness.catalogue.matlab.toolbox import DIALECT, after_inputs

CHANNELS = ("distinct", "equal", "one_filter", "one_input", "one_each")
"""Channels and filters of a bank. One of either leaves a last dimension of size 1, which the file drops."""
VALUES = (0, 1.5, "replicate", "symmetric-include-edge", "symmetric-exclude-edge")
PROFILES = ("main", "negative", "spread", "large", "impulse")
SEQUENCE_PADDING: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "even": {"PaddingSize": [1, 1]},
    "lopsided": {"PaddingSize": [2, 1]},
    "same": {"PaddingMode": "same"},
    "causal": {"PaddingMode": "causal"},
}
PADDING: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "even": {"PaddingSize": [1, 1, 2, 2]},
    "lopsided": {"PaddingSize": [2, 1, 0, 3]},
    "same": {"PaddingMode": "same"},
}
VOLUME_PADDING: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "even": {"PaddingSize": [[1, 0, 2], [1, 0, 2]]},
    "lopsided": {"PaddingSize": [[2, 0, 1], [1, 2, 0]]},
    "same": {"PaddingMode": "same"},
}


def _channels(kind: str, fill: Chooser) -> tuple[int, int]:
    """(input channels, filters)."""
    inputs, filters = distinct(fill, 2, (2, 3, 5))
    if kind == "equal":
        return inputs, inputs
    return 1 if kind in ("one_input", "one_each") else inputs, 1 if kind in ("one_filter", "one_each") else filters


def _convolution(
    kind: str, choice: Choice, fill: Chooser, padding: Mapping[str, Any], sizes: Sequence[int | None]
) -> Draft:
    """A convolution over images of that height, width and depth, or over sequences where the one size is open."""
    window = choice["window"]
    inputs, filters = _channels(choice["channels"], fill)
    config = {
        "Stride": list(choice["Stride"]),
        "DilationFactor": list(choice["DilationFactor"]),
        **padding,
        **({"PaddingValue": choice["PaddingValue"]} if choice["PaddingValue"] else {}),
    }
    weights = {
        "Weights": Weight((*window, inputs, filters), "kernel", fan_in=prod(window) * inputs),
        "Bias": Weight((filters,), "bias"),
    }
    shape = (inputs, *sizes) if len(sizes) > 1 else (*sizes, inputs)
    return after_inputs(kind, config, [shape], weights, choice)


@row(
    DIALECT,
    "Convolution1DLayer",
    axes={
        "window": ((3,), (2,), (4,), (1,)),
        "channels": CHANNELS,
        "Stride": ((1,), (2,), (3,)),
        "padding": tuple(SEQUENCE_PADDING),
        "DilationFactor": ((1,), (2,)),
        "PaddingValue": VALUES,
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    rules=[
        rule("window", "DilationFactor", "padding", reason="a window of 7 elements does not fit into 5")(
            lambda window, dilation, padding: padding != "none" or dilation[0] * (window[0] - 1) < 5
        ),
        rule("padding", "PaddingValue", reason="what other values do to causal padding is not documented")(
            lambda padding, value: padding != "causal" or value == 0
        ),
    ],
    per_axis=4,
)
def convolution_1d(choice: Choice, fill: Chooser) -> Draft:
    """Over the time of sequences. `causal` pads (window - 1) * dilation before, whatever the stride."""
    return _convolution("Convolution1DLayer", choice, fill, SEQUENCE_PADDING[choice["padding"]], [None])


@row(
    DIALECT,
    "Convolution2DLayer",
    axes={
        "window": ((3, 3), (2, 2), (4, 3), (1, 1)),
        "channels": CHANNELS,
        "Stride": ((1, 1), (2, 2), (2, 3)),
        "padding": tuple(PADDING),
        "DilationFactor": ((1, 1), (2, 1), (1, 3)),
        "PaddingValue": VALUES,
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
)
def convolution_2d(choice: Choice, fill: Chooser) -> Draft:
    """`same` is worked out at run time, with the odd element at the end."""
    height, width = distinct(fill, 2, (7, 8, 9, 10))
    sizes = (height, height) if choice["channels"] == "equal" else (height, width)
    return _convolution("Convolution2DLayer", choice, fill, PADDING[choice["padding"]], sizes)


@row(
    DIALECT,
    "Convolution3DLayer",
    axes={
        "window": ((3, 2, 3), (2, 2, 2), (1, 3, 2), (1, 1, 1)),
        "channels": CHANNELS,
        "Stride": ((1, 1, 1), (2, 2, 2), (1, 2, 3)),
        "padding": tuple(VOLUME_PADDING),
        "DilationFactor": ((1, 1, 1), (2, 1, 2)),
        "PaddingValue": VALUES,
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    per_axis=4,
)
def convolution_3d(choice: Choice, fill: Chooser) -> Draft:
    """Pads are 2 x 3, [top left front; bottom right back]."""
    sizes = [5] * 3 if choice["channels"] == "equal" else distinct(fill, 3, (5, 6, 7))
    return _convolution("Convolution3DLayer", choice, fill, VOLUME_PADDING[choice["padding"]], sizes)


GROUPS: Mapping[str, tuple[int, int, int]] = {
    "two": (2, 2, 3),
    "channel_wise": (3, 1, 1),
    "multiplied": (3, 1, 2),
    "merging": (3, 2, 1),
    "cube": (2, 2, 2),
    "one_group": (1, 3, 2),
    "one_each": (1, 1, 1),
}
"""(groups, input channels of a group, filters of a group)."""


@row(
    DIALECT,
    "GroupedConvolution2DLayer",
    axes={
        "window": ((3, 3), (2, 2), (4, 3), (1, 1)),
        "groups": tuple(GROUPS),
        "Stride": ((1, 1), (2, 2), (2, 3)),
        "padding": tuple(PADDING),
        "DilationFactor": ((1, 1), (2, 1)),
        "PaddingValue": VALUES,
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    per_axis=4,
)
def grouped_convolution_2d(choice: Choice, fill: Chooser) -> Draft:
    """A bank has five dimensions, the groups last; a bias has one column for each group."""
    groups, depth, filters = GROUPS[choice["groups"]]
    height, width = distinct(fill, 2, (7, 8, 9, 10))
    config = {
        "Stride": list(choice["Stride"]),
        "DilationFactor": list(choice["DilationFactor"]),
        **PADDING[choice["padding"]],
        **({"PaddingValue": choice["PaddingValue"]} if choice["PaddingValue"] else {}),
    }
    weights = {
        "Weights": Weight((*choice["window"], depth, filters, groups), "kernel", fan_in=prod(choice["window"]) * depth),
        "Bias": Weight((filters, groups), "bias"),
    }
    shape = (groups * depth, height, height if choice["groups"] == "cube" else width)
    return after_inputs("GroupedConvolution2DLayer", config, [shape], weights, choice)


CROPPING: Mapping[int, Mapping[str, Mapping[str, Any]]] = {
    1: {
        "none": {},
        "even": {"CroppingSize": [1, 1]},
        "begin": {"CroppingSize": [1, 0]},
        "end": {"CroppingSize": [0, 2]},
        "same": {"CroppingMode": "same"},
    },
    2: {
        "none": {},
        "even": {"CroppingSize": [1, 1, 0, 0]},
        "lopsided": {"CroppingSize": [1, 0, 0, 2]},
        "other": {"CroppingSize": [0, 1, 2, 1]},
        "same": {"CroppingMode": "same"},
    },
    3: {
        "none": {},
        "even": {"CroppingSize": [[1, 0, 1], [1, 0, 1]]},
        "lopsided": {"CroppingSize": [[1, 0, 0], [0, 1, 2]]},
        "other": {"CroppingSize": [[0, 1, 2], [1, 2, 0]]},
        "same": {"CroppingMode": "same"},
    },
}


def _transposed(kind: str, choice: Choice, fill: Chooser, sizes: Sequence[int | None]) -> Draft:
    """Weights are spatial x filters x channels; a convolution's have channels before filters."""
    window = choice["window"]
    inputs, filters = _channels(choice["channels"], fill)
    config = {"Stride": list(choice["Stride"]), **CROPPING[len(window)][choice["cropping"]]}
    weights = {
        "Weights": Weight((*window, filters, inputs), "kernel", fan_in=prod(window) * inputs),
        "Bias": Weight((filters,), "bias"),
    }
    shape = (inputs, *sizes) if len(sizes) > 1 else (*sizes, inputs)
    return after_inputs(kind, config, [shape], weights, choice)


@row(
    DIALECT,
    "TransposedConvolution1DLayer",
    axes={
        "window": ((3,), (2,), (4,), (1,)),
        "channels": CHANNELS,
        "Stride": ((1,), (2,), (3,)),
        "cropping": tuple(CROPPING[1]),
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    per_axis=4,
)
def transposed_convolution_1d(choice: Choice, fill: Chooser) -> Draft:
    """Filters shorter than the stride leave elements that are the bias alone."""
    return _transposed("TransposedConvolution1DLayer", choice, fill, [None])


@row(
    DIALECT,
    "TransposedConvolution2DLayer",
    axes={
        "window": ((3, 3), (2, 2), (4, 3), (1, 2)),
        "channels": CHANNELS,
        "Stride": ((1, 1), (2, 2), (3, 2), (2, 4)),
        "cropping": tuple(CROPPING[2]),
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    per_axis=4,
)
def transposed_convolution_2d(choice: Choice, fill: Chooser) -> Draft:
    """Crops are [top bottom left right]."""
    height, width = distinct(fill, 2, (4, 5, 6))
    sizes = (height, height) if choice["channels"] == "equal" else (height, width)
    return _transposed("TransposedConvolution2DLayer", choice, fill, sizes)


@row(
    DIALECT,
    "TransposedConvolution3DLayer",
    axes={
        "window": ((2, 3, 3), (2, 2, 2), (3, 4, 2), (1, 2, 1)),
        "channels": CHANNELS,
        "Stride": ((1, 1, 1), (2, 2, 2), (1, 3, 2)),
        "cropping": tuple(CROPPING[3]),
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    per_axis=4,
)
def transposed_convolution_3d(choice: Choice, fill: Chooser) -> Draft:
    """Crops are 2 x 3, [top left front; bottom right back]."""
    sizes = [4] * 3 if choice["channels"] == "equal" else distinct(fill, 3, (3, 4, 5))
    return _transposed("TransposedConvolution3DLayer", choice, fill, sizes)
