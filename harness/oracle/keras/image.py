"""Layers that crop, resize and stretch images.

https://keras.io/api/layers/preprocessing_layers/image_preprocessing/
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle, part, semantics
from harness.oracle.keras.reshaping import cubic_weight, linear_weight
from harness.spec import Array, Config


def resizing_matrix(method: str, length: int, wanted: int, *, antialias: bool = False) -> Array:
    """(wanted, length) weights that resize one axis, with half-pixel centres.

    Output pixel i lies at `(i + 1/2) * length / wanted - 1/2`. `nearest` takes the pixel whose cell contains it.
    Other methods weigh pixels by a kernel, scaled to sum to 1 over the pixels of the image; with `antialias` the
    kernel of a shrinking image is wider by the factor: https://www.tensorflow.org/api_docs/python/tf/image/resize.
    """
    if method == "nearest":
        nearest = ((2 * np.arange(wanted) + 1) * length) // (2 * wanted)
        return (nearest[:, None] == np.arange(length)[None, :]).astype(float)
    places = (np.arange(wanted) + 0.5) * length / wanted - 0.5
    wide = max(length / wanted, 1.0) if antialias else 1.0
    distance = (places[:, None] - np.arange(length)[None, :]) / wide
    weights = {"bilinear": linear_weight, "bicubic": cubic_weight}[method](distance)
    return weights / np.add.reduce(weights, axis=1, keepdims=True)


def resized(image: Array, size: tuple[int, int], method: str, *, antialias: bool = False) -> Array:
    """Resizes (batch, channels, height, width) to the height and width of `size`."""
    if method == "nearest":
        rows, columns = (
            ((2 * np.arange(n) + 1) * image.shape[axis]) // (2 * n) for axis, n in zip((2, 3), size, strict=True)
        )
        return image[:, :, rows][:, :, :, columns]
    image = np.matmul(resizing_matrix(method, image.shape[2], size[0], antialias=antialias), image)
    return np.matmul(image, resizing_matrix(method, image.shape[3], size[1], antialias=antialias).T)


def largest_window(image: Array, size: tuple[int, int]) -> Array:
    """The largest window in the middle of the image with the aspect ratio of `size`."""
    height, width = image.shape[2:]
    rows = max(min(height, width * size[0] // size[1]), 1)
    columns = max(min(width, height * size[1] // size[0]), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[:, :, top : top + rows, left : left + columns]


def framed(image: Array, size: tuple[int, int], value: float) -> Array:
    """The image with the smallest frame of `value` that gives it the aspect ratio of `size`."""
    height, width = image.shape[2:]
    down = (max(height, width * size[0] // size[1]) - height) // 2
    across = (max(width, height * size[1] // size[0]) - width) // 2
    return np.pad(image, ((0, 0), (0, 0), (down, down), (across, across)), constant_values=value)


def _first(config: Config, x: Array) -> Array:
    return x if config.get("data_format") == "channels_first" else np.moveaxis(x, -1, 1)


def _back(config: Config, y: Array) -> Array:
    return y if config.get("data_format") == "channels_first" else np.moveaxis(y, 1, -1)


@oracle("keras", "Resizing")
def resizing(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Resizes by interpolation, bilinear by default.

    https://keras.io/api/layers/preprocessing_layers/image_preprocessing/resizing/. To keep the aspect ratio, the
    layer crops the image first, or frames it with `fill_value`.
    """
    size = (config["height"], config["width"])
    image = _first(config, x)
    if config.get("crop_to_aspect_ratio", False):
        image = largest_window(image, size)
    elif config.get("pad_to_aspect_ratio", False):
        image = framed(image, size, config.get("fill_value", 0.0))
    image = resized(image, size, config.get("interpolation", "bilinear"), antialias=config.get("antialias", False))
    return _back(config, image)


@oracle("keras", "CenterCrop")
def center_crop(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The middle of the image; of an image that is too small, its largest window of that aspect ratio, resized.

    https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop/
    """
    size = (config["height"], config["width"])
    image = _first(config, x)
    spare = [have - want for have, want in zip(image.shape[2:], size, strict=True)]
    if min(spare) >= 0:
        top, left = spare[0] // 2, spare[1] // 2
        return _back(config, image[:, :, top : top + size[0], left : left + size[1]])
    return _back(config, resized(largest_window(image, size), size, "bilinear"))


@oracle("keras", "AutoContrast")
def auto_contrast(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Stretches each channel of each image so that its least and largest value are those of `value_range`.

    https://keras.io/api/layers/preprocessing_layers/image_preprocessing/auto_contrast/
    """
    low, high = config.get("value_range", (0, 255))
    least, most = (reduce(x, axis=(1, 2), keepdims=True) for reduce in (np.minimum.reduce, np.maximum.reduce))
    scale = 255.0 / (most - least)
    stretched = np.minimum(np.maximum((x - least) * scale, 0.0), 255.0)
    return low + stretched / 255.0 * (high - low)


@oracle("keras", "Pipeline")
def pipeline(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Applies the layers in order: https://keras.io/api/layers/preprocessing_layers/pipeline/."""
    for k, layer in enumerate(config["layers"]):
        y = semantics("keras", layer["kind"])(layer["config"], part(weights, str(k)), x)
        assert not isinstance(y, tuple)
        x = y
    return x
