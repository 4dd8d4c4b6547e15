"""One struct of a MatConvNet file: its fields by name, and readers of these that check types and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, StructArray
from harness.matlab.readers.records import NetworkError
from harness.spec import Array

Place = Path | str
"""The place of a network: the file, or the file and the variable."""


class SimpleNNError(NetworkError):
    """A file without a SimpleNN network, or with a broken one."""


def restored(array: Array, rank: int) -> Array:
    """The array with the trailing dimensions of size 1 that MATLAB drops when it saves. It keeps leading and inner
    ones, so the rank alone says what is missing."""
    return array.reshape(array.shape + (1,) * (rank - array.ndim))


class Fields:
    """One struct of the file. Its readers raise SimpleNNError for a value of another type or size."""

    def __init__(self, where: Place, what: str, value: Any) -> None:
        if isinstance(value, StructArray) and len(value):
            value = value.items[0]
        if not isinstance(value, Mapping):
            raise SimpleNNError(f"{what} is no struct", where=where, expected="one with the fields 'type' and 'name'")
        self.where, self.what, self._fields = where, what, value

    @property
    def place(self) -> str:
        """What messages call the struct: the file, the layer, its type."""
        kind = self._fields.get("type")
        return f"{self.where}: {self.what}" + (f" ({kind})" if isinstance(kind, str) else "")

    def fault(self, name: str, expected: str, *, came: str = "") -> SimpleNNError:
        """The error of a field that is absent or does not fit; `came` replaces its class and size."""
        value = self._fields.get(name)
        if value is None:
            return SimpleNNError(f"field {name!r} is absent", where=self.place, expected=expected)
        if not came and isinstance(value, np.ndarray):
            came = f"class {value.dtype} and size {value.shape}"
        elif not came:
            came = f"{type(value).__name__} {str(value)[:40]!r}"
        return SimpleNNError(f"field {name!r} does not fit", where=self.place, expected=expected, came=came)

    def get(self, name: str) -> Any:
        """The stored value; None where the field is absent or empty, which is how MATLAB says absent."""
        value = self._fields.get(name)
        empty = len(value) == 0 if isinstance(value, str | Cell) else isinstance(value, np.ndarray) and not value.size
        return None if value is None or empty else value

    def text(self, name: str, default: str | None = None) -> str:
        value = self.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.fault(name, "one line of text")
        return value

    def flag(self, name: str) -> bool | None:
        """Whether an option is true; None where it is absent."""
        value = self._fields.get(name)
        return bool(np.ravel(value)[0]) if isinstance(value, np.ndarray | bool) and np.size(value) else None

    def numbers(self, name: str, lengths: Sequence[int], default: Sequence[float] | None = None) -> list[float]:
        """A real vector of one of the lengths."""
        value = self.get(name)
        if value is None and default is not None:
            return list(default)
        if (
            not isinstance(value, np.ndarray)
            or value.dtype.kind not in "biuf"
            or value.size not in lengths
            or not np.isfinite(value).all()
        ):
            raise self.fault(name, f"{' or '.join(map(str, lengths))} finite numbers")
        return [float(number) for number in value.ravel(order="F")]

    def whole(self, name: str, length: int, default: int | None = None, *, least: int = 1) -> list[int]:
        """`length` whole numbers; a scalar stands for all of them, as in every MatConvNet option."""
        numbers = self.numbers(name, (1, length), None if default is None else (default,))
        if any(number != int(number) or number < least for number in numbers):
            raise self.fault(name, f"whole numbers of at least {least}")
        return [int(number) for number in numbers] * (length if len(numbers) == 1 else 1)

    def sizes(self, name: str) -> list[int | None]:
        """A size vector; sizes that are not positive whole numbers (NaN, 0) are open."""
        value = self.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            return []
        return [int(n) if np.isfinite(n) and n >= 1 else None for n in value.ravel(order="F")]

    def single(self, name: str, value: Any) -> Array:
        """Numbers as float32: MatConvNet's networks are single, whatever a script saved."""
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
            raise self.fault(name, "real numbers (a gpuArray must be gathered before it is saved)")
        return np.array(value, dtype=np.float32, order="C")

    def weights(self, old: Sequence[str] = ("filters", "biases")) -> list[Array | None]:
        """The cell `weights`, or the fields of the `old` names, as before MatConvNet 1.0-beta10; None for [].

        There are at least three, None where the file has fewer.
        """
        cell = self.get("weights")
        if cell is None:
            values = [(name, self.get(name)) for name in old]
        elif isinstance(cell, Cell):
            values = [("weights", value) for value in cell]
        else:
            raise self.fault("weights", "a cell array")
        arrays = [
            None if value is None or (isinstance(value, np.ndarray) and not value.size) else self.single(name, value)
            for name, value in values
        ]
        return arrays + [None] * (3 - len(arrays))
