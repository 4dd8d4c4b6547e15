"""Write `.mat` files: cells, arrays in MATLAB's form, and a file that is written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import atomic_write
from harness.spec import Array


def save_mat(path: Path, variables: Mapping[str, Any], *, compress: bool = True) -> None:
    """Write variables as a `.mat` of version 7 (6 without `compress`), under another name first.

    Raises what SciPy raises for values that it cannot write, and OSError.
    """
    from scipy.io import savemat

    data = io.BytesIO()
    savemat(data, dict(variables), do_compression=compress, oned_as="column", long_field_names=True)
    atomic_write(path, data.getvalue())


def column_cell(items: Sequence[Any]) -> Array:
    """An n x 1 cell array."""
    cell = np.empty((len(items), 1), dtype=object)
    for k, item in enumerate(items):
        cell[k, 0] = item
    return cell


def row_cell(items: Sequence[Any]) -> Array:
    """A 1 x n cell array."""
    return column_cell(items).T


def as_stored(array: Array) -> Array:
    """single, at least two dimensions (vectors are columns), none of size 1 at the end: what MATLAB would hold."""
    shape = list(array.shape) if array.ndim > 1 else [*array.shape, 1]
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    return np.asarray(array, dtype=np.float32).reshape(shape)


def as_option(value: Any) -> Any:
    """A configuration value as MATLAB has it: text, or a double matrix."""
    return value if isinstance(value, str | bool) else np.atleast_2d(np.asarray(value, dtype=np.float64))
