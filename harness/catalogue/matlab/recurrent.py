"""Rows of the recurrent layers and of attention of Deep Learning Toolbox."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, distinct, row
from harness.catalogue.matlab.toolbox import DIALECT, after_inputs
from harness.catalogue.sizes import OPEN_SIZE

SIZES = ("distinct", "equal", "one_unit", "one_channel", "one_each")
ACTIVATIONS = ("tanh, sigmoid", "softsign, hard-sigmoid", "relu, sigmoid", "tanh, hard-sigmoid")
"""Activations of state and gates, as one axis. With two axes the activations of PyTorch's layers, the first of each,
would hardly occur with other values."""
AXES: Mapping[str, tuple[Any, ...]] = {
    "OutputMode": ("sequence", "last"),
    "activations": ACTIVATIONS,
    "input": ("open", "one_step", "features"),
    "sizes": SIZES,
    "batch": (2, 1, 3),
}
BOTH = {"states": ("none", "both", "hidden", "cell")}
HIDDEN = {"states": ("none", "hidden")}
MODES = {"ResetGateMode": ("after-multiplication", "before-multiplication", "recurrent-bias-after-multiplication")}
PROJECTED = {"projectors": ("narrow", "full", "one", "wide_input")}
PROFILES = ("main", "negative", "spread", "large", "small")
PINS = (
    {"OutputMode": "last"},
    {"OutputMode": "last", "states": "hidden", "sizes": "equal"},
    {"states": "hidden", "sizes": "one_unit", "batch": 1},
)
"""Plain sequences of several steps, which pairs of values give too seldom. All second inputs have samples: an LSTM or a
GRU on none aborts ONNX Runtime 1.31, and the process with it."""
EARLY = {"ResetGateMode": "before-multiplication"}
STORED = {"none": (), "hidden": ("HiddenState",), "cell": ("CellState",), "both": ("HiddenState", "CellState")}
recurrent = partial(row, DIALECT, profiles=PROFILES, second_batches=SOME, per_axis=4)


def _sizes(choice: Choice, fill: Chooser) -> tuple[int, int]:
    """Channels and hidden units; with `equal` both equal the number of steps of the open time."""
    if choice["sizes"] == "equal":
        return OPEN_SIZE, OPEN_SIZE
    channels, units = distinct(fill, 2, [n for n in (2, 3, 4, 6) if n != choice["batch"]])
    return (
        1 if choice["sizes"] in ("one_channel", "one_each") else channels,
        1 if choice["sizes"] in ("one_unit", "one_each") else units,
    )


def _input(choice: Choice, channels: int) -> tuple[int | None, ...]:
    return {"open": (None, channels), "one_step": (1, channels), "features": (channels,)}[choice["input"]]


def _widths(choice: Choice, channels: int, units: int) -> tuple[int, int]:
    """Columns of the projectors of input and output."""
    if choice["projectors"] == "full":
        return channels, units
    if choice["projectors"] == "one":
        return 1, 1
    narrow = max(1, channels - 1), max(1, units - 2)
    return (channels, narrow[1]) if choice["projectors"] == "wide_input" else narrow


def _draft(kind: str, choice: Choice, fill: Chooser, *, gates: int, ways: int = 1) -> Draft:
    """Weights with the gates one below the other, for each direction."""
    channels, units = _sizes(choice, fill)
    rows = gates * units * ways
    doubled = choice.get("ResetGateMode") == "recurrent-bias-after-multiplication"
    wide, back = _widths(choice, channels, units) if "projectors" in choice else (channels, units)
    weights = {
        "InputWeights": Weight((rows, wide), "kernel", fan_in=wide),
        "RecurrentWeights": Weight((rows, back), "recurrent"),
    }
    if "projectors" in choice:
        weights["InputProjector"] = Weight((channels, wide), "kernel", fan_in=channels)
        weights["OutputProjector"] = Weight((units, back), "recurrent")
    weights["Bias"] = Weight((rows * (2 if doubled else 1),), "bias")
    weights |= {name: Weight((units * ways,), "bias") for name in STORED[choice["states"]]}
    state, gate = choice["activations"].split(", ")
    config = {"OutputMode": choice["OutputMode"], "StateActivationFunction": state, "GateActivationFunction": gate}
    if "ResetGateMode" in choice:
        config["ResetGateMode"] = choice["ResetGateMode"]
    rank = 3 if choice["OutputMode"] == "sequence" and choice["input"] != "features" else 2
    return after_inputs(kind, config, [_input(choice, channels)], weights, choice, rank=rank)


@recurrent("LSTMLayer", axes={**AXES, **BOTH}, pins=PINS)
def lstm(choice: Choice, fill: Chooser) -> Draft:
    """The network starts from its stored states."""
    return _draft("LSTMLayer", choice, fill, gates=4)


@recurrent("BiLSTMLayer", axes={**AXES, **BOTH}, pins=PINS)
def bilstm(choice: Choice, fill: Chooser) -> Draft:
    """Forward rows above backward rows, and the same for states."""
    return _draft("BiLSTMLayer", choice, fill, gates=4, ways=2)


@recurrent("GRULayer", axes={**MODES, **AXES, **HIDDEN}, pins=(*PINS, EARLY))
def gru(choice: Choice, fill: Chooser) -> Draft:
    """Two biases, 6H values, with `recurrent-bias-after-multiplication`."""
    return _draft("GRULayer", choice, fill, gates=3)


@recurrent("LSTMProjectedLayer", axes={**AXES, **PROJECTED, **BOTH}, pins=PINS)
def lstm_projected(choice: Choice, fill: Chooser) -> Draft:
    """Projectors narrower than input and state, as wide, and of one column."""
    return _draft("LSTMProjectedLayer", choice, fill, gates=4)


@recurrent("GRUProjectedLayer", axes={**MODES, **AXES, **PROJECTED, **HIDDEN}, pins=(*PINS, EARLY))
def gru_projected(choice: Choice, fill: Chooser) -> Draft:
    """Projectors narrower than input and state, as wide, and of one column."""
    return _draft("GRUProjectedLayer", choice, fill, gates=3)


@row(
    DIALECT,
    "SelfAttentionLayer",
    axes={
        "NumHeads": (1, 2, 3),
        "AttentionMask": ("none", "causal"),
        "widths": ("distinct", "equal", "one_key", "one_value", "one_each"),
        "channels": ("distinct", "one", "as_steps"),
        "output": ("as_input", "other"),
        "steps": ("open", "one"),
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    per_axis=4,
)
def self_attention(choice: Choice, fill: Chooser) -> Draft:
    """Keys and values of different widths in each head; the output as wide as the input, or not."""
    heads = choice["NumHeads"]
    size, keys, values = distinct(fill, 3, (2, 3, 4, 5))
    if choice["widths"] == "equal":
        values = keys
    keys = 1 if choice["widths"] in ("one_key", "one_each") else keys
    values = 1 if choice["widths"] in ("one_value", "one_each") else values
    channels = {"distinct": size, "one": 1, "as_steps": OPEN_SIZE}[choice["channels"]]
    outputs = channels if choice["output"] == "as_input" else channels + 2
    weights = {}
    for name, rows, columns in (
        ("Query", heads * keys, channels),
        ("Key", heads * keys, channels),
        ("Value", heads * values, channels),
        ("Output", outputs, heads * values),
    ):
        weights[f"{name}Weights"] = Weight((rows, columns), "kernel", fan_in=columns)
        weights[f"{name}Bias"] = Weight((rows,), "bias")
    config = {"NumHeads": heads, "AttentionMask": choice["AttentionMask"]}
    shape = (None if choice["steps"] == "open" else 1, channels)
    return after_inputs("SelfAttentionLayer", config, [shape], weights, choice)
