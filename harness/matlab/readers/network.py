"""Find the network in a file, in any of the forms in which MATLAB's users save one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, Limits, MatFile, Object, StructArray
from harness.matlab.readers.cells import is_cells, read_cells
from harness.matlab.readers.dagnn import is_dagnn, read_dagnn
from harness.matlab.readers.declared import read_declared
from harness.matlab.readers.plain import is_plain, read_plain
from harness.matlab.readers.records import (
    MatFileError,
    NetworkError,
    UnsupportedLayers,
    Untrained,
    class_of,
    inside,
    listed,
)
from harness.matlab.readers.shallow import is_shallow, read_shallow
from harness.matlab.readers.simplenn import is_simplenn, read_struct
from harness.matlab.readers.toolbox import NETWORKS as OBJECTS
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
NETWORKS = (*OBJECTS, "network")
HOLDERS = ("struct", "cell")
DATA = (
    *("char", "string", "sparse", "double", "single", "logical", "function_handle", "table", "timetable"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("categorical", "datetime", "duration", "calendarDuration", "containers.Map", "dictionary"),
)
DATA_PACKAGES = ("matlab.io.", "matlab.internal.", "java.", "COM.")
"""Classes, and beginnings of classes, that hold no network."""
WAYS = {"Autoencoder": "net = network({})", "SimNetwork": "net = {}.net"}
"""MATLAB code that takes the network out of an object; for others, its property Network."""
INSIDE = 6
"""Structs and objects, one in another, in which a network is looked for."""


def read_network(
    path: Path, variable: str | None = None, limits: Limits | None = None, layout: Path | None = None
) -> Network:
    """The network in a `.mat` file: the only trained one, or that at `variable`; with `layout`, arrays as it declares.

    `variable` is a name, or a path to a network within a struct or an object: `nets.second`, `detector.Network`. Other
    variables are not read. Raises MatFileError for a file that cannot be read, NetworkError where it holds no network,
    several, or a broken one (UnsupportedLayers names every layer that is not known), OSError if it cannot be opened.
    """
    if layout is not None:
        return read_declared(path if path.suffix.lower() == ".mat" else None, layout)
    file = MatFile(path, limits)
    if variable is not None:
        return _read(path, file.classes, _candidates(path, variable, _chosen(file, variable)))
    simple, others = _split(file.classes)
    values, faults = file.attempt(simple)
    found = [candidate for name, value in values.items() for candidate in _candidates(path, name, value)]
    if not found:
        fields = [read for test, read in STRUCTS if test(values)]
        found = [Candidate(path, "", read, file.attempt(_values(file.classes))[0]) for read in fields]
    if others and all(one.is_untrained for one in found):
        more, failed = file.attempt(others)
        values, faults = values | more, faults | failed
        found += [candidate for name, value in more.items() for candidate in _candidates(path, name, value)]
    if not found and faults:
        raise next(iter(faults.values()))
    advice = "" if found else _advice(values | file.attempt(_values(file.classes))[0])
    return _read(path, file.classes, found, advice)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network of the file `path` at a path of variable and fields, its reader, and the classes of the objects that it
    is taken from."""

    path: Path
    name: str
    read: Callable[[str, Any], Network]
    value: Any
    wrappers: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        what = f"{self.name} is the network of an object ({self.wrappers[-1]})"
        return f"{what}; what that does before and after it (preparing images, decoding boxes) is left out"

    @cached_property
    def network(self) -> Network:
        """What is read. Raises NetworkError."""
        network = self.read(f"{self.path}: {self.name}" if self.name else str(self.path), self.value)
        return replace(network, notes=(self.note, *network.notes)) if self.wrappers else network

    @property
    def is_untrained(self) -> bool:
        """Whether layers have no weights. A network that cannot be read for another reason is not called so."""
        try:
            self.network  # noqa: B018 - read for what it raises
        except Untrained:
            return True
        except NetworkError:
            pass
        return False


def _read(path: Path, classes: Mapping[str, str], found: Sequence[Candidate], advice: str = "") -> Network:
    """The only candidate, read; or the only one that is trained, with a note on the others."""
    aside = [one for one in found if one.is_untrained] if len(found) > 1 else []
    if len(aside) < len(found):
        found = [one for one in found if one not in aside]
    if len(found) > 1:  # a detector has more networks than the one that it calls so
        found = [one for one in found if one.name.endswith(".Network")] or found
    if len(found) != 1:
        raise _not_one(path, classes, [one.name for one in found], advice)
    network = found[0].network
    notes = [f"left aside: {one.name}, which is untrained: it has layers without weights" for one in aside]
    return replace(network, notes=(*network.notes, *notes))


def _split(classes: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Variables whose classes are those of networks, of structs and of cells; and other objects, where a network may be
    inside. Of these many hold only data, and whatever is wrong with them is nobody's business if a network is found."""
    simple = [name for name, kind in classes.items() if kind in (*NETWORKS, *HOLDERS) or kind.startswith("nnet.cnn.")]
    objects = [name for name, kind in classes.items() if name not in simple and kind not in DATA]
    return simple, [name for name in objects if not classes[name].startswith(DATA_PACKAGES)]


def _values(classes: Mapping[str, str]) -> list[str]:
    """Variables that may be fields of a network that was saved as variables: all but objects."""
    return [name for name, kind in classes.items() if kind in (*HOLDERS, *DATA)]


def _chosen(file: MatFile, variable: str) -> Any:
    """The value at a path. Raises NetworkError where it breaks off."""
    name = max((name for name in file.classes if f"{variable}.".startswith(f"{name}.")), key=len, default=None)
    if name is None:
        expected = f"one of {_listed(file.classes)}"
        raise NetworkError(f"has no variable {variable!r}", where=file.path, expected=expected)
    value = file.read([name])[name]
    for field in filter(None, variable[len(name) :].split(".")):
        fields = value.fields if isinstance(value, Object) else value
        saved = inside(fields, "any")
        fields = {**fields, **saved} if isinstance(fields, Mapping) and isinstance(saved, Mapping) else fields
        if not isinstance(fields, Mapping) or field not in fields:
            known = listed(fields) if isinstance(fields, Mapping) else class_of(value)
            raise NetworkError(f"{variable!r} has no {field!r}", where=file.path, expected=f"one of {known}")
        value = fields[field]
    return value


def _candidates(
    path: Path, name: str, value: Any, wrappers: tuple[str, ...] = (), levels: int = INSIDE
) -> list[Candidate]:
    """The network that a value is; else those within it, with their paths. `any` holds what MATLAB's objects save."""
    for test, read in READERS:
        if test(value):
            return [Candidate(path, name, read, value, wrappers)]
    fields = value.fields if isinstance(value, Object) else value
    if not isinstance(fields, Mapping) or not levels:
        return []
    outer = (*wrappers, value.class_name) if isinstance(value, Object) else wrappers
    return [
        candidate
        for field, item in fields.items()
        if isinstance(item, Object | Mapping)
        for candidate in _candidates(path, name if field == "any" else f"{name}.{field}", item, outer, levels - 1)
    ]


def _listed(classes: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in classes.items()) or "none"


def _not_one(path: Path, classes: Mapping[str, str], names: Sequence[str], advice: str) -> NetworkError:
    """The error of a file with no network, or with several of these names."""
    return NetworkError(
        "holds more than one network" if names else "holds no network",
        where=path,
        expected="an object of Deep Learning Toolbox, a shallow network, MatConvNet's struct, a plain-struct export, "
        "or cells of weights with the names of their activations",
        came=f"{len(names)} networks ({', '.join(names)})" if names else f"the variables {_listed(classes)}",
        advice=f"Name one (--variable {names[0]})." if names else advice,
    )


def _advice(variables: Mapping[str, Any]) -> str:
    """The advice for a file of arrays, which does not say to which layer an array belongs; empty for other files."""
    arrays = sorted({name for name, value in variables.items() if _has_matrix(value, 3)})
    objects = [(name, value.class_name) for name, value in variables.items() if isinstance(value, Object)]
    for name, kind in objects:
        code = WAYS.get(kind, "net = {}.Network").format(name)
        return f"If {name}, a {kind}, has a network, save that: `{code}; save('net.mat', 'net')` in MATLAB."
    if not arrays:
        return ""
    return (
        f"{', '.join(arrays[:6])}{', ...' if len(arrays) > 6 else ''} may be weights, but a file of arrays says "
        "neither which layer has them nor what their axes are: declare the input, the layers, and for each weight its "
        "variable and axes in a layout file (JSON, described in docs/matlab.md), and give it by --layout."
    )


def _has_matrix(value: Any, depth: int) -> bool:
    if isinstance(value, Mapping | Cell | StructArray) and depth:
        items = value.values() if isinstance(value, Mapping) else value
        return any(_has_matrix(item, depth - 1) for item in items)
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 1
