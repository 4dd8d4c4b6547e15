"""Pooling: https://keras.io/api/layers/pooling_layers/.

Sizes and the `same` rule are those of the convolutions. Padding is never pooled
(https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2): a maximum looks at, and a mean counts,
the elements of the input only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.conv import as_configured, channels_last, padded, pads, per_axis, windows
from harness.spec import Array, Config


def pooled(config: Config, x: Array, outside: float) -> Array:
    """Windows of `x` (batch, spatial..., channels), one per last axis; padding holds the value `outside`.

    `strides` default to `pool_size`.
    """
    rank = x.ndim - 2
    size = per_axis(config["pool_size"], rank)
    strides = size if config.get("strides") is None else per_axis(config["strides"], rank)
    mode = config.get("padding", "valid")
    around = [pads(mode, n, k, s) for n, k, s in zip(x.shape[1:-1], size, strides, strict=True)]
    return windows(padded(x, around, outside), size, strides, (1,) * rank)


@oracle("keras", "MaxPooling1D", "MaxPooling2D")
def max_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Largest element of each window: https://keras.io/api/layers/pooling_layers/max_pooling2d/."""
    seen = pooled(config, channels_last(config, x), -np.inf)
    return as_configured(config, np.maximum.reduce(seen, axis=-1))


@oracle("keras", "AveragePooling2D")
def average_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Mean of each window over its elements inside the input.

    https://keras.io/api/layers/pooling_layers/average_pooling2d/
    """
    x = channels_last(config, x)
    total = np.sum(pooled(config, x, 0.0), axis=-1)
    count = np.sum(pooled(config, np.ones(x.shape), 0.0), axis=-1)
    return as_configured(config, total / count)


@oracle("keras", "GlobalAveragePooling2D")
def global_average_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Mean over all of height and width: https://keras.io/api/layers/pooling_layers/global_average_pooling2d/."""
    axes = (2, 3) if config.get("data_format") == "channels_first" else (1, 2)
    total = np.sum(x, axis=axes, keepdims=config.get("keepdims", False))
    return total / float(x.shape[axes[0]] * x.shape[axes[1]])
