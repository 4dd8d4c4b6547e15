"""The requests that a worker answers, and their encoding as plain data.

The channel between processes carries numbers, texts, bytes, lists, tuples and dictionaries. `encode` and `decode`
convert everything else: arrays, paths, Specs, requests and answers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from harness.spec import Array, Spec
from harness.workers.footprint import Footprint
from harness.workers.wire import pack, unpack

A = TypeVar("A")
Arrays = Mapping[str, Array]
Outputs = tuple[Array | None, ...]
"""Outputs of an artifact for one sample, in the artifact's order; None for a missing output."""
TAG, CONTENT = "@", "of"
"""Keys of a dictionary that encodes a value of another type: the type's name, and its content."""


class Request(Generic[A]):
    """A request; `A` is the type of the answer's value."""

    @property
    def writes(self) -> Path | None:
        """The file or folder that the request asks for; None if it asks for none."""
        return None

    def discard(self) -> None:
        """Remove what a request without an answer has written, so that it can be sent again."""
        if self.writes is not None and self.writes.is_dir():
            shutil.rmtree(self.writes, ignore_errors=True)
        elif self.writes is not None:
            self.writes.unlink(missing_ok=True)


@dataclass(frozen=True)
class Failure:
    """An exception of the called code: class, message, and the last frames of the traceback.

    For a `Call`, `classes` names the class and its bases, nearest first, and `attributes` has those that are plain
    data, so that the caller can raise the exception again.
    """

    error: str
    message: str
    traceback: str = ""
    classes: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Class and message."""
        return f"{self.error}: {self.message}"


@dataclass(frozen=True)
class Answer(Generic[A]):
    """The value of a request, or its failure, and its cost.

    `seconds` is the worker's time, `resident` the resident bytes of the process afterwards. `peak` counts, for a `Call`
    only, the most resident bytes during the call beyond those before it. `entered` is the footprint of a `Convert` or
    `Run` in the packages that the worker watches, with that of the imports.
    """

    value: A | Failure
    seconds: float
    resident: int
    peak: int = 0
    entered: Footprint = field(default_factory=dict)


@dataclass(frozen=True)
class Load(Request[None]):
    """Import modules, and watch the packages in the folders `watched` from then on. Later requests may take `memory`
    bytes of address space beyond the imports (None: no limit)."""

    modules: tuple[str, ...] = ()
    memory: int | None = None
    watched: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Write(Request[None]):
    """Write a model file of a format (`reference` names its class)."""

    reference: str
    spec: Spec
    weights: Arrays
    path: Path

    @property
    def writes(self) -> Path:
        return self.path


@dataclass(frozen=True)
class Model:
    """The content of a model file."""

    spec: Spec
    weights: Arrays


@dataclass(frozen=True)
class Read(Request[Model]):
    """Read a model file back."""

    reference: str
    path: Path


@dataclass(frozen=True)
class Convert(Request[Path | None]):
    """Convert an artifact with a hop. The value is the path that the hop returns, if any."""

    reference: str
    artifact: Path
    out: Path

    @property
    def writes(self) -> Path:
        return self.out


@dataclass(frozen=True)
class Ran:
    """The outputs of each sample, in order; a sample after the first may have a failure instead.

    `names` are the artifact's output names, if its format has names. `repeats`: whether all calls on the first sample
    returned the same bits. `overwrites` names the inputs that a call wrote into. `device` holds what a runtime of a
    GPU says of where it ran, as `DeviceNote` has it.
    """

    outputs: tuple[Outputs | Failure, ...]
    names: tuple[str, ...] | None
    repeats: bool
    overwrites: tuple[str, ...] = ()
    device: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Run(Request[Ran]):
    """Open an artifact with a runtime and call it on the inputs of several samples, on the first more than once."""

    reference: str
    artifact: Path
    samples: tuple[Arrays, ...]


@dataclass(frozen=True)
class Predict(Request[tuple[Array, ...]]):
    """Run a user's model file; `trust` allows code in the file to run."""

    reference: str
    artifact: Path
    inputs: Arrays
    trust: bool


@dataclass(frozen=True)
class Call(Request[Any]):
    """Call any function (`module:name`) with plain data, arrays, paths or Specs, within `memory` bytes."""

    function: str
    arguments: tuple[Any, ...] = ()
    memory: int | None = None


MESSAGES = {cls.__name__: cls for cls in (Failure, Answer, Load, Write, Model, Read, Convert, Ran, Run, Predict, Call)}


def encode(value: Any) -> Any:
    """The value as plain data. Raises TypeError for a value of any other type."""
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    if isinstance(value, list | tuple):
        items = [encode(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Mapping):
        if TAG in value:
            raise TypeError(f"a dictionary with the key {TAG!r} cannot travel")
        return {encode(key): encode(item) for key, item in value.items()}
    kind, content = _tagged(value)
    return {TAG: kind, CONTENT: content}


def _tagged(value: Any) -> tuple[str, Any]:
    """The name of a value's type, and its content as plain data."""
    if isinstance(value, np.ndarray | np.generic):
        return "array", pack(value)
    if isinstance(value, Path):
        return "path", str(value)
    if isinstance(value, Spec):
        return "spec", value.to_json()
    if is_dataclass(value) and type(value).__name__ in MESSAGES:
        return type(value).__name__, {item.name: encode(getattr(value, item.name)) for item in fields(value)}
    raise TypeError(f"expected plain data, an array, a path or a Spec, got {type(value).__name__}: {value!r:.80}")


def decode(data: Any) -> Any:
    """The value that `encode` turned into `data`; arrays are read-only."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, tuple):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    if TAG not in data:
        return {key: decode(item) for key, item in data.items()}
    kind, content = data[TAG], data[CONTENT]
    if kind == "array":
        return unpack(content)
    if kind == "path":
        return Path(content)
    if kind == "spec":
        return Spec.from_json(content)
    return MESSAGES[kind](**{name: decode(item) for name, item in content.items()})
