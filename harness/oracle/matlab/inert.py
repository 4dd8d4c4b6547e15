"""Layers of Deep Learning Toolbox that do nothing at inference:
https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config


@oracle(
    DIALECT,
    "IdentityLayer",
    "DropoutLayer",
    "SpatialDropoutLayer",
    "ClassificationOutputLayer",
    "RegressionOutputLayer",
    "PixelClassificationLayer",
    "DicePixelClassificationLayer",
    "FocalLossLayer",
)
def identity(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The input itself."""
    return x
