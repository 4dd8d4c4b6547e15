"""Recurrent layers and attention. Gates are rows one below the other, for each direction, as PyTorch has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.matlab.layers.kind import Read, Reader, Unsupported, layer
from harness.matlab.layers.stored import bias, count, refuse
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site
from harness.spec import Array, Config

HIDDEN, BOTH = ("HiddenState",), ("HiddenState", "CellState")
AXES = {"InputWeights": ("ri",), "RecurrentWeights": ("rh",), "Bias": ("r",)}
PROJECTED = {
    "InputWeights": ("rp",),
    "RecurrentWeights": ("rp",),
    "Bias": ("r",),
    "InputProjector": ("ip",),
    "OutputProjector": ("hp",),
}
ATTENTION = {
    **{f"{name}Weights": (f"{name[0].lower()}i",) for name in ("Query", "Key", "Value")},
    **{f"{name}Bias": (name[0].lower(),) for name in ("Query", "Key", "Value", "Output")},
    "OutputWeights": ("ov",),
}


def _states_axes(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(names, ("h",))


def last_step(config: Config, rank: int) -> int:
    """The last step of a sequence is features; all steps are a sequence."""
    return 2 if config.get("OutputMode") == "last" else rank


def _options(record: Record) -> dict[str, Any]:
    refuse(record, "HasStateInputs", "HasStateOutputs")
    stored = record.properties.get("ReturnSequence")
    last = stored is not None and not record.flag("ReturnSequence")
    return {
        "OutputMode": "last" if last else record.text("OutputMode", "sequence", ("sequence", "last")),
        "StateActivationFunction": _function(record, "State", ("tanh", "softsign", "relu")),
        "GateActivationFunction": _function(record, "Gate", ("sigmoid", "hard-sigmoid")),
    }


def _function(record: Record, which: str, known: Sequence[str]) -> str:
    name = record.get(f"{which}ActivationFunction", f"{which}Activation")
    if name is None:
        return known[0]
    if name not in known:
        raise Unsupported(f"{which}ActivationFunction {name!r}")
    return str(name)


def _read_states(record: Record, names: Sequence[str], length: int) -> dict[str, Array]:
    """Initial states that are not zero."""
    stored = {name: record.array(name, f"Initial{name}") for name in names}
    return {
        name: value.ravel(order="F")
        for name, value in stored.items()
        if value is not None and value.size == length and value.any()
    }


def _reader(gates: int, directions: int, states: Sequence[str]) -> Reader:
    def read(record: Record) -> Read:
        config = _options(record)
        rows = gates * directions
        hidden = count(record, "NumHiddenUnits") or count(record, "HiddenSize")
        w = record.learnable("InputWeights", (rows * hidden if hidden else None, None))
        units = w.shape[0] // rows
        arrays = {"InputWeights": w}
        if "Projected" in record.kind:
            arrays["RecurrentWeights"] = record.learnable("RecurrentWeights", (rows * units, None))
            arrays["InputProjector"] = record.learnable("InputProjector", (None, w.shape[1]))
            arrays["OutputProjector"] = record.learnable(
                "OutputProjector", (units, arrays["RecurrentWeights"].shape[1])
            )
        else:
            arrays["RecurrentWeights"] = record.learnable("RecurrentWeights", (rows * units, units))
        if gates == 3:
            modes = ("after-multiplication", "before-multiplication", "recurrent-bias-after-multiplication")
            config["ResetGateMode"] = record.text("ResetGateMode", modes[0], modes)
        doubled = config.get("ResetGateMode") == "recurrent-bias-after-multiplication"
        arrays["Bias"] = bias(record, rows * units * (2 if doubled else 1))
        return config, arrays | _read_states(record, states, units * directions)

    return read


def _effective(site: Site) -> tuple[Array, Array]:
    """Weights of input and state, projectors multiplied into them."""
    w, r = (site.weights[name].astype(np.float64) for name in ("InputWeights", "RecurrentWeights"))
    if "InputProjector" in site.weights:
        w = w @ site.weights["InputProjector"].astype(np.float64).T
        r = r @ site.weights["OutputProjector"].astype(np.float64).T
    return w, r


def _states(site: Site, ways: int) -> dict[str, Array]:
    return {
        buffer: site.weights[name].reshape(ways, -1)
        for buffer, name in (("hidden", "HiddenState"), ("cell", "CellState"))
        if name in site.weights
    }


def _functions(site: Site) -> tuple[str, str]:
    """Activations of state and gates."""
    c = site.config
    return c.get("StateActivationFunction", "tanh"), c.get("GateActivationFunction", "sigmoid")


def _gates(w: Array, r: Array, b: Array, rb: Array, ending: str = "") -> dict[str, Array]:
    named = {"weight_ih": w, "weight_hh": r, "bias_ih": b, "bias_hh": rb}
    return {f"rnn.{name}_l0{ending}": value for name, value in named.items()}


@layer("LSTMLayer", read=_reader(4, 1, BOTH), axes={**AXES, **_states_axes(BOTH)}, rank=last_step)
@layer("BiLSTMLayer", read=_reader(4, 2, BOTH), axes={**AXES, **_states_axes(BOTH)}, rank=last_step)
@layer("LSTMProjectedLayer", read=_reader(4, 1, BOTH), axes={**PROJECTED, **_states_axes(BOTH)}, rank=last_step)
def lstm(site: Site) -> Module:
    """`nn.LSTM` in `LastOrAll`; `CellLSTM` where activations are others than PyTorch's."""
    w, r = _effective(site)
    ways = 2 if site.layer.kind == "BiLSTMLayer" else 1
    units, biases, last = r.shape[0] // (4 * ways), site.weights["Bias"], site.config.get("OutputMode") == "last"
    zeros = {name: np.zeros((ways, units), np.float32) for name in ("hidden", "cell")}
    states = _states(site, ways)
    states = {**zeros, **states} if states else {}
    state, gate = _functions(site)
    if (state, gate) != ("tanh", "sigmoid"):
        split = {name: value.reshape(ways, 4 * units, -1) for name, value in (("weight_ih", w), ("weight_hh", r))}
        text = f"CellLSTM({w.shape[1]}, {units}, {last=}, both_ways={ways == 2}, {state=}, {gate=})"
        return Module(text, {**split, "bias": biases.reshape(ways, -1), **zeros, **states})
    arrays: dict[str, Array] = {}
    for way, ending in enumerate(("", "_reverse")[:ways]):
        rows = slice(way * 4 * units, (way + 1) * 4 * units)
        arrays |= _gates(w[rows], r[rows], biases[rows], np.zeros(4 * units), ending)
    text = f"LastOrAll('LSTM', {w.shape[1]}, {units}, last={last}, both_ways={ways == 2}, states={len(states)})"
    return Module(text, {**arrays, **states})


@layer("GRULayer", read=_reader(3, 1, HIDDEN), axes={**AXES, **_states_axes(HIDDEN)}, rank=last_step)
@layer("GRUProjectedLayer", read=_reader(3, 1, HIDDEN), axes={**PROJECTED, **_states_axes(HIDDEN)}, rank=last_step)
def gru(site: Site) -> Module:
    """`nn.GRU` in `LastOrAll`; `CellGRU` for other activations, or a reset before the multiplication."""
    w, r = _effective(site)
    units, biases, last = r.shape[0] // 3, site.weights["Bias"], site.config.get("OutputMode") == "last"
    early = site.config.get("ResetGateMode", "after-multiplication") == "before-multiplication"
    b, rb = (biases, np.zeros(3 * units, np.float32)) if biases.size == 3 * units else np.split(biases, 2)
    states = _states(site, 1)
    state, gate = _functions(site)
    if early or (state, gate) != ("tanh", "sigmoid"):
        text = f"CellGRU({w.shape[1]}, {units}, {last=}, {early=}, {state=}, {gate=})"
        arrays = {"weight_ih": w, "weight_hh": r, "bias_ih": b, "bias_hh": rb}
        return Module(text, {**arrays, "hidden": np.zeros((1, units), np.float32), **states})
    text = f"LastOrAll('GRU', {w.shape[1]}, {units}, last={last}, states={len(states)})"
    return Module(text, {**_gates(w, r, b, rb), **states})


def _read_attention(record: Record) -> Read:
    refuse(record, "HasPaddingMaskInput", "HasScoresOutput")
    config = {
        "NumHeads": record.whole("NumHeads", 1)[0],
        "AttentionMask": record.text("AttentionMask", "none", ("none", "causal")),
    }
    arrays = {}
    for name in ("Query", "Key", "Value", "Output"):
        weights = record.learnable(f"{name}Weights", (None, None))
        rows = weights.shape[0]
        stored = record.array(f"{name}Bias")
        arrays[f"{name}Weights"] = weights
        arrays[f"{name}Bias"] = np.zeros(rows, np.float32) if stored is None else record.vector(f"{name}Bias", rows)
    return config, arrays


@layer("SelfAttentionLayer", read=_read_attention, axes=ATTENTION)
def self_attention(site: Site) -> Module:
    """`SelfAttention`: heads, keys and values of any width."""
    weights = site.weights
    keys, inputs = weights["KeyWeights"].shape
    outputs, values = weights["OutputWeights"].shape
    causal = site.config.get("AttentionMask") == "causal"
    state: dict[str, Array] = {}
    for name in ("Query", "Key", "Value", "Output"):
        state |= {f"{name.lower()}.weight": weights[f"{name}Weights"], f"{name.lower()}.bias": weights[f"{name}Bias"]}
    text = f"SelfAttention({inputs}, {keys}, {values}, {outputs}, heads={site.config['NumHeads']}, causal={causal})"
    return Module(text, state)
