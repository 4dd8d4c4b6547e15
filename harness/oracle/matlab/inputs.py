"""Input layers of Deep Learning Toolbox:
https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT, per_channel
from harness.spec import Array, Config


def statistic(values: Array, rank: int) -> Array:
    """A statistic of an input layer (H x W x C, one per channel, or one) for an array of that rank."""
    if values.size == 1:
        return values.reshape([1] * rank)
    if values.ndim == rank - 1 and rank > 3:
        return np.moveaxis(values, -1, 0)[None]
    return per_channel(values, rank)


@oracle(DIALECT, "ImageInputLayer", "Image3DInputLayer", "SequenceInputLayer", "FeatureInputLayer")
def input_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`zerocenter` x - Mean; `zscore` (x - Mean) / StandardDeviation; `rescale-symmetric`
    2 (x - Min) / (Max - Min) - 1; `rescale-zero-one` (x - Min) / (Max - Min)."""
    kind = config.get("Normalization", "none")
    if kind == "none":
        return x
    values = {name: statistic(value, x.ndim) for name, value in weights.items()}
    if kind == "zerocenter":
        return x - values["Mean"]
    if kind == "zscore":
        return (x - values["Mean"]) / values["StandardDeviation"]
    share = (x - values["Min"]) / (values["Max"] - values["Min"])
    return 2.0 * share - 1.0 if kind == "rescale-symmetric" else share
