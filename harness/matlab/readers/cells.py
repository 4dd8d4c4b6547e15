"""Read cells of weights with the names of activations, saved by hand: a chain of fully connected layers.

`W` and `b` (or `weights` and `biases`) hold one matrix, outputs x inputs, and one vector for each layer; `act_fcns` or
`activation_fcns` names what follows each, or holds its function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.matlab.layers import Unsupported
from harness.matlab.layers.function import simple, text_of
from harness.matlab.matfile.read import Cell
from harness.matlab.readers.records import NetworkError, UnsupportedLayers, class_of, listed, strings
from harness.matlab.readers.toolbox import DIALECT, Network
from harness.spec import Array, Input, Layer, Spec

WEIGHTS, BIASES = ("W", "weights", "Weights", "weight"), ("b", "biases", "Biases", "bias")
FUNCTIONS = (
    *("act_fcns", "activation_fcns", "act_functions", "activation_functions", "act_fcn", "activation_fcn"),
    *("activations", "act_funs", "transfer_fcns", "transfer_functions"),
)
LAYOUT = "declare a layout (docs/matlab.md) and give it by --layout."
ACTIVATIONS: Mapping[str, str] = {
    **dict.fromkeys(("linear", "purelin", "identity", "none"), ""),
    **dict.fromkeys(("sigmoid", "logsig", "sigm"), "SigmoidLayer"),
    **dict.fromkeys(("tanh", "tansig"), "TanhLayer"),
    **dict.fromkeys(("relu", "poslin"), "ReLULayer"),
    "softmax": "SoftmaxLayer",
    "softplus": "SoftplusLayer",
    **{name: name for name in ("satlin", "satlins", "radbas", "tribas", "elliotsig", "hardlim", "hardlims")},
}
"""Kind of layer by the name of an activation in lower case; empty for the linear one, which is no layer."""


def is_cells(value: Any) -> bool:
    """Whether these are cells of weights and biases: variables of a file, or fields of a struct."""
    if not isinstance(value, Mapping):
        return False
    return isinstance(_first(value, WEIGHTS), Cell) and isinstance(_first(value, BIASES), Cell)


def _first(value: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((value[name] for name in names if name in value), None)


def read_cells(where: str, value: Mapping[str, Any]) -> Network:
    """A chain of fully connected layers and activations.

    Raises NetworkError where sizes or names do not fit, UnsupportedLayers for activations that are not known.
    """
    _refuse_banks(where, _first(value, WEIGHTS))
    weights = [_numbers(where, f"W{{{k}}}", item) for k, item in enumerate(_first(value, WEIGHTS), start=1)]
    biases = [_numbers(where, f"b{{{k}}}", item) for k, item in enumerate(_first(value, BIASES), start=1)]
    names = [text.strip() for text in _functions(_first(value, FUNCTIONS))]
    if not names:
        raise NetworkError(
            "cells of weights without the names of their activations",
            where=where,
            expected=f"{', '.join(FUNCTIONS[:3])} or the like, a char matrix or a cell with one name for each layer",
            came=f"the fields {listed(value)}",
            advice=f"Add them, or {LAYOUT}",
        )
    if not len(weights) == len(biases) == len(names):
        raise NetworkError(
            "the cells differ in length",
            where=where,
            expected="as many weights as biases and activations",
            came=f"{len(weights)} weights, {len(biases)} biases and {len(names)} activations ({', '.join(names)})",
        )
    activations = _activations(where, names)
    _check_sizes(where, weights, biases)
    square = all(matrix.shape[0] == matrix.shape[1] for matrix in weights)
    notes = ("every matrix is square: they are taken as outputs x inputs",) if square else ()
    return Network("cells", *_chain(weights, biases, activations), notes)


def _functions(value: Any) -> list[str]:
    """The names of functions, or the texts of function handles."""
    if isinstance(value, Cell):
        return [text for item in value for text in _functions(item)]
    return [text_of(value)] if class_of(value) == "function_handle" else strings(value)


@dataclass(frozen=True)
class _Activation:
    """What follows a layer: its kind (empty for none), its configuration, and what its name ends with."""

    kind: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)


def _activations(where: str, names: Sequence[str]) -> list[_Activation]:
    """What follows each layer. Raises UnsupportedLayers for what is not known."""
    found, unknown = [], []
    for k, name in enumerate(names, start=1):
        if name.lower() in ACTIVATIONS:
            found.append(_Activation(ACTIVATIONS[name.lower()], name.lower()))
        elif name.startswith("@"):
            try:
                found.append(_Activation("FunctionLayer", "function", {"PredictFcn": simple(name)}))
            except Unsupported as why:
                unknown.append((name, f"layer{k}", str(why)))
        else:
            unknown.append((name, f"layer{k}", "activation"))
    if unknown:
        raise UnsupportedLayers(where, unknown)
    return found


def _chain(
    weights: Sequence[Array], biases: Sequence[Array], activations: Sequence[_Activation]
) -> tuple[Spec, dict[str, Array]]:
    layers: list[Layer] = []
    arrays: dict[str, Array] = {}
    tensor = "x"
    for k, (matrix, bias, activation) in enumerate(zip(weights, biases, activations, strict=True), start=1):
        name = f"layer{k}"
        layers.append(Layer("FullyConnectedLayer", name, {}, (tensor,)))
        arrays |= {f"{name}/Weights": _single(matrix), f"{name}/Bias": _single(bias).ravel(order="F")}
        tensor = name
        if activation.kind:
            tensor = f"{name}_{activation.name}"
            layers.append(Layer(activation.kind, tensor, activation.config, (name,)))
    return Spec(DIALECT, (Input("x", (weights[0].shape[1],)),), tuple(layers), (tensor,)), arrays


def _refuse_banks(where: str, cell: Iterable[Any]) -> None:
    """Raise NetworkError where an element has more than two axes: a bank of a convolution."""
    banks = [
        f"element {k} of {' x '.join(map(str, item.shape))}"
        for k, item in enumerate(cell, start=1)
        if isinstance(item, np.ndarray) and item.ndim > 2
    ]
    if banks:
        raise NetworkError(
            "the cells of weights hold convolutions, which say neither their strides and pads nor what their axes are",
            where=where,
            expected="matrices, outputs x inputs",
            came=", ".join(banks[:4]) + ", ..." * (len(banks) > 4),
            advice=f"For convolutions {LAYOUT}",
        )


def _numbers(where: str, what: str, value: Any) -> Array:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf" or not value.size:
        raise NetworkError(f"{what} is {class_of(value)} without numbers", where=where, expected="a matrix")
    return value


def _check_sizes(where: str, weights: Sequence[Array], biases: Sequence[Array]) -> None:
    """Raise NetworkError if the size of a layer does not fit the output of the layer before it."""
    first = weights[0]
    if first.ndim != 2:
        raise NetworkError(
            "W{1} is no matrix, and cells hold fully connected layers only",
            where=where,
            expected="2 axes",
            came=f"{first.ndim}, {list(first.shape)}",
            advice=f"For other layers {LAYOUT}",
        )
    coming = first.shape[1]
    for k, (matrix, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        if matrix.ndim != 2 or matrix.shape[1] != coming or bias.size != matrix.shape[0]:
            turned = matrix.shape[0] == coming
            raise NetworkError(
                f"layer {k} does not fit the {coming} values that come in",
                where=where,
                expected=f"W{{{k}}} of outputs x {coming} and one bias for each output",
                came=f"W{{{k}}} of {' x '.join(map(str, matrix.shape))} and b{{{k}}} of {bias.size} values",
                advice=f"If the matrices are inputs x outputs, {LAYOUT}" if turned else "",
            )
        coming = matrix.shape[0]


def _single(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.float32)
