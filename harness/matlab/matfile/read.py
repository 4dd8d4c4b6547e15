"""Read `.mat` files of versions 4, 5/6, 7 and 7.3 as plain values, MATLAB's objects included. No code is run.

| MATLAB | here |
|---|---|
| numbers, logical | array of the same dtype, MATLAB's own index order, at least two axes; sparse ones as SciPy's CSC |
| char, string | str for one row; an array of str for several |
| cell | `Cell` |
| struct | dict; `StructArray` for any other size than 1 x 1 |
| object (of today's or the old kind) | `Object` with its class; `Cell` of them for an object array |
| table, categorical, datetime and others that the library knows | `Object` with the fields of `_foreign` |
| function handle | `Object` of class `function_handle`, its text in `function` |

SciPy reads version 4, mat-io (https://github.com/foreverallama/matio) the others. `harness.matlab.matfile.scan` walks a
file first, so that neither allocates sizes that the file cannot hold, nor opens what lies outside of it. The libraries
are compiled code, and a damaged file can end the process: files of strangers are read in another process
(`harness.models.reader`).
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.matlab.matfile.scan import Limits, MatFileError, scan
from harness.spec import Array

__all__ = ["Cell", "Limits", "MatFile", "MatFileError", "Object", "StructArray", "read_mat"]


@dataclass(frozen=True)
class Cell:
    """A cell array, or an array of objects: its elements column by column."""

    items: tuple[Any, ...]
    shape: tuple[int, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class StructArray:
    """A struct array of any size but 1 x 1: its elements column by column."""

    items: tuple[dict[str, Any], ...]
    shape: tuple[int, ...]
    fields: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Object:
    """An object: its class, and its properties as they were saved."""

    class_name: str
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


CLASS_KEY = "\0class"
"""Where the true class of an object travels among its properties: an element of a heterogeneous array reports the
array's class instead."""


TOO_DEEP = "values are nested too deeply"


class MatFile:
    """A `.mat` file that holds together: `classes` has MATLAB's class of each variable, in the file's order."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        """Raises MatFileError for a file that is none, is damaged, or is larger or deeper than `limits`; OSError if it
        cannot be opened."""
        self.path, self.limits = path, limits or Limits()
        self.survey = scan(path, self.limits)
        self.classes: Mapping[str, str] = self.survey.classes

    def read(self, names: Collection[str] | None = None) -> dict[str, Any]:
        """These variables by name, or all. Raises MatFileError."""
        values, faults = self.attempt(names)
        for error in faults.values():
            raise error
        return values

    def attempt(self, names: Collection[str] | None = None) -> tuple[dict[str, Any], dict[str, MatFileError]]:
        """The values of these variables, or of all, and the errors of variables that cannot be read.

        A variable cannot be read if it is an object without data in the file, or if it is nested too deeply, as two
        objects that hold each other. Raises MatFileError for a file that is damaged.
        """
        wanted = [name for name in self.classes if names is None or name in names]
        faults = {name: self._hollow(name) for name in wanted if name in self.survey.hollow}
        wanted = [name for name in wanted if name not in faults]
        self.survey.check(wanted)
        if not wanted:
            return {}, faults
        values: dict[str, Any] = {}
        try:
            for name, value in self._variables(None if len(wanted) == len(self.classes) else wanted).items():
                try:
                    if not name.startswith("__"):
                        values[name] = _value(value, self.limits.depth)
                except RecursionError:
                    faults[name] = MatFileError(TOO_DEEP, where=f"{self.path}: {name}", expected=self._depth)
                except MatFileError as error:
                    faults[name] = error.at(f"{self.path}: {name}")
        except RecursionError:
            raise MatFileError(TOO_DEEP, where=self.path, expected=self._depth) from None
        except MemoryError:
            raise MatFileError("its values do not fit into the memory that reading may take", where=self.path) from None
        except Exception as error:  # the parsers raise whatever they stumble over: zlib.error, TypeError, KeyError
            cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            problem = f"is damaged: its values of version {self.survey.version} cannot be read ({cause})"
            raise MatFileError(problem, where=self.path) from error
        return values, faults

    def _hollow(self, name: str) -> MatFileError:
        """The error of an object that is a name and a class only."""
        return MatFileError(
            f"is a {self.classes[name]}, but the file holds no data of its objects",
            where=f"{self.path}: {name}",
            expected="the properties of all objects behind the variables, where MATLAB saves them",
            advice=f"Save it in MATLAB again: `save('net.mat', '{name}')`. "
            "A program that copies variables from file to file loses these data.",
        )

    @property
    def _depth(self) -> str:
        return f"at most {self.limits.depth} levels"

    def _variables(self, names: list[str] | None) -> dict[str, Any]:
        """The library's values. Raises whatever it raises, and ValueError where it warns that it could not read one."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            variables = (_read_scipy if self.survey.version == "4" else _read_matio)(self.path, names)
        for warning in warned:
            if "Unreadable variable" in str(warning.message):  # whose value would be the text of an error
                raise ValueError(str(warning.message))
        return variables


def read_mat(path: Path, limits: Limits | None = None) -> dict[str, Any]:
    """All variables of a file by name, in the file's order. Raises MatFileError, and OSError if it cannot be opened."""
    return MatFile(path, limits).read()


def _read_scipy(path: Path, names: list[str] | None) -> dict[str, Any]:
    from scipy.io import loadmat

    return loadmat(str(path), appendmat=False, squeeze_me=False, spmatrix=False, variable_names=names)


def _read_matio(path: Path, names: list[str] | None) -> dict[str, Any]:
    import matio
    from matio.subsystem.subsys import MatSubsystem

    if not getattr(MatSubsystem, "tells_classes", False):
        plain = MatSubsystem.get_properties

        def get_properties(self: Any, object_id: int) -> Any:
            properties = plain(self, object_id)
            if properties is not None:
                properties[CLASS_KEY] = self.get_classname(self.get_object_metadata(object_id)[0])
            return properties

        MatSubsystem.get_properties = get_properties
        MatSubsystem.tells_classes = True
    try:
        return matio.load_from_mat(str(path), spmatrix=False, variable_names=names and list(names))
    except UnicodeDecodeError:  # text in another encoding than the file claims: SciPy puts replacement marks
        return _read_scipy(path, names)


def _value(value: Any, depth: int) -> Any:
    """The library's value as one of the plain values."""
    import scipy.sparse

    if depth < 0:
        raise MatFileError(TOO_DEEP)
    kind = type(value).__name__
    if kind == "MatlabOpaque":
        return _object(value.properties, value.classname, depth)
    if kind == "MatlabFunction":
        return Object("function_handle", {"function": _handle(value, 8)})
    if kind in ("MatlabOpaqueArray", "Cell") or (isinstance(value, np.ndarray) and value.dtype == object):
        if kind == "EmptyMatStruct":
            items: tuple[dict[str, Any], ...] = tuple({} for _ in range(value.size))
            return items[0] if len(items) == 1 else StructArray(items, value.shape)
        return Cell(tuple(_value(item, depth - 1) for item in value.ravel(order="F")), value.shape)
    if scipy.sparse.issparse(value):
        return _sparse(value)
    if isinstance(value, np.ndarray):
        return _array(value, kind, depth)
    if isinstance(value, str | bytes):
        return value if isinstance(value, str) else value.decode(errors="replace")
    return _foreign(value, kind, depth)


def _sparse(value: Any) -> Any:
    """A sparse matrix whose indices are within its size: SciPy's compiled code trusts them."""
    import scipy.sparse

    if value.format == "coo":  # from version 4; every column takes an index
        columns, free = value.shape[1], Limits().free
        if columns > max(free // 8, 64 * value.nnz):
            raise MatFileError(f"is damaged: a sparse matrix claims {columns} columns for {value.nnz} values")
    else:
        value.check_format(full_check=True)
    return scipy.sparse.csc_array(value)


def _array(value: Array, kind: str, depth: int) -> Any:
    if value.dtype.names is not None:
        return _struct(value, kind, depth)
    if value.dtype.kind in "UT":
        rows = [str(row) for row in value.ravel(order="F")]
        return (rows or [""])[0] if len(rows) < 2 else np.array(rows)
    if value.dtype.kind in "mM":
        return Object("datetime" if value.dtype.kind == "M" else "duration", {"value": value.astype(str)})
    value = value.astype(value.dtype.newbyteorder("="), order="K", copy=False)  # which torch wants
    return np.array(value, order="F") if kind != "ndarray" else value


def _struct(value: Array, kind: str, depth: int) -> Any:
    """A struct, a struct array, or an object of MATLAB's old kind."""
    names = value.dtype.names or ()
    items = tuple({name: _value(item[name], depth - 1) for name in names} for item in value.ravel(order="F"))
    if kind == "MatlabObject" or hasattr(value, "classname"):
        class_name = str(getattr(value, "classname", ""))
        objects = tuple(Object(class_name, item) for item in items)
        return objects[0] if len(objects) == 1 else Cell(objects, value.shape)
    return items[0] if value.size == 1 else StructArray(items, value.shape, names)


def _handle(value: Array, depth: int) -> str:
    """The text of a function handle, at the place of its version. The workspace is not read, as it may hold itself."""
    if depth < 0 or not isinstance(value, np.ndarray) or not value.size:
        return ""
    if value.dtype.kind == "U":
        return str(value.ravel()[0])
    first = value.ravel()[0]
    if value.dtype.names is None:
        return _handle(first, depth - 1)
    inside = [name for name in ("function", "function_handle") if name in value.dtype.names] or value.dtype.names
    return next((text for name in inside if (text := _handle(first[name], depth - 1))), "")


def _object(properties: Any, class_name: str, depth: int) -> Object:
    if not isinstance(properties, Mapping):
        return Object(str(class_name))
    fields = {name: _value(value, depth - 1) for name, value in properties.items() if name != CLASS_KEY}
    return Object(str(properties.get(CLASS_KEY, class_name)), fields)


def _foreign(value: Any, kind: str, depth: int) -> Any:
    """A value of one of MATLAB's data types that the library translates: a table, a categorical, else its text."""
    if kind == "DataFrame":
        return Object("table", {str(name): _column(value[name]) for name in value.columns})
    if kind == "Categorical":
        return Object("categorical", {"categories": [_plain(item) for item in value.categories]})
    if kind == "MatlabCanonicalEmpty":
        return np.zeros((0, 0))
    if isinstance(value, Mapping):
        return Object(kind, {str(name): _value(item, depth - 1) for name, item in value.items()})
    if isinstance(value, bool | int | float | np.generic):
        return np.atleast_2d(np.asarray(value))
    return Object(kind, {"value": str(value)[:1000]})


def _column(column: Any) -> list[Any]:
    return [_plain(item) for item in column]


def _plain(item: Any) -> Any:
    """The single element of a column's cell, unwrapped from all arrays and lists around it."""
    while isinstance(item, np.ndarray | list | tuple) and len(item) == 1:
        item = item[0]
    return str(item) if isinstance(item, np.str_) else item
