"""Pooling of Deep Learning Toolbox: https://www.mathworks.com/help/deeplearning/ref/maxpooling2dlayer.html and the
pages beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT, from_spatial, padded, padding, places, reduced, to_spatial, windows
from harness.spec import Array, Config


def _bordered(config: Config, x: Array, value: float) -> tuple[Array, Sequence[int], Sequence[int], Sequence[int]]:
    """The padded array, and the window, stride and dilation of the layer."""
    window = config["PoolSize"]
    ones = [1] * len(window)
    stride = config.get("Stride", ones)
    return padded(x, padding(config, x, window, stride, ones), value), window, stride, ones


@oracle(DIALECT, "MaxPooling1DLayer", "MaxPooling2DLayer", "MaxPooling3DLayer")
def max_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array | tuple[Array, ...]:
    """The largest element of each window; padding never is the largest.

    With HasUnpoolingOutputs there are two more outputs for MaxUnpooling2DLayer: the index of each maximum in its
    H x W plane, row by row from 0, and the plane's size. MATLAB's indices are linear, 1-based and column-major, but
    no other layer reads them.
    """
    x = to_spatial(x)
    bordered = _bordered(config, x, -np.inf)
    if not config.get("HasUnpoolingOutputs", False):
        return from_spatial(reduced(np.maximum.reduce, *bordered))
    seen = windows(*bordered)
    marks = np.broadcast_to(np.arange(x.shape[2] * x.shape[3]).reshape(1, 1, *x.shape[2:]), x.shape)
    at = np.asarray(windows(*_bordered(config, marks.astype(np.float64), -1.0)))
    best = np.argmax(np.asarray(seen), axis=0)[None]
    indices = np.take_along_axis(at, best, axis=0)[0].astype(np.int64)
    return np.maximum.reduce(seen, axis=0), indices, np.array(x.shape[2:], dtype=np.int64)


@oracle(DIALECT, "MaxUnpooling2DLayer")
def max_unpooling(config: Config, weights: Mapping[str, Array], x: Array, indices: Array, size: Array) -> Array:
    """Each value at its index in a plane of zeros; values with the same index are equal."""
    height, width = (int(n) for n in size)
    y = np.zeros_like(x, shape=(*x.shape[:2], height * width))
    flat, where = (a.reshape(*a.shape[:2], a.shape[2] * a.shape[3]) for a in (x, indices))
    np.put_along_axis(y, where, flat, axis=2)
    return y.reshape(*x.shape[:2], height, width)


@oracle(DIALECT, "AveragePooling1DLayer", "AveragePooling2DLayer", "AveragePooling3DLayer")
def average_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The mean of each window. Padding counts as zeros, or with PaddingValue `mean` not at all."""
    x = to_spatial(x)
    total = reduced(np.add.reduce, *_bordered(config, x, 0.0))
    if config.get("PaddingValue", 0) == "mean":
        count = reduced(np.add.reduce, *_bordered(config, np.ones((1, 1, *x.shape[2:])), 0.0))
    else:
        count = np.asarray(float(len(list(places(config["PoolSize"])))))
    return from_spatial(total / count)


def _over(reduce: np.ufunc, x: Array) -> Array:
    """Reduces sequences over time to features, and images over their plane to 1 x 1."""
    if x.ndim == 3:
        return reduce.reduce(x, axis=1)
    return reduce.reduce(x, axis=tuple(range(2, x.ndim)), keepdims=True)


@oracle(DIALECT, "GlobalAveragePooling1DLayer", "GlobalAveragePooling2DLayer", "GlobalAveragePooling3DLayer")
def global_average_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """globalAveragePooling2dLayer: the mean of each channel."""
    return _over(np.add, x) / float(x.shape[1] if x.ndim == 3 else prod(x.shape[2:]))


@oracle(DIALECT, "GlobalMaxPooling1DLayer", "GlobalMaxPooling2DLayer", "GlobalMaxPooling3DLayer")
def global_max_pooling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """globalMaxPooling2dLayer: the largest element of each channel."""
    return _over(np.maximum, x)
