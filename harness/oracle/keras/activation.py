"""keras.activations and the activation layers: https://keras.io/api/layers/activations/."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import erf

from harness.spec import Array

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "gelu": lambda x: 0.5 * x * (1.0 + erf(x / np.sqrt(2.0))),
}


def activate(name: str | None, x: Array) -> Array:
    """The activation function of that name applied elementwise (softmax over the last axis)."""
    return x if name is None else FUNCTIONS[name](x)
