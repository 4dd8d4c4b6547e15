"""Check a `.mat` file before it is read: do the sizes in its headers fit into the file?

Readers allocate the size that a header claims, and four wrong bytes can claim a terabyte. The walk over the elements
returns only the file's version.
Format: "MAT-File Format", MathWorks, https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from harness.errors import InputError
from harness.spec import Array

MIB = 2**20


class MatFileError(InputError):
    """A file that is no MAT-file, that is damaged, or that is larger than the limits."""


@dataclass(frozen=True)
class Limits:
    """Limits of a file.

    `depth` is levels of cells and structs. Contents of more than `free` bytes may be at most `inflation` times as large
    as the file. `values` counts all values, those in cells and structs included: an empty one takes 8 bytes there and
    a hundred times as much once it is read.
    """

    depth: int = 64
    inflation: int = 64
    free: int = 256 * MIB
    values: int = 1_000_000

    def contents(self, size: int) -> int:
        """Bytes that the contents of a file of `size` bytes may have."""
        return max(self.free, self.inflation * size)


HDF5 = b"\x89HDF\r\n\x1a\n"
COMPRESSED, MATRIX = 15, 14
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 14: 0, 16: 1, 17: 2, 18: 4}
"""Bytes of one value by data type; 14 is a matrix inside."""
CELL, STRUCT, OBJECT, CHAR, SPARSE, DOUBLE, UINT64, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 6, 15, 16, 17


def scan(path: Path, limits: Limits) -> str:
    """The version (`4`, `5`, `7.3`) of a file that holds together. Raises MatFileError and OSError."""
    data = path.read_bytes()
    if len(data) < 20:
        raise MatFileError(f"{len(data)} bytes are no MAT-file", where=path, advice="Was the file copied to its end?")
    if data[:8] == HDF5 or data[512:520] == HDF5:
        return "7.3"
    if 0 in data[:4]:
        _scan_v4(path, data)
        return "4"
    if len(data) < 128 and data[:6] == b"MATLAB":
        raise MatFileError(f"is cut: it ends after {len(data)} bytes, in its header of 128", where=path)
    if data[126:128] not in (b"IM", b"MI"):
        start = data[:16].decode("latin-1")
        raise MatFileError("is no MAT-file", where=path, expected="'MATLAB 5.0 MAT-file' first", came=repr(start))
    _Scan(path, "<" if data[126:128] == b"IM" else ">", limits).file(data)
    return "5"


def _scan_v4(path: Path, data: bytes) -> None:
    """Headers of five integers; each claims its own name and numbers. https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf, version 4."""  # noqa: E501 - an address
    at, count = 0, 0
    order = "<" if 0 <= struct.unpack("<i", data[:4])[0] < 5000 else ">"
    while at < len(data):
        if at + 20 > len(data):
            raise MatFileError(
                f"is cut or damaged: {len(data) - at} bytes are left over after {count} variables", where=path
            )
        kind, rows, columns, complex_too, length = struct.unpack(f"{order}5i", data[at : at + 20])
        width = {0: 8, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1}.get(kind // 10 % 10)
        if not 0 <= kind < 5000 or width is None or min(rows, columns, length) < 0 or complex_too not in (0, 1):
            raise MatFileError(f"is no MAT-file, or damaged: byte {at} is no header of version 4", where=path)
        size = rows * columns * width * (1 + complex_too) + length
        at += 20 + size
        count += 1
        if at > len(data):
            raise MatFileError(
                f"is cut or damaged: variable {count} claims {size} bytes, the file ends before", where=path
            )


class _Scan:
    """One walk over a file of version 5 to 7."""

    def __init__(self, path: Path, order: str, limits: Limits) -> None:
        self.path, self.order, self.limits = path, order, limits
        self.spare = 0
        self.values = 0

    def fault(self, problem: str, *, expected: str = "") -> MatFileError:
        return MatFileError(f"is damaged: {problem}", where=self.path, expected=expected)

    def excess(self, problem: str) -> MatFileError:
        """The error of a file that asks for more than the limits."""
        advice = "The file may be a bomb; if you trust it, raise the limit."
        return MatFileError(problem, where=self.path, advice=advice)

    def file(self, data: bytes) -> None:
        self.spare = self.limits.contents(len(data))
        offset = struct.unpack(f"{self.order}Q", data[116:124])[0]
        subsystem = 0 if data[116:124] == b" " * 8 else offset
        at, number = 128, 0
        begins = set()
        while at < len(data):
            number += 1
            where = f"variable {number}"
            if at + 8 > len(data):
                raise self.fault(f"{len(data) - at} bytes are left over after {number - 1} variables")
            kind, size = struct.unpack(f"{self.order}II", data[at : at + 8])
            if kind not in (COMPRESSED, MATRIX):
                raise self.fault(f"{where} is of data type {kind}", expected="a matrix (14) or a compressed one (15)")
            if at + 8 + size > len(data):
                raise self.fault(f"{where} claims {size} bytes, the file ends after {len(data) - at - 8}: was it cut?")
            body = memoryview(data)[at + 8 : at + 8 + size]
            begins.add(at)
            if kind == COMPRESSED:
                body = self.inside(memoryview(self.inflate(body, where)), where)
            if at == subsystem:
                self.subsystem(body)
            else:
                self.matrix(body, where, self.limits.depth)
            at += 8 + size
        if subsystem and subsystem not in begins:
            raise self.fault(f"its objects should begin at byte {subsystem}, where no variable does")

    def inside(self, data: memoryview, where: str) -> memoryview:
        """The one matrix of decompressed data."""
        kind, size = struct.unpack(f"{self.order}II", data[:8]) if len(data) >= 8 else (0, 0)
        if kind != MATRIX or size > len(data) - 8:
            raise self.fault(f"{where} is compressed, and what comes out is no matrix")
        return data[8 : 8 + size]

    def subsystem(self, body: memoryview) -> None:
        """The data of objects: bytes that are again a file, with a header of only 8 bytes."""
        where = "the data of its objects"
        self.matrix(body, where, self.limits.depth)
        _, _, at = self.element(body, 0, where)
        for _ in range(2):  # size and name
            _, _, at = self.element(body, at, where)
        _, data, _ = self.element(body, at, where)
        if len(data) < 16 or bytes(data[2:4]) not in (b"IM", b"MI"):
            raise self.fault(f"{where} does not begin as it should")
        outer, self.order = self.order, "<" if bytes(data[2:4]) == b"IM" else ">"
        self.parts(data, 8, where, self.limits.depth)
        self.order = outer

    def inflate(self, body: memoryview, where: str) -> bytes:
        machine = zlib.decompressobj()
        try:
            inflated = machine.decompress(body, self.spare)
        except zlib.error as error:
            raise self.fault(f"{where} cannot be decompressed ({error})") from None
        if machine.unconsumed_tail:
            most = self.limits.free // MIB
            raise self.excess(
                f"{where} holds more than {most} MiB and more than {self.limits.inflation} times the file's size"
            )
        if not machine.eof:
            raise self.fault(f"{where} ends before its compressed data do")
        self.spare -= len(inflated)
        return inflated

    def element(self, body: memoryview, at: int, where: str) -> tuple[int, memoryview, int]:
        """(data type, data, where the next element begins) of the element at a place."""
        if at + 8 > len(body):
            raise self.fault(f"{where} ends where another element should begin")
        word, size = struct.unpack(f"{self.order}II", body[at : at + 8])
        if word >> 16:  # a small element: size and type in one word, up to four bytes of data in the next
            kind, size, start, end = word & 0xFFFF, word >> 16, at + 4, at + 8
            if size > 4:
                raise self.fault(f"{where} has a small element of {size} bytes")
        else:
            kind, start = word, at + 8
            end = start + size + (0 if kind == MATRIX else -size % 8)
        if start + size > len(body):
            raise self.fault(f"{where} has an element of {size} bytes where {len(body) - start} are left")
        if kind not in WIDTHS:
            raise self.fault(f"{where} has an element of the unknown data type {kind}")
        return kind, body[start : start + size], min(end, len(body))

    def matrix(self, body: memoryview, where: str, depth: int) -> None:
        self.counted()
        if not len(body):
            return  # an element that was never assigned
        if depth < 0:
            raise MatFileError(f"{where} is nested deeper than {self.limits.depth} levels", where=self.path)
        _, flags, at = self.element(body, 0, where)
        if len(flags) < 8:
            raise self.fault(f"{where} has flags of {len(flags)} bytes", expected="8")
        word = struct.unpack(f"{self.order}I", flags[:4])[0]
        kind, complex_too = word & 0xFF, bool(word & 0x800)
        if kind == OPAQUE:
            self.parts(body, at, where, depth, 1)
            return
        if not 1 <= kind <= OPAQUE:
            raise self.fault(f"{where} is of class {kind}", expected="a number from 1 to 17")
        _, sizes, at = self.element(body, at, where)
        dims = struct.unpack(f"{self.order}{len(sizes) // 4}i", sizes[: len(sizes) // 4 * 4])
        if (not dims and kind != FUNCTION) or any(n < 0 for n in dims):
            raise self.fault(f"{where} has the size {list(dims)}")
        _, _, at = self.element(body, at, where)  # its name
        count = prod(dims)
        if kind == CELL:
            self.room(count * 8, body, at, where)
            self.parts(body, at, where, depth, count)
        elif kind in (STRUCT, OBJECT):
            if kind == OBJECT:
                _, _, at = self.element(body, at, where)  # its class
            self.fields(body, at, where, depth, count)
        elif kind == FUNCTION:
            self.parts(body, at, where, depth, 1)
        elif kind == SPARSE:
            self.sparse(body, at, where, dims, complex_too)
        else:
            self.numbers(body, at, where, count, kind=kind, complex_too=complex_too)

    def counted(self) -> None:
        """One value more."""
        self.values += 1
        if self.values > self.limits.values:
            raise self.excess(f"holds more than the {self.limits.values} values that are read")

    def room(self, needed: int, body: memoryview, at: int, where: str) -> None:
        if needed > len(body) - at:
            raise self.fault(f"{where} claims elements of at least {needed} bytes, {len(body) - at} are left")

    def parts(self, body: memoryview, at: int, where: str, depth: int, least: int = 0) -> None:
        """Walk the matrices that follow, at least `least`; of other elements (names, indices) only the size counts."""
        count = 0
        while at < len(body):
            kind, data, at = self.element(body, at, where)
            if kind == MATRIX:
                count += 1
                self.matrix(data, where, depth - 1)
        if count < least:
            raise self.fault(f"{where} claims {least} elements and holds {count}")

    def sparse(self, body: memoryview, at: int, where: str, dims: tuple[int, ...], complex_too: bool) -> None:
        """Indices within the size: what reads them does not look."""
        rows, at = self.indices(body, at, where)
        starts, at = self.indices(body, at, where)
        if len(dims) != 2 or len(starts) < dims[1] + 1:
            raise self.fault(f"{where} is a sparse matrix of size {list(dims)} with {len(starts)} columns' starts")
        starts = starts[: dims[1] + 1]
        many = int(starts[-1])
        if starts[0] != 0 or np.any(np.diff(starts) < 0) or many > len(rows):
            raise self.fault(f"{where} is a sparse matrix whose columns' starts do not rise from 0 to {len(rows)}")
        if many and not 0 <= int(rows[:many].min()) <= int(rows[:many].max()) < dims[0]:
            raise self.fault(f"{where} is a sparse matrix of {dims[0]} rows with values outside of them")
        self.numbers(body, at, where, many, kind=SPARSE, complex_too=complex_too)

    def indices(self, body: memoryview, at: int, where: str) -> tuple[Array, int]:
        kind, data, at = self.element(body, at, where)
        if kind not in (5, 6):
            raise self.fault(f"{where} has indices of data type {kind}", expected="whole numbers of 4 bytes (5)")
        numbers = np.frombuffer(data[: len(data) // 4 * 4], f"{self.order}i4")
        return numbers.astype(np.int64), at

    def fields(self, body: memoryview, at: int, where: str, depth: int, count: int) -> None:
        _, length, at = self.element(body, at, where)
        _, names, at = self.element(body, at, where)
        each = struct.unpack(f"{self.order}i", length[:4])[0] if len(length) >= 4 else 0
        if each < 1:
            raise self.fault(f"{where} has field names of {each} bytes")
        self.room(count * (len(names) // each) * 8, body, at, where)
        if count > len(body) and not len(names):
            raise self.fault(f"{where} claims {count} elements without fields")
        self.parts(body, at, where, depth, count * (len(names) // each))

    def numbers(self, body: memoryview, at: int, where: str, count: int, *, kind: int, complex_too: bool) -> None:
        for _ in range(2 if complex_too else 1):
            stored, data, at = self.element(body, at, where)
            width = WIDTHS[stored]
            if kind == CHAR and stored in (16, 1, 2):
                width = 1
            have = len(data) // width if width else -1
            if have < count and not (kind == CHAR and have >= 0 and count <= 4 * (len(data) + 1)):
                raise self.fault(f"{where} claims {count} values, its data hold {have}")


__all__ = ["HDF5", "Limits", "MatFileError", "scan"]
