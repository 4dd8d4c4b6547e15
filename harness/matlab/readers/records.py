"""A stored layer of Deep Learning Toolbox: class, name, properties, and readers of these that check types and sizes.

A saved object differs from its public properties; both are read. A learnable is saved as a struct with the field
`Value`, and its public property is the array. `Normalization` is saved as a struct with `Type` and the statistics, and
its public property is text, with `Mean`, `StandardDeviation`, `Min` and `Max` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import InputError
from harness.matlab.matfile.read import Cell, MatFileError, Object
from harness.spec import Array


class NetworkError(InputError):
    """A file without a readable network, or with a broken one."""


class Untrained(NetworkError):
    """A network with layers that have no weights, or no statistics of their inputs."""


class UnsupportedLayers(NetworkError):
    """A network with unknown layers; `layers` has (class, name, why) of each.

    The message lists them in this form, or as `description`.
    """

    def __init__(
        self, where: Path | str, layers: Sequence[tuple[str, str, str]], *, description: str = "", advice: str = ""
    ) -> None:
        self.layers = tuple(layers)
        each = "; ".join(f"{kind} {name!r}" + (f" ({why})" if why else "") for kind, name, why in layers)
        super().__init__(f"{len(layers)} unsupported: {description or each}", where=where, advice=advice)


@dataclass(frozen=True)
class Record:
    """One stored layer. `kind` is its class without the package."""

    class_name: str
    name: str
    properties: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return self.class_name.rpartition(".")[2]

    @property
    def place(self) -> str:
        """What messages call the layer."""
        return f"layer {self.name!r} ({self.kind})"

    def fault(self, name: str, expected: str) -> NetworkError:
        """The error of a property that is absent or does not fit."""
        value = self.properties.get(name)
        if value is None:
            return NetworkError(f"{name} is absent", where=self.place, expected=expected)
        if isinstance(value, np.ndarray):
            came = f"a {value.dtype} array of size {list(value.shape)}"
        else:
            came = f"{type(value).__name__} {str(value)[:60]!r}"
        return NetworkError(f"{name} does not fit", where=self.place, expected=expected, came=came)

    def untrained(self, name: str) -> Untrained:
        """The error of a layer without a learnable, or without a statistic of its inputs."""
        return Untrained(
            f"is untrained: it has no {name}",
            where=self.place,
            advice="Train or initialise the network before it is saved.",
        )

    def get(self, *names: str) -> Any:
        """The first of these properties that is there and not empty; of a learnable its array."""
        for name in names:
            value = self.properties.get(name)
            while (inner := inside(value, "Value")) is not None:
                value = inner
            empty = value is None or (value.size == 0 if isinstance(value, np.ndarray) else value == "")
            if not empty:
                return value
        return None

    def text(self, name: str, default: str, among: Sequence[str] = ()) -> str:
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or (among and value not in among):
            raise self.fault(name, f"one of {', '.join(among)}" if among else "text")
        return value

    def flag(self, name: str) -> bool:
        value = self.get(name)
        return bool(value.ravel()[0]) if isinstance(value, np.ndarray) else bool(value)

    def numbers(self, name: str, default: Sequence[float] | None = None) -> list[float]:
        value = self.get(name)
        if value is None and default is not None:
            return list(default)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise self.fault(name, "numbers")
        return [float(number) for number in value.ravel(order="F")]

    def number(self, name: str, default: float | None = None) -> float:
        numbers = self.numbers(name, None if default is None else [default])
        if len(numbers) != 1 or not np.isfinite(numbers[0]):
            raise self.fault(name, "one finite number")
        return numbers[0]

    def whole(self, name: str, count: int, default: int | None = None, *, least: int = 1) -> list[int]:
        """`count` whole numbers; one stands for all."""
        numbers = self.numbers(name, None if default is None else [default])
        if len(numbers) not in (1, count) or any(number != int(number) or number < least for number in numbers):
            raise self.fault(name, f"{count} whole numbers of at least {least}")
        return [int(number) for number in numbers] * (count if len(numbers) == 1 else 1)

    def size(self, name: str) -> list[int] | None:
        """Whole numbers; None where the property is absent or text, such as 'auto'."""
        value = self.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            return None
        return [int(n) for n in value.ravel(order="F")]

    def array(self, *names: str) -> Array | None:
        """A learnable or statistic as float32, in MATLAB's index order."""
        value = self.get(*names)
        if value is None:
            return None
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise self.fault(names[0], "real numbers (a gpuArray or dlarray must be gathered before it is saved)")
        return np.array(value, dtype=np.float32)

    def needed(self, name: str) -> Array:
        """A learnable, as stored. Raises NetworkError where there is none."""
        value = self.array(name)
        if value is None:
            raise self.untrained(name)
        return value

    def learnable(self, name: str, shape: Sequence[int | None]) -> Array:
        """A learnable of that shape, None where any size will do. MATLAB drops trailing dimensions of size 1.

        Raises NetworkError where there is none (a network that was never trained or initialised) or it does not fit.
        """
        value = self.needed(name)
        value = value.reshape(value.shape + (1,) * (len(shape) - value.ndim))
        stored: tuple[int, ...] = value.shape
        wanted = [size if n is None else n for n, size in zip(shape, stored, strict=False)]
        if value.ndim > len(shape) or list(stored) != wanted:
            if None in shape or value.size != np.prod(wanted, dtype=int) or value.ndim > len(shape):
                raise self.fault(name, f"a size of {['any' if n is None else n for n in shape]}")
            value = value.reshape(wanted, order="F")
        return np.ascontiguousarray(value)

    def vector(self, name: str, length: int | None = None) -> Array:
        """A learnable with one value per channel, however it is laid out."""
        value = self.needed(name)
        if length is not None and value.size != length:
            raise self.fault(name, f"{length} values")
        return value.ravel(order="F")


def inside(value: Any, *names: str) -> Any:
    """The value at a path of fields of structs and objects; None where the path breaks off."""
    for name in names:
        fields = value.fields if isinstance(value, Object) else value
        if not isinstance(fields, Mapping) or name not in fields:
            return None
        value = fields[name]
    return value


def strings(value: Any) -> list[str]:
    """The text of a char array, of a cell of char arrays, or of a table's column."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return [str(item) for item in value.ravel(order="F")]
    if isinstance(value, Cell | list | tuple):
        return [text for item in value for text in strings(item)]
    return []


def listed(variables: Mapping[str, Any]) -> str:
    """The variables of a file with MATLAB's class of each, for messages."""
    return ", ".join(f"{name} ({class_of(value)})" for name, value in variables.items()) or "none"


def class_of(value: Any) -> str:
    """MATLAB's class of a value."""
    if isinstance(value, Object):
        return value.class_name
    kinds = {"dict": "struct", "StructArray": "struct array", "Cell": "cell", "str": "char", "csc_array": "sparse"}
    if value is None:
        return "nothing"
    return kinds.get(type(value).__name__, str(getattr(value, "dtype", type(value).__name__)))


__all__ = [
    "MatFileError",
    "NetworkError",
    "Record",
    "UnsupportedLayers",
    "Untrained",
    "class_of",
    "inside",
    "listed",
    "strings",
]
