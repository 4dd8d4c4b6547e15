"""Transpose arrays between MATLAB's layout and ours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.spec import Array

TO_MATLAB: Mapping[int, tuple[int, ...]] = {2: (1, 0), 3: (2, 0, 1), 4: (2, 3, 1, 0), 5: (2, 3, 4, 1, 0)}
"""Axes of N x C, N x T x C, N x C x H x W (x D) in MATLAB's order: C x N, C x N x T, H x W (x D) x C x N."""
RANKS: Mapping[str, int] = {"CB": 2, "CBT": 3, "SSCB": 4, "SSSCB": 5}


def channel_axis(rank: int) -> int:
    """The axis of channels in an array of ours, batch included: last in sequences, second in all others."""
    return 2 if rank == 3 else 1


def axis_of(dimension: int, rank: int) -> int:
    """The axis in an array of ours of MATLAB's dimension, counted from 1.

    Features after an image are 1 x 1 x C in a SeriesNetwork and a DAGNetwork: their third dimension is the channels.
    Raises ValueError for a dimension that the array does not have.
    """
    if (rank, dimension) == (2, 3):
        return 1
    if dimension > rank:
        raise ValueError(f"an array of {rank} dimensions has no dimension {dimension}")
    return TO_MATLAB[rank][dimension - 1]


def to_matlab(array: Array) -> Array:
    """An array of ours in MATLAB's layout. Raises KeyError for a rank that no layer has."""
    return array.transpose(TO_MATLAB[array.ndim])


def from_matlab(array: Array, form: str) -> Array:
    """An array of MATLAB's in ours, dropped trailing dimensions restored by its format (`SSCB`, `CBT`, ...)."""
    return turned(array, RANKS[form])


def turned(array: Array, rank: int) -> Array:
    """An array of MATLAB's in our layout of that rank, dropped trailing dimensions restored.

    Raises ValueError for one with more dimensions.
    """
    if array.ndim > rank:
        raise ValueError(f"an array of size {list(array.shape)} has more dimensions than the {rank} that it is for")
    wide = array.reshape(array.shape + (1,) * (rank - array.ndim))
    return np.ascontiguousarray(wide.transpose(np.argsort(TO_MATLAB[rank])))
