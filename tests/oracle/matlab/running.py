"""Runs the oracle of one layer of Deep Learning Toolbox, and makes its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.oracle import semantics
from harness.spec import Array

IMAGE = np.array([[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]], dtype=float)
"""N x C x H x W = 1 x 2 x 2 x 3; in MATLAB's memory 1 4 2 5 3 6 7 10 8 11 9 12."""


def run(kind: str, x: Any, config: Mapping[str, Any] | None = None, **weights: Any) -> Any:
    """Outputs of a layer, by its kind, for one input or a tuple of inputs, all as float64."""
    arrays: dict[str, Array] = {name: np.asarray(value, dtype=float) for name, value in weights.items()}
    inputs = x if isinstance(x, tuple) else (x,)
    return semantics("matlab", kind)(config or {}, arrays, *(np.asarray(value, dtype=float) for value in inputs))


def sequence(*values: float) -> Array:
    """One sequence of one channel, 1 x T x 1."""
    return np.array(values, dtype=float)[None, :, None]


def image(*rows: Sequence[float]) -> Array:
    """One image of one channel, 1 x 1 x H x W."""
    return np.array(rows, dtype=float)[None, None]
