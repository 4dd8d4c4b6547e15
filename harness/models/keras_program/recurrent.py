"""Recurrent layers, and the wrappers around layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.models.keras_program.activation import activation
from harness.models.keras_program.weighted import linear
from harness.models.keras_program.writers import Part, Site, Unwritten, around, chain, layer, real, wrapped
from harness.oracle import part
from harness.spec import Array


@dataclass(frozen=True)
class Cell:
    """A recurrent layer: PyTorch's module with its options, the step of `blocks.py`, and the number of states."""

    module: str
    step: str
    states: int = 1
    usual: tuple[tuple[str, str], ...] = (("tanh", "sigmoid"),)
    """Activations, of state and gate, that PyTorch's module has."""


LSTM = Cell("nn.LSTM({}, {}{}, batch_first=True)", "LSTMStep", 2)
GRU = Cell("nn.GRU({}, {}{}, batch_first=True)", "GRUStep")
EARLY_GRU = Cell("", "EarlyGRUStep", usual=())
SIMPLE = Cell("nn.RNN({}, {}{}, batch_first=True)", "SimpleStep")


def reset_first(array: Array) -> Array:
    """Rows by gate, Keras' z, r, h as PyTorch's r, z, n."""
    z, r, h = np.split(array, 3)
    return np.concatenate([r, z, h])


def cell_of(site: Site) -> tuple[Cell, dict[str, Array]]:
    """The cell of a layer, and PyTorch's weights by their names without number."""
    weights = site.weights
    bias = weights.get("bias")
    arrays = {"weight_ih": weights["kernel"].T, "weight_hh": weights["recurrent_kernel"].T}
    if site.kind != "GRU":
        both = {} if bias is None else {"bias_ih": bias, "bias_hh": np.zeros_like(bias)}
        return (LSTM if site.kind == "LSTM" else SIMPLE), arrays | both
    after = site.config.get("reset_after", True)
    if bias is not None:
        outer, inner = (bias[0], bias[1]) if after else (bias, np.zeros_like(bias))
        arrays |= {"bias_ih": outer, "bias_hh": inner}
    return (GRU if after else EARLY_GRU), {name: reset_first(value) for name, value in arrays.items()}


@layer("LSTM", "GRU", "SimpleRNN")
def _recurrent(site: Site) -> Part:
    config = site.config
    cell, arrays = cell_of(site)
    names = config.get("activation", "tanh"), config.get("recurrent_activation", "sigmoid")
    asked = {
        "sequences": config.get("return_sequences"),
        "backwards": config.get("go_backwards"),
        "states": config.get("return_state"),
        "blank": site.masked and config.get("zero_output_for_mask"),
    }
    said = "".join(f", {name}=True" for name, value in asked.items() if value)
    units, inputs = arrays["weight_hh"].shape[1], arrays["weight_ih"].shape[1]
    count = 1 + (cell.states if asked["states"] else 0)
    if names in cell.usual and not site.masked:
        without = "" if "bias_ih" in arrays else ", bias=False"
        text = f"Recurrent({cell.module.format(inputs, units, without)}{said})"
        return Part(text, {f"rnn.{name}_l0": value for name, value in arrays.items()}, count)
    state, gate = (chain(*(activation(name) or [Part("nn.Identity()")])) for name in names)
    seen = linear(arrays["weight_ih"].T, arrays.get("bias_ih"))
    inner = arrays.get("bias_hh") if cell is GRU else None  # of the others it is zero
    back = linear(arrays["weight_hh"].T, inner)
    text = f"Stepwise({cell.step}({', '.join(each.text for each in (seen, back, state, gate))}){said})"
    return Part(text, seen.under("cell.seen") | back.under("cell.back"), count)


@layer("Bidirectional")
def _bidirectional(site: Site) -> Part:
    config = site.config
    first = config["layer"]
    if first["kind"] not in ("LSTM", "GRU", "SimpleRNN"):
        raise Unwritten(f"around {first['kind']}")
    sequences = bool(first["config"].get("return_sequences", False))
    turned = {**first["config"], "go_backwards": not first["config"].get("go_backwards", False)}
    second = config.get("backward_layer") or {"kind": first["kind"], "config": turned}
    ahead, back = (
        wrapped(
            {**each, "config": {**each["config"], "zero_output_for_mask": sequences}},
            part(site.weights, name),
            masked=site.masked,
        )
        for each, name in ((first, "forward"), (second, "backward"))
    )
    merge = config.get("merge_mode", "concat")
    if merge not in ("concat", "sum", "mul", "ave", None):
        raise Unwritten(f"merge_mode {merge!r}")
    text = f"BothWays({ahead.text}, {back.text}, merge={merge!r}{', sequences=True' * sequences})"
    count = ahead.outputs + back.outputs - 1 + (merge is None)
    return Part(text, ahead.under("ahead") | back.under("back"), count)


@layer("Masking")
def _masking(site: Site) -> Part:
    return Part(f"BlankSteps({real(site.config, 'mask_value', 0.0)})")


MASKLESS = ("Activation", "BatchNormalization", "Dense", "Dropout", "ELU", "Flatten", "LayerNormalization", "ReLU")
"""Layers that do the same on masked steps as on others."""


@layer("TimeDistributed")
def _time_distributed(site: Site) -> Part:
    inner = site.config["layer"]
    if site.masked and inner["kind"] in (
        "LSTM",
        "GRU",
        "SimpleRNN",
        "Bidirectional",
        "GlobalAveragePooling1D",
        "Softmax",
    ):
        raise Unwritten(f"around {inner['kind']}, behind a mask")
    return around("EachStep({})", wrapped(inner, site.weights))


@layer("Sequential")
def _sequential(site: Site) -> Part:
    """A Sequential within a wrapper; one that is a layer of a model is written out before."""
    layers = site.config["layers"]
    if any(each["kind"] == "Masking" or each["config"].get("mask_zero") for each in layers):
        raise Unwritten("with a mask of its own")
    return chain(*(wrapped(each, part(site.weights, str(place))) for place, each in enumerate(layers)))
