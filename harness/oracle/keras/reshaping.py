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
    """All axes but the batch as one, in the order of channels_last whatever the data format.

    https://keras.io/api/layers/reshaping_layers/flatten/
    """
    y = np.moveaxis(x, 1, -1) if _is_first(config) else x
    return y.reshape(y.shape[0], -1)


@oracle("keras", "Reshape")
def reshape(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Row-major, the batch kept, one -1 inferred: https://keras.io/api/layers/reshaping_layers/reshape/."""
    return x.reshape(x.shape[0], *config["target_shape"])


@oracle("keras", "Permute")
def permute(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Output axis k is input axis `dims[k - 1]`, counted from 1: https://keras.io/api/layers/reshaping_layers/permute/."""
    return np.transpose(x, (0, *config["dims"]))


def _sides(value: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """((top, bottom), (left, right)) from an int, (height, width) or the four."""
    if isinstance(value, int):
        return (value, value), (value, value)
    height, width = ((part, part) if isinstance(part, int) else tuple(part) for part in value)
    return height, width


@oracle("keras", "ZeroPadding2D")
def zero_padding(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Zeros around height and width: https://keras.io/api/layers/reshaping_layers/zero_padding2d/."""
    spatial = _sides(config.get("padding", 1))
    return np.pad(x, ((0, 0), (0, 0), *spatial) if _is_first(config) else ((0, 0), *spatial, (0, 0)))


@oracle("keras", "Cropping2D")
def cropping(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Rows and columns taken away on each side: https://keras.io/api/layers/reshaping_layers/cropping2d/."""
    (top, bottom), (left, right) = _sides(config.get("cropping", 0))
    height, width = x.shape[2:] if _is_first(config) else x.shape[1:3]
    inner = (slice(top, height - bottom), slice(left, width - right))
    return x[(slice(None), slice(None), *inner) if _is_first(config) else (slice(None), *inner)]


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

    Output pixel i lies at `(i + 1/2) / factor - 1/2` of the input. Pixels outside do not count and the weights of
    the others are scaled to sum to 1; for the triangle that is the same as repeating the border.
    """
    places = (np.arange(length * factor) + 0.5) / factor - 0.5
    weights = kernel(places[:, None] - np.arange(length)[None, :])
    return weights / np.add.reduce(weights, axis=1, keepdims=True)


@oracle("keras", "UpSampling2D")
def up_sampling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Rows and columns repeated (`nearest`), or interpolated between half-pixel centres without antialiasing.

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
