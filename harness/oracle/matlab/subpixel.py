"""What FFDNet adds to MatConvNet: pixels to channels and back, and a value spread over a plane.

https://github.com/cszn/FFDNet: utilities/vl_nnSubP.m, utilities/vl_ffdnet_concise.m. Arrays are N x C x H x W.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.spec import Array, Config

DIALECT = "matconvnet"


@oracle(DIALECT, "subp")
def sub_pixel(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """With scale s: `y(s h + a, s w + b, c) = x(h, w, s^2 c + s b + a)`, rows first; with 1/s the other way round."""
    scale = config["scale"]
    n, channels, height, width = x.shape
    if scale >= 1:
        s = int(scale)
        parts = x.reshape(n, channels // s**2, s, s, height, width)  # N, C, b, a, H, W
        return parts.transpose(0, 1, 4, 3, 5, 2).reshape(n, channels // s**2, s * height, s * width)
    s = round(1 / scale)
    parts = x.reshape(n, channels, height // s, s, width // s, s)  # N, C, H, a, W, b
    return parts.transpose(0, 1, 5, 3, 2, 4).reshape(n, channels * s**2, height // s, width // s)


@oracle(DIALECT, "spread")
def spread(config: Config, weights: Mapping[str, Array], x: Array, values: Array) -> Array:
    """Each of an image's values, N x C, over a plane of the size of `x`."""
    return values[:, :, None, None] * np.ones((1, 1, *x.shape[2:]))
