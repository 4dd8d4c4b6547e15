"""Damaged `.mat` files: valid ones of each version, and seeded mutations of them that aim at what readers trust.

Random bytes mostly hit numbers, which no reader can miss; so most mutations change sizes, types, and dimensions, inside
compressed variables too, and the structures of HDF5.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.matlab.matfile.hdf5 import SIGNATURE
from harness.matlab.matfile.limits import MIB
from harness.matlab.matfile.read import MatFileError, read_mat
from harness.matlab.matfile.scan import COMPRESSED, MATRIX
from harness.matlab.matfile.write import column_cell

VERSIONS = ("v4", "v6", "v7", "v7.3")
MARKS = (b"TREE", b"HEAP", b"SNOD", b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"GCOL", b"BTHD", SIGNATURE, b"MATLAB_")
"""What the structures of an HDF5 file begin with, and its attributes that say what MATLAB's values are."""
WORDS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 14, 15, 16, 17, 255, 4096, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1)
BOMB = 400 * MIB
Mutator = Callable[[bytearray, random.Random], bytes | bytearray]


@dataclass(frozen=True)
class Source:
    """A valid file."""

    name: str
    version: str
    data: bytes


@dataclass(frozen=True)
class Mutation:
    """A damaged file, and how it was made."""

    source: str
    version: str
    kind: str
    seed: int
    data: bytes


def _plain() -> dict[str, Any]:
    generator = np.random.default_rng(7)
    return {
        "double": generator.normal(size=(7, 5)),
        "single": generator.normal(size=(3, 4, 2)).astype(np.float32),
        "whole": np.array([[2**53 + 1, -3]], dtype=np.int64),
        "small": np.arange(12, dtype=np.uint8).reshape(3, 4),
        "complex": generator.normal(size=(2, 3)) + 1j,
        "logical": np.array([[True, False, True]]),
        "text": "some text",
        "rows": np.array(["ab  ", "abcd"]),
        "empty": np.zeros((0, 3)),
    }


def _nested() -> dict[str, Any]:
    cell = np.empty((2, 2), dtype=object)
    cell[0, 0], cell[0, 1], cell[1, 0], cell[1, 1] = "a", np.eye(3), np.zeros((0, 0)), {"deep": {"deeper": "x"}}
    layers = np.empty((1, 3), dtype=object)
    for k in range(3):
        layers[0, k] = {"type": "conv", "name": f"layer{k}", "weights": np.ones((2, 2, k + 1), np.float32)}
    array = np.array([[(1.0, "one"), (2.0, "two")]], dtype=[("number", object), ("text", object)])
    return {"cell": cell, "net": {"layers": layers, "meta": {"size": 3.0}}, "array": array}


def _sparse() -> dict[str, Any]:
    import scipy.sparse

    return {"sparse": scipy.sparse.csc_array(np.diag([1.0, 0.0, 3.0, 4.0])), "after": np.ones((2, 2))}


def _network() -> dict[str, Any]:
    """A plain-struct export with a branch."""
    generator = np.random.default_rng(3)
    size = np.array([[3.0, 3.0]])
    convolution = {
        "FilterSize": size,
        "NumChannels": np.array([[2.0]]),
        "NumFilters": np.array([[4.0]]),
        "Stride": np.array([[1.0, 1.0]]),
        "PaddingSize": np.ones((1, 4)),
        "Weights": generator.normal(size=(3, 3, 2, 4)).astype(np.float32),
        "Bias": np.ones((1, 1, 4), np.float32),
    }
    normalisation = {
        "Epsilon": np.array([[1e-5]]),
        **{name: np.ones((1, 1, 4), np.float32) for name in ("TrainedMean", "TrainedVariance", "Offset", "Scale")},
    }
    layers = {
        "ImageInputLayer in": {"InputSize": np.array([[6.0, 6.0, 2.0]]), "Normalization": "none"},
        "Convolution2DLayer conv": convolution,
        "BatchNormalizationLayer norm": normalisation,
        "ReLULayer relu": {},
        "AdditionLayer add": {"NumInputs": np.array([[2.0]])},
    }
    records = []
    for title, properties in layers.items():
        kind, name = title.split()
        stored = properties or np.zeros((0, 0))
        records.append({"class": f"nnet.cnn.layer.{kind}", "name": name, "properties": stored})
    pairs = {"in": "conv", "conv": "norm", "norm": "relu", "relu": "add/in1"}
    export = {
        "format": "parity",
        "version": 1.0,
        "layers": column_cell(records),
        "connections": {
            "source": column_cell([*pairs, "norm"]),
            "destination": column_cell([*pairs.values(), "add/in2"]),
        },
        "inputs": column_cell(["in"]),
        "outputs": column_cell(["add"]),
    }
    return {"parity": export}


def sources(folder: Path, real: Path | None = None, most: int = 400_000) -> dict[str, list[Source]]:
    """Valid files by version: written here into `folder` by SciPy and mat-io, and real ones of at most so many bytes
    where there is a folder of them."""
    import matio
    from scipy.io import savemat

    sources: dict[str, list[Source]] = {version: [] for version in VERSIONS}

    def add(version: str, name: str, write: Callable[[str], object]) -> None:
        path = folder / f"{version}-{name}.mat"
        write(str(path))
        sources[version].append(Source(path.stem, version, path.read_bytes()))

    simple = {"double": np.eye(4), "text": "some text", "complex": np.ones((2, 3)) * 1j, "row": np.arange(9.0)}
    add("v4", "plain", lambda path: savemat(path, simple, format="4", appendmat=False))
    add("v4", "sparse", lambda path: savemat(path, _sparse(), format="4", appendmat=False))
    kinds = {"plain": _plain(), "nested": _nested(), "sparse": _sparse(), "network": _network()}
    for name, values in kinds.items():
        for version, packed in (("v6", False), ("v7", True)):

            def write(path: str, values: Any = values, packed: bool = packed) -> None:
                savemat(path, values, do_compression=packed, appendmat=False, oned_as="row", long_field_names=True)

            add(version, name, write)

        def write_hdf5(path: str, values: Any = values) -> None:
            matio.save_to_mat(path, values, version="v7.3")

        add("v7.3", name, write_hdf5)
    for path in sorted(real.glob("*.mat")) if real else ():
        if path.stat().st_size <= most:
            data = path.read_bytes()
            with suppress(MatFileError):  # among the real ones are damaged ones
                read_mat(path)
                sources[_version(data)].append(Source(path.stem, _version(data), data))
    return sources


def _version(data: bytes) -> str:
    if SIGNATURE in (data[:8], data[512:520]):
        return "v7.3"
    if 0 in data[:4]:
        return "v4"
    return "v7" if COMPRESSED in data[128:132] and MATRIX not in data[128:132] else "v6"


def mutations(sources: Mapping[str, list[Source]], version: str, count: int, seed: int = 0) -> Iterator[Mutation]:
    """So many damaged files of a version, the same for the same seed."""
    mutators = {**ANY, **OF_VERSION[version]}
    names = [*ANY, *OF_VERSION[version], *OF_VERSION[version]]  # those that aim, twice as often
    for k in range(count):
        number = seed * 1_000_003 + k
        chance = random.Random(f"{version} {number}")
        source = chance.choice(sources[version])
        kind = chance.choice(names)
        if kind == "bomb" and chance.random() < 0.7:  # each costs much
            kind = "inside"
        data = bytes(mutators[kind](bytearray(source.data), chance))
        yield Mutation(source.name, version, kind, number, data)


def _place(data: bytearray, chance: random.Random, length: int = 1) -> int:
    """A place anywhere, or, half of the time, in the first 2 KiB, where the structure is."""
    end = len(data) if chance.random() < 0.5 else min(len(data), 2048)
    return chance.randrange(max(1, end - length))


def flip(data: bytearray, chance: random.Random) -> bytearray:
    """One to eight bits the other way round."""
    for _ in range(chance.randint(1, 8)):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)
    return data


def run(data: bytearray, chance: random.Random) -> bytearray:
    """A run of bytes overwritten: zeros, ones, or chance."""
    length = chance.choice((1, 2, 4, 8, 16, 64, 512))
    at = _place(data, chance, length)
    length = min(length, len(data) - at)
    fill = chance.choice((b"\0" * length, b"\xff" * length, chance.randbytes(length)))
    data[at : at + length] = fill
    return data


def cut(data: bytearray, chance: random.Random) -> bytearray:
    """The end is missing."""
    return data[: chance.randrange(len(data))]


def grow(data: bytearray, chance: random.Random) -> bytearray:
    """Bytes that do not belong there."""
    at = chance.choice((len(data), _place(data, chance)))
    data[at:at] = chance.choice((b"\0", b"\xff", b"PK")) * chance.choice((1, 4, 8, 100))
    return data


def swap(data: bytearray, chance: random.Random) -> bytearray:
    """Two blocks in each other's place."""
    length = min(chance.choice((4, 8, 16, 128, 512)), len(data) // 2)
    a, b = sorted((_place(data, chance, length), _place(data, chance, length)))
    b = max(b, a + length)
    if b + length <= len(data):
        data[a : a + length], data[b : b + length] = data[b : b + length], data[a : a + length]
    return data


def repeat(data: bytearray, chance: random.Random) -> bytearray:
    """A block twice, over what followed it."""
    length = min(chance.choice((8, 56, 128, 512)), len(data) // 2)
    at = _place(data, chance, 2 * length)
    block = data[at : at + length]
    data[at + length : at + length + len(block)] = block
    return data


def header_v4(data: bytearray, chance: random.Random) -> bytearray:
    """One of the five numbers of a variable's header: type, rows, columns, complex, length of the name."""
    at, places = 0, []
    while at + 20 <= len(data):
        places.append(at)
        kind, rows, columns, imaginary, length = struct.unpack("<5i", data[at : at + 20])
        width = {0: 8, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1}.get(kind // 10 % 10, 8)
        size = rows * columns * width * (1 + imaginary) + length
        if size < 0 or not 0 <= kind < 1000:
            break
        at += 20 + size
    place = chance.choice(places) + 4 * chance.randrange(5)
    value = chance.choice((*WORDS, 10, 20, 30, 50, 51, 52, 1000, 1010, 4000))
    data[place : place + 4] = struct.pack("<I", value)
    return data


def _tags(data: bytes | bytearray, start: int, end: int, order: str, places: dict[str, list[int]]) -> None:
    """Places of tags, dimensions and flags of the elements between two places."""
    at, number = start, 0
    while at + 8 <= end:
        kind, size = struct.unpack(f"{order}II", data[at : at + 8])
        places["tags"].append(at)
        body = at + 8
        if kind >> 16:
            size, body = kind >> 16, at + 4
        if kind == MATRIX:
            _tags(data, body, min(end, body + size), order, places)
        elif number == 0 and start:
            places["flags"].append(body)
        elif number == 1 and start:
            places["dims"] += range(body, min(body + size, end), 4)
        step = 8 if kind >> 16 else 8 + size + (0 if kind in (MATRIX, COMPRESSED) else -size % 8)
        at += step
        number += 1


def _places(data: bytes | bytearray, start: int, order: str) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {"tags": [], "flags": [], "dims": []}
    _tags(data, start, len(data), order, places)
    return places


def _order(data: bytes | bytearray) -> str:
    return "<" if data[126:128] == b"IM" else ">"


def _structure(data: bytearray, start: int, order: str, chance: random.Random) -> bytearray:
    """A tag's type or size, a dimension, or the flags of a matrix, as another number."""
    places = _places(data, start, order)
    choices = [name for name, there in places.items() if there]
    if not choices:
        return flip(data, chance)
    name = chance.choice(choices)
    at = chance.choice(places[name])
    if name == "tags" and chance.random() < 0.6:
        at += 4  # its size
    if name == "flags" and chance.random() < 0.8:
        at += chance.choice((0, 1) if order == "<" else (2, 3))
        data[at : at + 1] = bytes([chance.choice((*range(20), chance.randrange(256)))])
        return data
    old = struct.unpack(f"{order}I", data[at : at + 4].ljust(4, b"\0"))[0]
    near = (old + 1, old - 1, old * 2, old + 8, old - 8, old << 16 | 4)
    data[at : at + 4] = struct.pack(f"{order}I", chance.choice((*WORDS, *near)) % 2**32)
    return data


def structure(data: bytearray, chance: random.Random) -> bytearray:
    """Version 6: the structure of elements."""
    return _structure(data, 128, _order(data), chance)


def _variables(data: bytearray) -> list[tuple[int, int]]:
    """(place, size) of the compressed variables."""
    order, at, elements = _order(data), 128, []
    while at + 8 <= len(data):
        kind, size = struct.unpack(f"{order}II", data[at : at + 8])
        if kind == COMPRESSED:
            elements.append((at, size))
        at += 8 + size
    return elements


def inside(data: bytearray, chance: random.Random) -> bytearray:
    """Version 7: a variable is decompressed, damaged, and compressed again, so that every check of zlib passes."""
    variables = _variables(data)
    if not variables:
        return structure(data, chance)
    at, size = chance.choice(variables)
    order = _order(data)
    try:
        inner = bytearray(zlib.decompress(bytes(data[at + 8 : at + 8 + size])))
    except zlib.error:
        return flip(data, chance)
    objects = inner.find(b"\0\1" + data[126:128] + b"\0" * 4, 8)
    if objects > 0 and chance.random() < 0.7:  # the data of objects are a file in a file
        inner[objects + 8 :] = _structure(inner[objects + 8 :], 0, order, chance)
    else:
        mutate = chance.choice((None, None, None, flip, run, cut, swap, repeat))
        inner = bytearray(mutate(inner, chance) if mutate else _structure(inner, 0, order, chance))
    packed = zlib.compress(bytes(inner), 1)
    data[at : at + 8 + size] = struct.pack(f"{order}II", COMPRESSED, len(packed)) + packed
    return data


@cache
def _bomb(kind: str) -> bytes:
    """A variable's compressed data that become many: one long array of zeros, or a cell of empty cells."""
    flags = struct.pack("<IIII", 6, 8, 6 if kind == "array" else 1, 0)
    count = BOMB // 8
    sizes = struct.pack("<IIii", 5, 8, 1, count)
    name = struct.pack("<HH4s", 1, 1, b"b")
    body = struct.pack("<II", 9, BOMB) if kind == "array" else b""
    each = b"\0" * 8 if kind == "array" else struct.pack("<II", MATRIX, 0)
    length = len(flags) + len(sizes) + len(name) + len(body) + BOMB
    machine = zlib.compressobj(9)
    out = [machine.compress(struct.pack("<II", MATRIX, length) + flags + sizes + name + body)]
    block = each * (MIB // 8)
    out += [machine.compress(block) for _ in range(BOMB // MIB)]
    return b"".join([*out, machine.flush()])


def bomb(data: bytearray, chance: random.Random) -> bytearray:
    """Version 7: few bytes that become hundreds of MiB."""
    packed = _bomb(chance.choice(("array", "cell")))
    return data[:116] + b"\0" * 8 + b"\x00\x01IM" + struct.pack("<II", COMPRESSED, len(packed)) + packed


def hdf5(data: bytearray, chance: random.Random) -> bytearray:
    """Version 7.3: bytes, or a number of 2, 4 or 8 bytes, close behind the beginning of a structure of HDF5."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        mark = chance.choice(MARKS)
        places, at = [], data.find(mark)
        while at >= 0:
            places.append(at)
            at = data.find(mark, at + 1)
        start = chance.choice(places) if places else _place(data, chance)
        at = min(start + chance.randrange(4, 128), len(data) - 9)
        width, code = chance.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
        value = chance.choice((*WORDS, 2**40, 2**63, 2**64 - 1, chance.randrange(2**16))) % 2 ** (8 * width)
        data[at : at + width] = struct.pack(f"<{code}", value)
    return data


def object_header(data: bytearray, chance: random.Random) -> bytearray:
    """Version 7.3: a number in one of the old object headers, which have no mark but a layout."""
    places = [
        at for at in range(520, min(len(data), 2**18) - 24, 8) if data[at] == 1 and data[at + 4 : at + 8] == b"\1\0\0\0"
    ]
    at = (chance.choice(places) if places else _place(data, chance, 400)) + 2 * chance.randrange(120)
    at = min(at, len(data) - 9)
    value = chance.choice((*WORDS, 2**32 - 1, chance.randrange(2**16)))
    data[at : at + 4] = struct.pack("<I", value)
    return data


def claim(data: bytearray, chance: random.Random) -> bytearray:
    """Version 7.3: MATLAB's class of a value is another."""
    names = (b"double", b"single", b"struct", b"cell", b"char", b"int64", b"uint32", b"uint64", b"logical", b"uint8")
    there = [name for name in names if name in data]
    if not there:
        return hdf5(data, chance)
    old = chance.choice(there)
    places, at = [], data.find(old)
    while at >= 0:
        places.append(at)
        at = data.find(old, at + 1)
    at = chance.choice(places)
    data[at : at + len(old)] = chance.choice(names)[: len(old)].ljust(len(old), b"\0")
    return data


ANY: Mapping[str, Mutator] = {"flip": flip, "run": run, "cut": cut, "grow": grow, "swap": swap, "repeat": repeat}
OF_VERSION: Mapping[str, Mapping[str, Mutator]] = {
    "v4": {"header": header_v4},
    "v6": {"structure": structure},
    "v7": {"inside": inside, "bomb": bomb},
    "v7.3": {"hdf5": hdf5, "object header": object_header, "claim": claim},
}
__all__ = ["VERSIONS", "Mutation", "Source", "mutations", "sources"]
