"""Dense and Embedding: https://keras.io/api/layers/core_layers/."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.activation import activate
from harness.spec import Array, Config


@oracle("keras", "Dense")
def dense(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`activation(x @ kernel + bias)` over the last axis, whatever the rank.

    https://keras.io/api/layers/core_layers/dense/
    """
    y = np.matmul(x, weights["kernel"])
    if "bias" in weights:
        y = y + weights["bias"]
    return activate(config.get("activation"), y)


@oracle("keras", "Embedding")
def embedding(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Row x of the table; `mask_zero` marks id 0 for later layers and still looks it up.

    https://keras.io/api/layers/core_layers/embedding/
    """
    return weights["embeddings"][x]
