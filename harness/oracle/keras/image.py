"""Layers that crop, resize and stretch images.

https://keras.io/api/layers/preprocessing_layers/image_preprocessing/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.oracle import oracle, part, semantics
from harness.oracle.keras.augmentation import as_float
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

    https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop/. Whole numbers become floats.
    """
    size = (config["height"], config["width"])
    image = _first(config, as_float(x))
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


LEVELS = 256
"""Grey levels of a histogram."""


@oracle("keras", "ContrastLimitedAdaptiveHistogramEqualization")
def equalized_in_tiles(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Each pixel through the cumulated histograms of the four tiles around it, blended by its distance from them.

    https://keras.io/api/layers/preprocessing_layers/image_preprocessing/contrast_limited_adaptive_histogram_equalization/
    names the method (Zuiderveld, Graphics Gems IV, 1994) and leaves the rest open. It is Keras' source, `clahe.py`: the
    image is extended by its reflection to whole tiles; what a histogram has above `clip_limit` times its mean count is
    spread evenly over all levels; tile k is centred at pixel `(k + 1/2) * size`, and the outer tiles go on beyond.
    """
    low, high = config.get("value_range", (0, 255))
    first = config.get("data_format") == "channels_first"
    image = (np.moveaxis(x, 1, -1) if first else x) - low
    image = image if (low, high) == (0, 255) else image / (high - low) * 255.0
    grid = config.get("tile_grid_size", (8, 8))
    tile = [-(-n // count) for n, count in zip(image.shape[1:3], grid, strict=True)]
    missing = [(0, k * n - m) for k, n, m in zip(grid, tile, image.shape[1:3], strict=True)]
    image = np.pad(image, [(0, 0), *missing, (0, 0)], mode="symmetric")
    levels = np.asarray(np.minimum(np.maximum(np.trunc(image), 0), LEVELS - 1)).astype(int)
    tables = _tables(levels, grid, tile, config.get("clip_limit", 4.0), zero=np.zeros_like(image, shape=()))
    y = _blended(tables, levels, tile)[:, : x.shape[2 if first else 1], : x.shape[3 if first else 2]]
    y = y if (low, high) == (0, 255) else y / 255.0 * (high - low) + low
    return np.moveaxis(y, -1, 1) if first else y


def _tables(levels: Array, grid: Sequence[int], tile: Sequence[int], limit: float, *, zero: Array) -> Array:
    """New levels by (batch, tile row, tile column, channel, level), for `levels` (batch, rows, columns, channels).

    `zero` is a float of the kind that the noise scale follows; counts alone are integers.
    """
    batch, channels, size = levels.shape[0], levels.shape[-1], tile[0] * tile[1]
    parts = levels.reshape(batch, grid[0], tile[0], grid[1], tile[1], channels)
    parts = parts.transpose(0, 1, 3, 5, 2, 4).reshape(batch, *grid, channels, size)
    counts = np.maximum(np.add.reduce(parts[..., None] == np.arange(LEVELS), axis=-2).astype(float), zero)
    if limit > 0:
        clipped = np.minimum(counts, limit * size / LEVELS)
        counts = clipped + np.add.reduce(counts - clipped, axis=-1, keepdims=True) / LEVELS
    sums = np.matmul(counts, np.triu(np.ones((LEVELS, LEVELS))))
    least = sums[..., :1]
    return np.minimum(np.maximum((sums - least) * 255.0 / (size - least), 0.0), 255.0)


def _blended(tables: Array, levels: Array, tile: Sequence[int]) -> Array:
    """The level of each pixel by the tables of the four tiles around it, weighed bilinearly."""
    tables = np.pad(tables, [(0, 0), (1, 1), (1, 1), (0, 0), (0, 0)], mode="edge")
    upper, lower, down = _neighbours(levels.shape[1], tile[0], tables.shape[1])
    left, right, across = _neighbours(levels.shape[2], tile[1], tables.shape[2])
    sample, channel = np.arange(levels.shape[0])[:, None, None, None], np.arange(levels.shape[3])
    across = across[:, None]

    def row(places: Array) -> Array:
        one, other = (
            tables[sample, places[:, None, None], columns[:, None], channel, levels] for columns in (left, right)
        )
        return one * (1.0 - across) + other * across

    down = down[:, None, None]
    return row(upper) * (1.0 - down) + row(lower) * down


def _neighbours(pixels: int, tile: int, count: int) -> tuple[Array, Array, Array]:
    """For each pixel along an axis, the tiles before and after it among `count`, and its distance from the first."""
    places = (np.arange(pixels) - tile / 2.0) / tile + 1.0
    before = np.floor(places).astype(int)
    return np.clip(before, 0, count - 1), np.clip(before + 1, 0, count - 1), places - before


@oracle("keras", "Pipeline")
def pipeline(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Applies the layers in order: https://keras.io/api/layers/preprocessing_layers/pipeline/."""
    for k, layer in enumerate(config["layers"]):
        y = semantics("keras", layer["kind"])(layer["config"], part(weights, str(k)), x)
        assert not isinstance(y, tuple)
        x = y
    return x
