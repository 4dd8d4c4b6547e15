"""Fully connected layers, flattening and embeddings of Deep Learning Toolbox:
https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config


def column_major(x: Array) -> Array:
    """N x features, the order of MATLAB's memory: h fastest, then w (then d), then c."""
    return x.transpose(0, 1, *range(x.ndim - 1, 1, -1)).reshape(x.shape[0], prod(x.shape[1:]))


@oracle(DIALECT, "FullyConnectedLayer")
def fully_connected(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`W x + b` with W of OutputSize x InputSize, for images flattened column by column, or each step of sequences."""
    x = column_major(x) if x.ndim > 3 else x
    return np.matmul(x, weights["Weights"].T) + weights["Bias"]


@oracle(DIALECT, "FlattenLayer")
def flatten(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Images to features, column by column; sequences of features unchanged."""
    return column_major(x) if x.ndim > 3 else x


@oracle(DIALECT, "WordEmbeddingLayer")
def word_embedding(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Column `index` of Weights (Dimension x words), from N x T x 1 to N x T x Dimension. Indices begin at 1; with
    OOVMode `map-to-last` the last column is for every index out of range."""
    table = weights["Weights"].T
    index = x[..., 0].astype(np.int64)
    if config.get("OOVMode", "map-to-last") == "map-to-last":
        index = np.where((index < 1) | (index >= table.shape[0]), table.shape[0], index)
    return table[index - 1]
