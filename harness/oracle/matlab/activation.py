"""Activations of Deep Learning Toolbox, and the equal transfer functions of shallow networks:
https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import erf

from harness.oracle import oracle
from harness.oracle.matlab.recurrent import sigmoid
from harness.oracle.matlab.shapes import DIALECT, channel_axis, per_channel
from harness.spec import Array, Config


@oracle(DIALECT, "ReLULayer", "poslin")
def relu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The larger of x and 0."""
    return np.maximum(x, 0.0)


@oracle(DIALECT, "LeakyReLULayer")
def leaky_relu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Negative elements times Scale."""
    return np.where(x >= 0, x, config.get("Scale", 0.01) * x)


@oracle(DIALECT, "ClippedReLULayer")
def clipped_relu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Between 0 and Ceiling."""
    return np.minimum(np.maximum(x, 0.0), config["Ceiling"])


@oracle(DIALECT, "ELULayer")
def elu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`Alpha (exp(x) - 1)` where x is negative."""
    return np.where(x >= 0, x, config.get("Alpha", 1.0) * np.expm1(np.minimum(x, 0.0)))


@oracle(DIALECT, "PReLULayer")
def prelu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Negative elements times the slope of their channel."""
    return np.where(x >= 0, x, per_channel(weights["Alpha"], x.ndim) * x)


@oracle(DIALECT, "TanhLayer", "tansig")
def tanh(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


@oracle(DIALECT, "SigmoidLayer", "logsig")
def sigmoid_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`1 / (1 + exp(-x))`."""
    return sigmoid(x)


@oracle(DIALECT, "SwishLayer")
def swish(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x sigmoid(x)`."""
    return x * sigmoid(x)


@oracle(DIALECT, "SoftplusLayer")
def softplus(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`log(1 + exp(x))`."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@oracle(DIALECT, "GELULayer")
def gelu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x/2 (1 + erf(x / sqrt 2))`, or with Approximation `tanh` `x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`."""
    if config.get("Approximation", "none") == "tanh":
        return 0.5 * x * (1.0 + np.tanh(float(np.sqrt(2.0 / np.pi)) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + erf(x / float(np.sqrt(2.0))))


@oracle(DIALECT, "SoftmaxLayer", "softmax")
def softmax(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`exp(x - max(x)) / sum(exp(x - max(x)))` over the channels."""
    axis = channel_axis(x.ndim)
    powers = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return powers / np.add.reduce(powers, axis=axis, keepdims=True)
