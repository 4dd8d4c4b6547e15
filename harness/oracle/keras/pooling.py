"""Pooling: https://keras.io/api/layers/pooling_layers/.

Sizes and the `same` rule are those of the convolutions. Maxima and means are over elements of the input, never over
padding (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.conv import as_configured, channels_last, padded, pads, per_axis, windows
from harness.spec import Array, Config


def pooled(config: Config, x: Array, outside: float) -> Array:
    """Windows of `x` (batch, spatial..., channels) along a new last axis; padding has the value `outside`.

    `strides` default to `pool_size`.
    """
    rank = x.ndim - 2
    size = per_axis(config["pool_size"], rank)
    strides = size if config.get("strides") is None else per_axis(config["strides"], rank)
    mode = config.get("padding", "valid")
    around = [pads(mode, n, k, s) for n, k, s in zip(x.shape[1:-1], size, strides, strict=True)]
    return windows(padded(x, around, outside), size, strides, (1,) * rank)


@oracle("keras", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D")
def max_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Largest element of each window: https://keras.io/api/layers/pooling_layers/max_pooling2d/."""
    seen = pooled(config, channels_last(config, x), -np.inf)
    return as_configured(config, np.maximum.reduce(seen, axis=-1))


@oracle("keras", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D")
def average_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Mean of the elements of each window that are inside the input.

    https://keras.io/api/layers/pooling_layers/average_pooling2d/
    """
    x = channels_last(config, x)
    total = np.sum(pooled(config, x, 0.0), axis=-1)
    count = np.sum(pooled(config, np.ones(x.shape), 0.0), axis=-1)
    return as_configured(config, total / count)


def _spatial(config: Config, x: Array) -> tuple[int, ...]:
    """Numbers of the spatial axes."""
    first = 2 if config.get("data_format") == "channels_first" else 1
    return tuple(range(first, first + x.ndim - 2))


@oracle("keras", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")
def global_average_pooling(
    config: Config, weights: Mapping[str, Array], x: Array, *, mask: Array | None = None
) -> Array:
    """Mean over all positions: https://keras.io/api/layers/pooling_layers/global_average_pooling1d/.

    In 1D the mean skips the steps that are False in `mask`, of shape (batch, steps).
    """
    axes, keep = _spatial(config, x), config.get("keepdims", False)
    if mask is None:
        return np.add.reduce(x, axis=axes, keepdims=keep) / float(np.prod([x.shape[k] for k in axes]))
    seen = np.expand_dims(np.asarray(mask), 1 if axes == (2,) else 2)
    count = np.add.reduce(seen.astype(float), axis=axes, keepdims=keep)
    return np.add.reduce(np.where(seen, x, 0.0), axis=axes, keepdims=keep) / count


@oracle("keras", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D")
def global_max_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Maximum over all positions: https://keras.io/api/layers/pooling_layers/global_max_pooling2d/."""
    return np.maximum.reduce(x, axis=_spatial(config, x), keepdims=config.get("keepdims", False))


def adaptive(config: Config, x: Array, reduce: Callable[[Array, int], Array]) -> Array:
    """Reduces n elements to m = `output_size`, axis by axis.

    Output i reduces the elements from `floor(i * n / m)` up to `ceil((i + 1) * n / m)`:
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html. Keras adopts the name and the
    meaning without a formula for the windows.
    """
    axes = _spatial(config, x)
    for axis, count in zip(axes, per_axis(config["output_size"], len(axes)), strict=True):
        size = x.shape[axis]
        bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        x = np.concatenate([reduce(np.take(x, range(*bound), axis=axis), axis) for bound in bounds], axis=axis)
    return x


@oracle("keras", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D")
def adaptive_average_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Mean of each window: https://keras.io/api/layers/pooling_layers/adaptive_average_pooling2d/."""
    return adaptive(config, x, lambda part, axis: np.add.reduce(part, axis=axis, keepdims=True) / part.shape[axis])


@oracle("keras", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D")
def adaptive_max_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Largest element of each window: https://keras.io/api/layers/pooling_layers/adaptive_max_pooling2d/."""
    return adaptive(config, x, lambda part, axis: np.maximum.reduce(part, axis=axis, keepdims=True))
