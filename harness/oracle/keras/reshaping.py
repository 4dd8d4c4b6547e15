"""Layers that move, pad, crop or resize: https://keras.io/api/layers/reshaping_layers/."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from harness.oracle import oracle
from harness.spec import Array, Config


def _is_first(config: Config) -> bool:
    return bool(config.get("data_format", "channels_last") == "channels_first")


@oracle("keras", "Flatten")
def flatten(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Joins all axes but the batch, in the order of channels_last for either data format.

    https://keras.io/api/layers/reshaping_layers/flatten/. A sample that is one number becomes a vector of one.
    """
    y = np.moveaxis(x, 1, -1) if _is_first(config) and x.ndim > 1 else x
    return y.reshape(y.shape[0], int(np.prod(y.shape[1:])))


@oracle("keras", "Reshape")
def reshape(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Row-major reshape of each sample; one size may be -1: https://keras.io/api/layers/reshaping_layers/reshape/."""
    target = list(config["target_shape"])
    if -1 in target:  # NumPy cannot infer it from an empty batch
        target[target.index(-1)] = int(np.prod(x.shape[1:])) // -int(np.prod(target))
    return x.reshape(x.shape[0], *target)


@oracle("keras", "Permute")
def permute(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Output axis k is input axis `dims[k - 1]`, counted from 1: https://keras.io/api/layers/reshaping_layers/permute/."""
    return np.transpose(x, (0, *config["dims"]))


def _sides(value: Any, rank: int) -> list[tuple[int, int]]:
    """(before, after) of each spatial axis from one int, one per axis, or two per axis; (left, right) in 1D."""
    if isinstance(value, int):
        return [(value, value)] * rank
    if rank == 1:
        before, after = value
        return [(before, after)]
    return [(part, part) if isinstance(part, int) else (part[0], part[1]) for part in value]


@oracle("keras", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Zeros around the spatial axes: https://keras.io/api/layers/reshaping_layers/zero_padding2d/."""
    spatial = _sides(config.get("padding", 1), x.ndim - 2)
    return np.pad(x, [(0, 0), (0, 0), *spatial] if _is_first(config) else [(0, 0), *spatial, (0, 0)])


CROPPING = {3: 1, 4: 0, 5: 1}
"""Documented default of `cropping` by the input's rank: none in 2D, one element on each side in 1D and 3D."""


@oracle("keras", "Cropping1D", "Cropping2D", "Cropping3D")
def cropping(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Removes elements on each side: https://keras.io/api/layers/reshaping_layers/cropping2d/."""
    sides = _sides(config.get("cropping", CROPPING[x.ndim]), x.ndim - 2)
    first = 2 if _is_first(config) else 1
    inner = (slice(low, x.shape[first + k] - high) for k, (low, high) in enumerate(sides))
    return x[(*(slice(None),) * first, *inner)]


@oracle("keras", "RepeatVector")
def repeat_vector(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """(batch, features) to (batch, n, features): https://keras.io/api/layers/reshaping_layers/repeat_vector/."""
    return np.repeat(x[:, None], config["n"], axis=1)


@oracle("keras", "UpSampling1D", "UpSampling3D")
def repeat_samples(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Repeats each element along its axis: https://keras.io/api/layers/reshaping_layers/up_sampling3d/."""
    size = config.get("size", 2)
    rank = x.ndim - 2
    for axis, count in enumerate((size,) * rank if isinstance(size, int) else size):
        x = np.repeat(x, count, axis=axis + (2 if _is_first(config) else 1))
    return x


def linear_weight(distance: Array) -> Array:
    """Triangle of half-width 1: the kernel of bilinear interpolation."""
    return np.maximum(1.0 - np.abs(distance), 0.0)


def cubic_weight(distance: Array) -> Array:
    """Keys' cubic kernel with a = -1/2 (Catmull-Rom), as https://www.tensorflow.org/api_docs/python/tf/image/resize."""
    d = np.abs(distance)
    near = (1.5 * d - 2.5) * d * d + 1.0
    far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def enlarging_matrix(kernel: Callable[[Array], Array], length: int, factor: int) -> Array:
    """(length * factor, length) weights of an enlargement with half-pixel centres.

    Output pixel i lies at `(i + 1/2) / factor - 1/2` of the input. Only pixels of the input count, with weights
    scaled to sum to 1; for the triangle this equals a repeated border.
    """
    places = (np.arange(length * factor) + 0.5) / factor - 0.5
    weights = kernel(places[:, None] - np.arange(length)[None, :])
    return weights / np.add.reduce(weights, axis=1, keepdims=True)


@oracle("keras", "UpSampling2D")
def up_sampling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Repeats rows and columns (`nearest`), or interpolates between half-pixel centres without antialiasing.

    https://keras.io/api/layers/reshaping_layers/up_sampling2d/
    """
    size = config.get("size", 2)
    rows, columns = (size, size) if isinstance(size, int) else size
    image = x if _is_first(config) else np.moveaxis(x, -1, 1)
    method = config.get("interpolation", "nearest")
    if method == "nearest":
        image = np.repeat(np.repeat(image, rows, axis=2), columns, axis=3)
    else:
        kernel = {"bilinear": linear_weight, "bicubic": cubic_weight}[method]
        image = np.matmul(enlarging_matrix(kernel, image.shape[2], rows), image)
        image = np.matmul(image, enlarging_matrix(kernel, image.shape[3], columns).T)
    return image if _is_first(config) else np.moveaxis(image, 1, -1)
