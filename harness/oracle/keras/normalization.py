"""Normalisation layers at inference: https://keras.io/api/layers/normalization_layers/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.oracle import oracle
from harness.spec import Array, Config


def _along(weight: Array, axes: Sequence[int], rank: int) -> Array:
    """A weight that spans `axes`, in rising order, reshaped to broadcast over an array of that rank."""
    spanned = sorted(axis % rank for axis in axes)
    shape = [1] * rank
    for axis, size in zip(spanned, weight.shape, strict=True):
        shape[axis] = size
    return weight.reshape(shape)


@oracle("keras", "BatchNormalization")
def batch_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta` along one axis.

    https://keras.io/api/layers/normalization_layers/batch_normalization/; `scale` and `center` off leave out
    gamma and beta.
    """
    own = {name: _along(value, [config.get("axis", -1)], x.ndim) for name, value in weights.items()}
    y = (x - own["moving_mean"]) / np.sqrt(own["moving_variance"] + config.get("epsilon", 1e-3))
    if "gamma" in own:
        y = own["gamma"] * y
    return y + own["beta"] if "beta" in own else y


@oracle("keras", "LayerNormalization")
def layer_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`; mean and variance (over n, not n - 1) of the axes.

    https://keras.io/api/layers/normalization_layers/layer_normalization/. The deprecated `rms_scaling` divides
    x itself by the same root and has no beta.
    """
    axis = config.get("axis", -1)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    count = float(np.prod([x.shape[k] for k in axes]))
    centred = x - np.add.reduce(x, axis=axes, keepdims=True) / count
    variance = np.add.reduce(np.square(centred), axis=axes, keepdims=True) / count
    y = (x if config.get("rms_scaling", False) else centred) / np.sqrt(variance + config.get("epsilon", 1e-3))
    if "gamma" in weights:
        y = y * _along(weights["gamma"], axes, x.ndim)
    return y + _along(weights["beta"], axes, x.ndim) if "beta" in weights else y
