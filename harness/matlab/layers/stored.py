"""Read properties that several families of layers have: borders, biases, and options that are plain numbers.

A property value whose meaning is not known is refused; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.matlab.layers.kind import Read, Reader, Unsupported
from harness.matlab.readers.records import Record
from harness.spec import Array


def numbers(**defaults: float) -> Reader:
    """The reader of a layer whose options are numbers, each with its default."""

    def read(record: Record) -> Read:
        return {name: record.number(name, default) for name, default in defaults.items()}, {}

    return read


def refuse(record: Record, *flags: str) -> None:
    """Raise Unsupported where one of these properties is true."""
    for name in flags:
        if record.flag(name):
            raise Unsupported(f"{name} = true")


def axes_of(record: Record) -> int:
    """How many spatial axes the layer works on, from its name."""
    return next(n for n in (1, 2, 3) if f"{n}D" in record.kind)


def border(record: Record, axes: int, what: str = "Padding") -> dict[str, Any]:
    """PaddingMode, or PaddingSize as [l r], [t b l r] or [t l f; b r k]; the same for Cropping."""
    mode = record.text(f"{what}Mode", "manual", ("manual", "same", "causal"))
    if mode != "manual":
        return {f"{what}Mode": mode}
    stored = record.get(f"{what}Size", what)
    if stored is None:
        return {f"{what}Size": [0] * (2 * axes) if axes < 3 else [[0] * 3, [0] * 3]}
    sizes = _both_sides([int(n) for n in np.asarray(stored).ravel(order="C")], axes)
    if len(sizes) != 2 * axes or min(sizes) < 0:
        raise record.fault(f"{what}Size", f"{2 * axes} whole numbers")
    return {f"{what}Size": sizes if axes < 3 else [sizes[:3], sizes[3:]]}


def _both_sides(sizes: list[int], axes: int) -> list[int]:
    """One number stands for all sides, one for each axis for the two sides of that axis."""
    if len(sizes) == 1:
        return sizes * (2 * axes)
    if len(sizes) == axes and axes > 1:
        return [n for n in sizes for _ in (0, 1)] if axes == 2 else sizes * 2
    return sizes


def padding_value(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """PaddingValue where it is one of these names or a number other than 0. Raises Unsupported for another name."""
    value = record.get("PaddingValue")
    if value is None:
        return {}
    if isinstance(value, str):
        if value not in names:
            raise Unsupported(f"PaddingValue {value!r}")
        return {"PaddingValue": value}
    number = float(value.ravel()[0])
    return {"PaddingValue": number} if number else {}


def declared(record: Record, name: str, axes: int) -> list[int | None]:
    """A size with one number for each axis; None for each where the layer does not say."""
    size = record.size(name)
    if size is None or len(size) not in (1, axes):
        return [None] * axes
    return [*size] * (axes if len(size) == 1 else 1)


def count(record: Record, name: str) -> int | None:
    """One whole number; None where the layer does not say."""
    size = record.size(name)
    return size[0] if size and len(size) == 1 else None


def bias(record: Record, length: int) -> Array:
    """The bias; zeros where there is none."""
    return np.zeros(length, np.float32) if record.get("Bias") is None else record.vector("Bias", length)
