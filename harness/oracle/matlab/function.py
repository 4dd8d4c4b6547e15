"""Layers that apply a function of the user's: https://www.mathworks.com/help/deeplearning/ref/functionlayer.html."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.oracle import oracle
from harness.oracle.matlab.formula import parse, value_of
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config


@oracle(DIALECT, "FunctionLayer")
def function(config: Config, weights: Mapping[str, Array], x: Array) -> Any:
    """The formula in PredictFcn, element by element."""
    return value_of(parse(config["PredictFcn"]), x)
