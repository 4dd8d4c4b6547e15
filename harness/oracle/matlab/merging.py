"""Layers of several inputs of Deep Learning Toolbox:
https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT, channel_axis
from harness.spec import Array, Config


@oracle(DIALECT, "AdditionLayer")
def addition(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """The sum of all inputs."""
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total


@oracle(DIALECT, "MultiplicationLayer")
def multiplication(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """The product of all inputs, element by element."""
    product = inputs[0]
    for x in inputs[1:]:
        product = product * x
    return product


@oracle(DIALECT, "DepthConcatenationLayer")
def depth_concatenation(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Along the channels, in the order of the ports."""
    return np.concatenate(inputs, axis=channel_axis(inputs[0].ndim))


def concatenation_axis(dim: int, rank: int) -> int:
    """The NumPy axis of MATLAB's dimension `dim` (from 1) of SSCB, SSSCB, CBT and CB.

    Features after an image are 1 x 1 x C in a SeriesNetwork and a DAGNetwork, so their channels are dimension 3.
    """
    if (rank, dim) == (2, 3):
        return 1
    spatial = rank - 2 if rank > 3 else 0
    if dim <= spatial:
        return dim + 1
    if dim == spatial + 1:
        return channel_axis(rank)
    return 1 if rank == 3 and dim == 3 else 0


@oracle(DIALECT, "ConcatenationLayer")
def concatenation(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Along MATLAB's dimension Dim: 1 and 2 are height and width of images, 3 their channels, 1 those of features."""
    return np.concatenate(inputs, axis=concatenation_axis(config["Dim"], inputs[0].ndim))
