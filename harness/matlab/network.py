"""Which network is in a file, in whichever of the ways that MATLAB's users keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.matlab.matfile import Limits, Object, read_mat
from harness.matlab.plain import is_plain, read_plain
from harness.matlab.records import MatFileError, NetworkError, UnsupportedLayers
from harness.matlab.shallow import is_shallow, read_shallow
from harness.matlab.toolbox import Network, is_network, read_objects

__all__ = ["MatFileError", "Network", "NetworkError", "UnsupportedLayers", "read_network"]

READERS: tuple[tuple[Callable[[Any], bool], Callable[[str, Any], Network]], ...] = (
    (is_plain, read_plain),
    (is_network, read_objects),
    (is_shallow, read_shallow),
)
"""What tells a variable that is a network, and what reads it."""


def read_network(
    path: Path, variable: str | None = None, limits: Limits | None = None, layout: Path | None = None
) -> Network:
    """The network in a `.mat` file: the only one, or the one in `variable`; or arrays with a declared layout (docs/matlab.md).

    Raises MatFileError for a file that cannot be read, NetworkError where it holds no network, several, or a broken one
    (UnsupportedLayers names every layer that is not known), OSError if it cannot be opened.
    """
    if layout is not None:
        from harness.matlab.handmade import read_declared

        return read_declared(path, layout)
    variables = read_mat(path, limits)
    if variable is not None and variable not in variables:
        raise NetworkError(f"{path}: has no variable {variable!r}; it has {_listed(variables)}")
    chosen = variables if variable is None else {variable: variables[variable]}
    found = [(name, read, value) for name, value in chosen.items() for test, read in READERS if test(value)]
    if len(found) != 1:
        many = f"{len(found)} networks ({', '.join(name for name, _, _ in found)}): name one" if found else "none"
        raise NetworkError(
            f"{path}: expected a network (an object of Deep Learning Toolbox, a shallow network, MatConvNet's struct, "
            f"or a plain-struct export), found {many}; its variables are {_listed(variables)}"
        )
    name, read, value = found[0]
    return read(f"{path}: {name}", value)


def _listed(variables: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} ({_class(value)})" for name, value in variables.items()) or "none"


def _class(value: Any) -> str:
    if isinstance(value, Object):
        return value.class_name
    kinds = {"dict": "struct", "StructArray": "struct array", "Cell": "cell", "str": "char", "csc_array": "sparse"}
    return kinds.get(type(value).__name__, str(getattr(value, "dtype", type(value).__name__)))
