"""The scaling layer of Deep Learning Toolbox:
https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.scalinglayer.html.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config

FROM_MATLAB = {2: (1, 0), 3: (1, 2, 0), 4: (3, 2, 0, 1), 5: (4, 3, 0, 1, 2)}
"""Axes of C x N, C x N x T and H x W (x D) x C x N in the order N, C or T, and the rest, by rank."""


@oracle(DIALECT, "ScalingLayer")
def scaling(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`Scale .* X + Offset`, by default 1 and 0; MATLAB expands both to the size of X."""
    scale, offset = (
        _expandable(weights.get(name, default), x.ndim)
        for name, default in (("Scale", np.ones((1, 1))), ("Offset", np.zeros((1, 1))))
    )
    return x * scale + offset


def _expandable(values: Array, rank: int) -> Array:
    """MATLAB's array, which lacks its last dimensions of size 1, with the axes of an array of that rank."""
    return values.reshape(values.shape + (1,) * (rank - values.ndim)).transpose(FROM_MATLAB[rank])
