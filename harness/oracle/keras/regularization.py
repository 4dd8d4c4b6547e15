"""Layers of training only: https://keras.io/api/layers/regularization_layers/."""

from __future__ import annotations

from collections.abc import Mapping

from harness.oracle import oracle
from harness.spec import Array, Config


@oracle(
    "keras",
    "Dropout",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "ActivityRegularization",
    "Identity",
)
def unchanged(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The input itself, at inference."""
    return x
