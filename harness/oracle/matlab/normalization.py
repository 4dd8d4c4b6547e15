"""Normalisation of Deep Learning Toolbox: https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.batchnormalizationlayer.html
and the pages beside it; the axes of the reductions follow MathWorks' exporter to TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT, channel_axis, per_channel
from harness.spec import Array, Config


def _normalized(x: Array, axes: Sequence[int], epsilon: float) -> Array:
    count = float(np.prod([x.shape[axis] for axis in axes]))
    mean = np.add.reduce(x, axis=tuple(axes), keepdims=True) / count
    away = x - mean
    variance = np.add.reduce(np.square(away), axis=tuple(axes), keepdims=True) / count
    return away / np.sqrt(variance + epsilon)


def _affine(y: Array, weights: Mapping[str, Array]) -> Array:
    return y * per_channel(weights["Scale"], y.ndim) + per_channel(weights["Offset"], y.ndim)


@oracle(DIALECT, "BatchNormalizationLayer")
def batch_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """At inference `(x - TrainedMean) / sqrt(TrainedVariance + Epsilon) * Scale + Offset`, per channel."""
    mean, variance = (per_channel(weights[name], x.ndim) for name in ("TrainedMean", "TrainedVariance"))
    return _affine((x - mean) / np.sqrt(variance + config.get("Epsilon", 1e-5)), weights)


@oracle(DIALECT, "LayerNormalizationLayer")
def layer_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Over channels (`channel-only`), over plane and channels (`spatial-channel`), or over all axes but the batch
    (`batch-excluded`); `auto` is `spatial-channel` for images, else `channel-only`. Scale and Offset: per channel."""
    mode = config.get("OperationDimension", "auto")
    spatial = x.ndim > 3 and mode in ("auto", "spatial-channel")
    axes = range(1, x.ndim) if spatial or mode == "batch-excluded" else (channel_axis(x.ndim),)
    return _affine(_normalized(x, tuple(axes), config.get("Epsilon", 1e-5)), weights)


@oracle(DIALECT, "GroupNormalizationLayer")
def group_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Over groups of channels and all spatial and time axes; `all-channels` is one group, `channel-wise` one each."""
    moved = np.moveaxis(x, channel_axis(x.ndim), 1)
    channels = moved.shape[1]
    number = config["NumGroups"]
    groups: int = {"all-channels": 1, "channel-wise": channels}.get(number) or number
    split = moved.reshape(moved.shape[0], groups, math.prod(moved.shape[1:]) // groups)
    y = _normalized(split, (2,), config.get("Epsilon", 1e-5)).reshape(moved.shape)
    return _affine(np.moveaxis(y, 1, channel_axis(x.ndim)), weights)


@oracle(DIALECT, "InstanceNormalizationLayer")
def instance_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Over all spatial and time axes of each channel."""
    axes = [axis for axis in range(1, x.ndim) if axis != channel_axis(x.ndim)]
    return _affine(_normalized(x, axes, config.get("Epsilon", 1e-5)), weights)


@oracle(DIALECT, "CrossChannelNormalizationLayer")
def cross_channel_normalization(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x / (K + Alpha * ss / w)^Beta` with w = WindowChannelSize; ss is the sum of squares over the channel,
    floor((w-1)/2) channels before it and floor(w/2) after it."""
    size = config["WindowChannelSize"]
    squares = np.pad(np.square(x), ((0, 0), ((size - 1) // 2, size // 2), (0, 0), (0, 0)))
    total = np.add.reduce(np.stack([squares[:, k : k + x.shape[1]] for k in range(size)]), axis=0)
    scale = config.get("K", 2) + config.get("Alpha", 1e-4) * total / size
    return x / np.power(scale, config.get("Beta", 0.75))
