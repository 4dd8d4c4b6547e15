"""Merging layers: https://keras.io/api/layers/merging_layers/."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from harness.oracle import oracle
from harness.spec import Array, Config


def _of_one_rank(inputs: tuple[Array, ...]) -> list[Array]:
    """The inputs with axes of size 1 inserted after the batch until all have the highest rank."""
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
