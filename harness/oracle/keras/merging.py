"""Merging layers: https://keras.io/api/layers/merging_layers/."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from harness.oracle import oracle
from harness.spec import Array, Config


def _of_one_rank(inputs: tuple[Array, ...]) -> list[Array]:
    """The inputs, with axes of size 1 after the batch so that all have the highest rank."""
    rank = max(x.ndim for x in inputs)
    return [x.reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]


@oracle("keras", "Add")
def add(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Sum of all inputs, from the first to the last: https://keras.io/api/layers/merging_layers/add/."""
    return reduce(np.add, _of_one_rank(inputs))


@oracle("keras", "Subtract")
def subtract(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """`inputs[0] - inputs[1]`: https://keras.io/api/layers/merging_layers/subtract/."""
    first, second = _of_one_rank(inputs)
    return np.subtract(first, second)


@oracle("keras", "Concatenate")
def concatenate(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """All inputs along one axis: https://keras.io/api/layers/merging_layers/concatenate/."""
    return np.concatenate(inputs, axis=config.get("axis", -1))


@oracle("keras", "Multiply")
def multiply(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Product of all inputs, from the first to the last: https://keras.io/api/layers/merging_layers/multiply/."""
    return reduce(np.multiply, _of_one_rank(inputs))


@oracle("keras", "Average")
def average(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Sum of all inputs over their number: https://keras.io/api/layers/merging_layers/average/."""
    return reduce(np.add, _of_one_rank(inputs)) / float(len(inputs))


@oracle("keras", "Maximum")
def maximum(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Largest of all inputs, elementwise: https://keras.io/api/layers/merging_layers/maximum/."""
    return reduce(np.maximum, _of_one_rank(inputs))


@oracle("keras", "Minimum")
def minimum(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Smallest of all inputs, elementwise: https://keras.io/api/layers/merging_layers/minimum/."""
    return reduce(np.minimum, _of_one_rank(inputs))


def unit_length(x: Array, axis: int | tuple[int, ...], least: float = 1e-12) -> Array:
    """`x / max(|x|, least)` with the Euclidean norm along one axis or several.

    https://keras.io/api/utils/numerical_utils/#normalize-function: the square root of the sum of squares.
    """
    squares = np.add.reduce(np.square(x), axis=axis, keepdims=True)
    return x / np.maximum(np.sqrt(squares), least)


@oracle("keras", "Dot")
def dot(config: Config, weights: Mapping[str, Array], x: Array, y: Array) -> Array:
    """Sum of products along one axis of each input, sample by sample.

    https://keras.io/api/layers/merging_layers/dot/. The output has the other axes of the first input, then those of
    the second, or an axis of size 1 if there are none. `normalize` first gives both inputs unit length along the
    axis.
    """
    axes = config["axes"]
    first, second = (axes, axes) if isinstance(axes, int) else axes
    if config.get("normalize", False):
        x, y = unit_length(x, first), unit_length(y, second)
    x, y = np.moveaxis(x, first, -1), np.moveaxis(y, second, -1)
    first_rest, second_rest = x.shape[1:-1], y.shape[1:-1]
    rows = x.reshape(x.shape[0], int(np.prod(first_rest)), x.shape[-1])
    columns = y.reshape(y.shape[0], int(np.prod(second_rest)), y.shape[-1])
    products = np.matmul(rows, np.swapaxes(columns, 1, 2))
    return products.reshape(x.shape[0], *((*first_rest, *second_rest) or (1,)))
