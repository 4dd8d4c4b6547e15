"""Packs arrays as plain data `(dtype, shape, bytes)` for the channel between processes; strings as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from harness.spec import Array

STRING = "string"
Packed = tuple[str, tuple[int, ...], bytes]


def pack(array: Any) -> Packed:
    """An array of numbers, bools or strings as plain data, in C order and native byte order.

    Strings, which frameworks return as `str`, `bytes` or objects, become `str`.
    """
    value = np.asarray(array)
    if value.dtype.kind in "OSUT":
        texts = [item.decode() if isinstance(item, bytes) else str(item) for item in value.reshape(-1)]
        return STRING, tuple(int(n) for n in value.shape), json.dumps(texts).encode()
    value = value.astype(value.dtype.newbyteorder("="), order="C", copy=False)
    return value.dtype.str, tuple(int(n) for n in value.shape), value.tobytes()


def unpack(packed: Packed) -> Array:
    """The array that `pack` packed, read-only."""
    dtype, shape, data = packed
    if dtype == STRING:
        return np.array(json.loads(data), dtype=np.str_).reshape(tuple(shape))
    return np.frombuffer(data, dtype=np.dtype(dtype)).reshape(tuple(shape))


def pack_all(arrays: Mapping[str, Array]) -> dict[str, Packed]:
    """Several arrays by name."""
    return {name: pack(value) for name, value in arrays.items()}


def unpack_all(packed: Mapping[str, Packed]) -> dict[str, Array]:
    """The arrays that `pack_all` packed."""
    return {name: unpack(value) for name, value in packed.items()}
