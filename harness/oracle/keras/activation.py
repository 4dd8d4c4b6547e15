"""keras.activations and the activation layers: https://keras.io/api/layers/activations/.

Formulas are those of Keras' docstrings, so that they have the same rounding noise. Where a formula would overflow or
cancel in float64 too, the function computes an equal form and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import erf

from harness.oracle import oracle
from harness.spec import Array, Config

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
"""Klambauer et al., 2017, https://arxiv.org/abs/1706.02515; Keras documents eight decimals of both."""


def relu(x: Array, *, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """`max_value` where x >= max_value, x between, `negative_slope * (x - threshold)` below the threshold.

    https://keras.io/api/layers/activation_layers/relu/. A slope of zero gives zero even at -infinity.
    """
    upper = x if max_value is None else np.minimum(x, max_value)
    if threshold == 0.0 and negative_slope == 0.0:
        return np.maximum(upper, 0.0)
    lower = negative_slope * (x - threshold) if negative_slope else np.zeros(x.shape)
    return np.where(x < threshold, lower, upper)


def leaky_relu(x: Array, negative_slope: float | Array) -> Array:
    """`x` where x >= 0, `negative_slope * x` below; NaN stays NaN."""
    return np.where(x >= 0, x, negative_slope * x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """`x` where x > 0, `alpha * (exp(x) - 1)` below. The exponent is capped at 0, where its branch ends."""
    return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0.0)) - 1.0))


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`. An exp that overflows to infinity gives 0, the right limit."""
    return 1.0 / (1.0 + np.exp(-x))


def _log_one_plus(e: Array) -> Array:
    """log(1 + e) to full accuracy, with the rounding of the documented sum.

    The bracket is zero in exact arithmetic. On noisy arrays it has the rounding of `1 + e`, which log1p hides but
    implementations of the documented formula have.
    """
    return np.log1p(e) + (np.log(1.0 + e) - np.log(1.0 + e))


def softplus(x: Array) -> Array:
    """`log(exp(x) + 1)`, as `max(x, 0) + log(1 + exp(-|x|))`, which does not overflow."""
    return np.maximum(x, 0.0) + _log_one_plus(np.exp(-np.abs(x)))


def log_sigmoid(x: Array) -> Array:
    """`log(1 / (1 + exp(-x)))`, as `min(x, 0) - log(1 + exp(-|x|))`, which does not overflow."""
    return np.minimum(x, 0.0) - _log_one_plus(np.exp(-np.abs(x)))


def softmax(x: Array, axis: int | Sequence[int] = -1) -> Array:
    """`exp(x - max(x)) / sum(exp(x - max(x)))` over one axis or several together."""
    axes = axis if isinstance(axis, int) else tuple(axis)
    powers = np.exp(x - np.maximum.reduce(x, axis=axes, keepdims=True))
    return powers / np.add.reduce(powers, axis=axes, keepdims=True)


def log_softmax(x: Array) -> Array:
    """`x - max(x) - log(sum(exp(x - max(x))))` over the last axis: the logarithm of `softmax`."""
    shifted = x - np.maximum.reduce(x, axis=-1, keepdims=True)
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=-1, keepdims=True))


def sparsemax(x: Array) -> Array:
    """`max(x - tau, 0)` with the tau of Martins et al., 2016, https://arxiv.org/abs/1602.02068, algorithm 1.

    With z sorted downwards, k is the last place where `1 + k * z_k > z_1 + ... + z_k`, and
    `tau = (z_1 + ... + z_k - 1) / k`.
    """
    ordered = -np.sort(-x, axis=-1)
    sums = np.add.accumulate(ordered, axis=-1)
    places = np.arange(1, x.shape[-1] + 1)
    support = np.add.reduce(1.0 + places * ordered > sums, axis=-1, keepdims=True, dtype=np.int64)
    return np.maximum(x - (np.take_along_axis(sums, support - 1, axis=-1) - 1.0) / support, 0.0)


def glu(x: Array) -> Array:
    """`a * sigmoid(b)` where a and b are the first and second half of the last axis."""
    half = x.shape[-1] // 2
    return x[..., :half] * sigmoid(x[..., half:])


def clip(x: Array, low: float, high: float) -> Array:
    """x between two limits; NaN stays NaN."""
    return np.minimum(np.maximum(x, low), high)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": relu,
    "relu6": lambda x: relu(x, max_value=6.0),
    "leaky_relu": lambda x: leaky_relu(x, 0.2),
    "elu": elu,
    "celu": elu,  # alpha * (exp(x / alpha) - 1) is ELU at the default alpha of 1
    "selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
    "exponential": np.exp,
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: 0.5 * x * (1.0 + erf(x / np.sqrt(2.0))),
    "softplus": softplus,
    "mish": lambda x: x * np.tanh(softplus(x)),
    "softsign": lambda x: x / (np.abs(x) + 1.0),
    "squareplus": lambda x: (x + np.sqrt(np.square(x) + 4.0)) / 2.0,
    "hard_sigmoid": lambda x: clip(x / 6.0 + 0.5, 0.0, 1.0),
    "hard_silu": lambda x: x * clip(x / 6.0 + 0.5, 0.0, 1.0),
    "hard_tanh": lambda x: clip(x, -1.0, 1.0),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0.0),
    "soft_shrink": lambda x: np.where(x > 0.5, x - 0.5, np.where(x < -0.5, x + 0.5, 0.0)),
    "sparse_plus": lambda x: np.where(x <= -1, 0.0, np.where(x < 1, 0.25 * np.square(x + 1.0), x)),
    "sparse_sigmoid": lambda x: clip(0.5 * (x + 1.0), 0.0, 1.0),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "sparsemax": sparsemax,
    "glu": glu,
}
"""Every function of keras.activations that takes one tensor, at its default arguments."""

ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}


def activate(name: str | None, x: Array) -> Array:
    """The function of `keras.activations` of that name: elementwise, or over the last axis where it has an axis.

    None is linear. Raises KeyError for a name Keras does not have.
    """
    return x if name is None else FUNCTIONS[ALIASES.get(name, name)](x)


@oracle("keras", "Activation")
def activation(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """https://keras.io/api/layers/core_layers/activation/."""
    return activate(config["activation"], x)


@oracle("keras", "ReLU")
def relu_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """https://keras.io/api/layers/activation_layers/relu/."""
    return relu(
        x,
        negative_slope=config.get("negative_slope", 0.0),
        max_value=config.get("max_value"),
        threshold=config.get("threshold", 0.0),
    )


@oracle("keras", "LeakyReLU")
def leaky_relu_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Slope 0.3 by default, where the function has 0.2: https://keras.io/api/layers/activation_layers/leaky_relu/."""
    return leaky_relu(x, config.get("negative_slope", 0.3))


@oracle("keras", "PReLU")
def prelu_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`alpha * x` where x < 0; alpha has the input's shape without batch, and size 1 along `shared_axes`.

    https://keras.io/api/layers/activation_layers/prelu/
    """
    return leaky_relu(x, weights["alpha"])


@oracle("keras", "ELU")
def elu_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """https://keras.io/api/layers/activation_layers/elu/."""
    return elu(x, config.get("alpha", 1.0))


@oracle("keras", "Softmax")
def softmax_layer(config: Config, weights: Mapping[str, Array], x: Array, *, mask: Array | None = None) -> Array:
    """Over one axis, or over several together: https://keras.io/api/layers/activation_layers/softmax/.

    An element with a False `mask` has the share zero and does not count for the others.
    """
    axis = config.get("axis", -1)
    if mask is None:
        return softmax(x, axis)
    return np.where(mask, softmax(np.where(mask, x, -1e30), axis), 0.0)
