"""Shallow networks: transfer functions, and processing of inputs and outputs.

https://www.mathworks.com/help/deeplearning/ref/tansig.html and the pages beside it. Features are N x C; a setting has
one value per feature, which is a row in MATLAB.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config


@oracle(DIALECT, "satlin")
def satlin(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Between 0 and 1."""
    return np.minimum(np.maximum(x, 0.0), 1.0)


@oracle(DIALECT, "satlins")
def satlins(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Between -1 and 1."""
    return np.minimum(np.maximum(x, -1.0), 1.0)


@oracle(DIALECT, "radbas")
def radbas(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`exp(-x^2)`."""
    return np.exp(-(x * x))


@oracle(DIALECT, "tribas")
def tribas(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`1 - |x|`, and no less than 0."""
    return np.maximum(1.0 - np.abs(x), 0.0)


@oracle(DIALECT, "elliotsig")
def elliotsig(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x / (1 + |x|)`."""
    return x / (1.0 + np.abs(x))


@oracle(DIALECT, "hardlim")
def hardlim(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """1 where x >= 0, else 0."""
    return np.where(x >= 0, 1.0, 0.0)


@oracle(DIALECT, "hardlims")
def hardlims(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """1 where x >= 0, else -1."""
    return np.where(x >= 0, 1.0, -1.0)


@oracle(DIALECT, "mapminmax", "mapstd")
def mapped(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`(x - xoffset) gain + y`, y being ymin of mapminmax and ymean of mapstd."""
    return (x - weights["xoffset"]) * weights["gain"] + config["y"]


@oracle(DIALECT, "mapminmax_reverse", "mapstd_reverse")
def unmapped(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`(x - y) / gain + xoffset`."""
    return (x - config["y"]) / weights["gain"] + weights["xoffset"]


@oracle(DIALECT, "removeconstantrows")
def without_rows(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The features `keep`, counted from 1."""
    return x[:, np.array(config["keep"]) - 1]


@oracle(DIALECT, "removeconstantrows_reverse")
def with_rows(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Restores the constants `value` at the features `remove`, counted from 1."""
    y = np.zeros_like(x, shape=(x.shape[0], len(config["keep"]) + len(config["remove"])))
    y[:, np.array(config["keep"]) - 1] = x
    y[:, np.array(config["remove"], dtype=int) - 1] = weights["value"]
    return y
