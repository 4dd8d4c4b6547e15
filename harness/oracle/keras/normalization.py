"""Normalisation layers at inference: https://keras.io/api/layers/normalization_layers/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.oracle import oracle, semantics
from harness.oracle.keras.merging import unit_length
from harness.spec import Array, Config


def _along(weight: Array, axes: Sequence[int], rank: int) -> Array:
    """The weight, which spans `axes` in rising order, reshaped to broadcast over an array of that rank."""
    spanned = sorted(axis % rank for axis in axes)
    shape = [1] * rank
    for axis, size in zip(spanned, weight.shape, strict=True):
        shape[axis] = size
    return weight.reshape(shape)


@oracle("keras", "BatchNormalization")
def batch_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta` along one axis.

    https://keras.io/api/layers/normalization_layers/batch_normalization/. Without `scale` there is no gamma, without
    `center` no beta.
    """
    along = {name: _along(value, [config.get("axis", -1)], x.ndim) for name, value in weights.items()}
    y = (x - along["moving_mean"]) / np.sqrt(along["moving_variance"] + config.get("epsilon", 1e-3))
    if "gamma" in along:
        y = along["gamma"] * y
    return y + along["beta"] if "beta" in along else y


@oracle("keras", "LayerNormalization")
def layer_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`, mean and variance (divided by n) over `axis`.

    https://keras.io/api/layers/normalization_layers/layer_normalization/. The deprecated `rms_scaling` divides
    x instead of `x - mean` by the same root and has no beta.
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


@oracle("keras", "GroupNormalization")
def group_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`, mean and variance over a group of channels and all positions.

    https://keras.io/api/layers/normalization_layers/group_normalization/. With `groups` of -1 each channel is a
    group.
    """
    axis = config.get("axis", -1) % x.ndim
    channels = x.shape[axis]
    groups = channels if config.get("groups", 32) == -1 else config.get("groups", 32)
    y = np.moveaxis(x, axis, 1)
    y = y.reshape(y.shape[0], groups, channels // groups * int(np.prod(y.shape[2:])))
    count = float(y.shape[2])
    centred = y - np.add.reduce(y, axis=2, keepdims=True) / count
    variance = np.add.reduce(np.square(centred), axis=2, keepdims=True) / count
    y = centred / np.sqrt(variance + config.get("epsilon", 1e-3))
    rest = [n for k, n in enumerate(x.shape) if k not in (0, axis)]
    y = np.moveaxis(y.reshape(x.shape[0], channels, *rest), 1, axis)
    if "gamma" in weights:
        y = y * _along(weights["gamma"], [axis], x.ndim)
    return y + _along(weights["beta"], [axis], x.ndim) if "beta" in weights else y


@oracle("keras", "RMSNormalization")
def rms_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x / sqrt(mean(x^2) + epsilon) * scale` over the axis or axes.

    https://keras.io/api/layers/normalization_layers/rms_normalization/
    """
    axis = config.get("axis", -1)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    count = float(np.prod([x.shape[k] for k in axes]))
    mean = np.add.reduce(np.square(x), axis=axes, keepdims=True) / count
    return x / np.sqrt(mean + config.get("epsilon", 1e-6)) * _along(weights["scale"], axes, x.ndim)


@oracle("keras", "UnitNormalization")
def unit_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Euclidean length 1 along the axis or axes.

    https://keras.io/api/layers/normalization_layers/unit_normalization/
    """
    axis = config.get("axis", -1)
    return unit_length(x, axis if isinstance(axis, int) else tuple(axis))


@oracle("keras", "SpectralNormalization")
def spectral_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The wrapped layer with its stored kernel, which training has already divided by the spectral norm.

    https://keras.io/api/layers/normalization_layers/spectral_normalization/
    """
    layer = config["layer"]
    layer_weights = {name: value for name, value in weights.items() if name != "vector_u"}
    y = semantics("keras", layer["kind"])(layer["config"], layer_weights, x)
    assert not isinstance(y, tuple)
    return y
