"""Dense: https://keras.io/api/layers/core_layers/dense/."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.activation import activate
from harness.spec import Array, Config


@oracle("keras", "Dense")
def dense(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`activation(x @ kernel + bias)` over the last axis, whatever the rank."""
    y = np.matmul(x, weights["kernel"])
    if "bias" in weights:
        y = y + weights["bias"]
    return activate(config.get("activation"), y)
