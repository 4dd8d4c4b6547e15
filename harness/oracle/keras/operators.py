"""Operators of keras.ops between the layers of a model: https://keras.io/api/ops/numpy/.

`x * 2 + 1` in a functional model is two layers of kinds `ops.Multiply` and `ops.Add`. Their configuration has the
`operands` in order, None for a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from harness.oracle import oracle
from harness.spec import Array, Config

ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "Absolute": np.absolute,
    "Add": np.add,
    "Cos": np.cos,
    "Divide": np.true_divide,
    "Equal": np.equal,
    "Exp": np.exp,
    "Expm1": np.expm1,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "Log": np.log,
    "Log1p": np.log1p,
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
    "LogicalOr": np.logical_or,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Multiply": np.multiply,
    "Negative": np.negative,
    "NotEqual": np.not_equal,
    "Power": np.power,
    "Sin": np.sin,
    "Sqrt": np.sqrt,
    "Square": np.square,
    "Subtract": np.subtract,
    "Tanh": np.tanh,
    "TrueDivide": np.true_divide,
}


def _register(name: str, function: Callable[..., Any]) -> None:
    @oracle("keras", f"ops.{name}")
    def operator(config: Config, weights: Mapping[str, Array], *tensors: Array) -> Array:
        waiting = iter(tensors)
        operands = [next(waiting) if value is None else value for value in config["operands"]]
        result: Array = function(*operands)
        return result


for _name, _function in ELEMENTWISE.items():
    _register(_name, _function)


@oracle("keras", "ops.GetItem")
def get_item(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Basic indexing (https://keras.io/api/ops/core/, and NumPy's documentation, "Indexing on ndarrays")."""
    return x[_index(config["operands"][1])]


def _index(value: Any) -> Any:
    """An index of its description as data: a list, or numbers, "..." and `{"slice": [start, stop, step]}`."""
    if isinstance(value, list):
        return tuple(_index(each) for each in value)
    if isinstance(value, Mapping):
        return slice(*value["slice"])
    return ... if value == "..." else value
