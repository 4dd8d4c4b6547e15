"""Layers of Deep Learning Toolbox that move pixels:
https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config


@oracle(DIALECT, "DepthToSpace2DLayer")
def depth_to_space(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`dcr`: channels are (row, column, depth) with depth fastest; `crd`: (depth, row, column), column fastest."""
    rows, columns = config["BlockSize"]
    batch, channels, height, width = x.shape
    depth = channels // (rows * columns)
    if config.get("Mode", "dcr") == "dcr":
        split = x.reshape(batch, rows, columns, depth, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        split = x.reshape(batch, depth, rows, columns, height, width).transpose(0, 1, 4, 2, 5, 3)
    return split.reshape(batch, depth, height * rows, width * columns)


@oracle(DIALECT, "Crop2DLayer")
def crop(config: Config, weights: Mapping[str, Array], x: Array, reference: Array) -> Array:
    """Crops to the height and width of the second input, from Location [x y] (from 1) or in the centre."""
    height, width = reference.shape[2:]
    if config.get("Mode", "centercrop") == "centercrop":
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    else:
        left, top = (int(n) - 1 for n in config["Location"])
    return x[:, :, top : top + height, left : left + width]


@oracle(DIALECT, "Resize2DLayer")
def resize(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Output position p reads position `(p + 0.5) / scale - 0.5` (`half-pixel`) or `p / scale` (`asymmetric`).
    `nearest` rounds it by NearestRoundingMode; `bilinear` weighs its two neighbours, with repeated edges."""
    for axis, (size, scale) in enumerate(resized(config, x.shape[2:]), start=2):
        x = _resized(x, axis, size, scale, config)
    return x


def resized(config: Config, sizes: tuple[int, ...]) -> list[tuple[int, float]]:
    """Output size and scale of each axis, from OutputSize or from Scale with sizes of floor(Scale * size)."""
    target = config.get("OutputSize")
    if target:
        return [(int(n), n / size) for n, size in zip(target, sizes, strict=True)]
    return [(int(np.floor(scale * size)), scale) for scale, size in zip(config["Scale"], sizes, strict=True)]


def _resized(x: Array, axis: int, size: int, scale: float, config: Config) -> Array:
    place = np.arange(size)
    at = (
        (place + 0.5) / scale - 0.5
        if config.get("GeometricTransformMode", "half-pixel") == "half-pixel"
        else place / scale
    )
    last = x.shape[axis] - 1
    if config.get("Method", "nearest") == "nearest":
        mode = config.get("NearestRoundingMode", "round")
        index = {"round": np.floor(at + 0.5), "floor": np.floor(at), "onnx-10": np.ceil(at - 0.5)}[mode]
        return np.take(x, np.clip(index, 0, last).astype(np.int64), axis=axis)
    low = np.floor(at)
    share = (at - low).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
    first, second = (np.take(x, np.clip(low + k, 0, last).astype(np.int64), axis=axis) for k in (0, 1))
    return first * (1.0 - share) + second * share
