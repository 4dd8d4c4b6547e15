"""Find the network in a file, in any of the forms in which MATLAB's users save one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, Limits, StructArray, read_mat
from harness.matlab.readers.cells import is_cells, read_cells
from harness.matlab.readers.dagnn import is_dagnn, read_dagnn
from harness.matlab.readers.declared import read_declared
from harness.matlab.readers.plain import is_plain, read_plain
from harness.matlab.readers.records import MatFileError, NetworkError, UnsupportedLayers, listed
from harness.matlab.readers.shallow import is_shallow, read_shallow
from harness.matlab.readers.simplenn import is_simplenn, read_struct
from harness.matlab.readers.toolbox import Network, is_network, read_objects

__all__ = ["MatFileError", "Network", "NetworkError", "UnsupportedLayers", "read_network"]


def _is_simplenn(value: Any) -> bool:
    return is_simplenn(value) and not is_plain(value)


Reader = tuple[Callable[[Any], bool], Callable[[str, Any], Network]]
STRUCTS: tuple[Reader, ...] = ((_is_simplenn, read_struct), (is_dagnn, read_dagnn), (is_cells, read_cells))
"""Networks that are one struct, or whose fields are the variables of the file, as `save -struct` leaves them."""
READERS: tuple[Reader, ...] = (
    (is_plain, read_plain),
    (is_network, read_objects),
    (is_shallow, read_shallow),
    *STRUCTS,
)
"""Test and reader of each form."""


def read_network(
    path: Path, variable: str | None = None, limits: Limits | None = None, layout: Path | None = None
) -> Network:
    """The network in a `.mat` file: the only one, or the one in `variable`; with `layout`, arrays as it declares them.

    Raises MatFileError for a file that cannot be read, NetworkError where it holds no network, several, or a broken one
    (UnsupportedLayers names every layer that is not known), OSError if it cannot be opened.
    """
    if layout is not None:
        return read_declared(path, layout)
    variables = read_mat(path, limits)
    if variable is not None and variable not in variables:
        raise NetworkError(f"has no variable {variable!r}", where=path, expected=f"one of {listed(variables)}")
    chosen = variables if variable is None else {variable: variables[variable]}
    networks = [(name, read, value) for name, value in chosen.items() for test, read in READERS if test(value)]
    if not networks and variable is None:
        networks = [("", read, variables) for test, read in STRUCTS if test(variables)]
    if len(networks) != 1:
        raise _not_one(path, variables, [name for name, _, _ in networks], _advice(chosen))
    name, read, value = networks[0]
    return read(f"{path}: {name}" if name else str(path), value)


def _not_one(path: Path, variables: Mapping[str, Any], names: Sequence[str], advice: str) -> NetworkError:
    """The error of a file with no network, or with several of these names."""
    return NetworkError(
        "holds more than one network" if names else "holds no network",
        where=path,
        expected="an object of Deep Learning Toolbox, a shallow network, MatConvNet's struct, a plain-struct export, "
        "or cells of weights with the names of their activations",
        came=f"{len(names)} networks ({', '.join(names)})" if names else f"the variables {listed(variables)}",
        advice="Name the variable of one (--variable)." if names else advice,
    )


def _advice(variables: Mapping[str, Any]) -> str:
    """The advice for a file of arrays, which does not say to which layer an array belongs; empty for other files."""
    arrays = sorted({name for name, value in variables.items() if _has_matrix(value, 3)})
    if not arrays:
        return ""
    return (
        f"{', '.join(arrays[:6])}{', ...' if len(arrays) > 6 else ''} may be weights, but a file of arrays says "
        "neither which layer has them nor what their axes are: declare the input, the layers, and for each weight its "
        "variable and axes in a layout file (JSON, described in docs/matlab.md), and give both to `parity convert "
        "--layout`."
    )


def _has_matrix(value: Any, depth: int) -> bool:
    if isinstance(value, Mapping | Cell | StructArray) and depth:
        items = value.values() if isinstance(value, Mapping) else value
        return any(_has_matrix(item, depth - 1) for item in items)
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 1
