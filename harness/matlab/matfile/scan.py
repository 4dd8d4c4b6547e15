"""Check a `.mat` file before it is read: do the sizes in its headers fit into the file?

Readers allocate the size that a header claims, and four wrong bytes can claim a terabyte. A walk over the elements
finds that out; `hdf5_scan` does it for version 7.3.
Format: "MAT-File Format", MathWorks, https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from harness.matlab.matfile.hdf5 import SIGNATURE, Bytes
from harness.matlab.matfile.hdf5_scan import Hdf5Scan
from harness.matlab.matfile.limits import MIB, Limits, MatFileError
from harness.spec import Array

COMPRESSED, MATRIX = 15, 14
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 14: 0, 16: 1, 17: 2, 18: 4}
"""Bytes of one value by data type; 14 is a matrix inside."""
CELL, STRUCT, OBJECT, CHAR, SPARSE, DOUBLE, UINT64, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 6, 15, 16, 17
NAMES = "cell struct object char sparse double single int8 uint8 int16 uint16 int32 uint32 int64 uint64 function_handle"
CLASSES = dict(enumerate(NAMES.split(), start=1))
"""MATLAB's class by its number; objects name their own."""


@dataclass(frozen=True)
class Survey:
    """A file that holds together: its version (`4`, `5`, `7.3`), and MATLAB's class of each variable.

    `hollow` are variables that are objects whose data the file does not hold. What values of version 7.3 name is
    checked for the variables that are read, by `check`.
    """

    version: str
    classes: Mapping[str, str]
    hollow: frozenset[str] = frozenset()
    hdf5: Hdf5Scan | None = None

    def check(self, names: Iterable[str]) -> None:
        """Raises MatFileError where reading these variables would lead out of the file, or bring too much."""
        if self.hdf5 is not None:
            self.hdf5.check(names)


def scan(path: Path, limits: Limits) -> Survey:
    """Walk over a file. Raises MatFileError and OSError."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < 20:
            problem = f"{size} bytes are no MAT-file"
            raise MatFileError(problem, where=path, advice="Was the file copied to its end?")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if SIGNATURE in (data[:8], data[512:520]):
        return _survey_hdf5(path, data, limits)
    if 0 in data[:4]:
        return Survey("4", _scan_v4(path, data))
    if size < 128 and data[:6] == b"MATLAB":
        raise MatFileError(f"is cut: it ends after {size} bytes, in its header of 128", where=path)
    if data[126:128] not in (b"IM", b"MI"):
        start = data[:16].decode("latin-1")
        raise MatFileError("is no MAT-file", where=path, expected="'MATLAB 5.0 MAT-file' first", came=repr(start))
    if data[124:128] not in (b"\x00\x01IM", b"\x01\x00MI"):
        version = f"{data[124:126].hex()} {data[126:128].decode()}"
        raise MatFileError("is of an unknown version", where=path, expected="0001 IM or 0100 MI", came=version)
    walk = _Scan(path, "<" if data[126:128] == b"IM" else ">", limits)
    walk.file(data)
    return Survey("5", walk.classes, frozenset(() if walk.has_objects else walk.opaque))


def _survey_hdf5(path: Path, data: mmap.mmap, limits: Limits) -> Survey:
    """A file of version 7.3. Its header must say so: a reader that goes by the header takes it for another version."""
    if data[:8] == SIGNATURE or 0 in data[:4] or data[124:128] not in (b"\x00\x02IM", b"\x02\x00MI"):
        raise MatFileError(
            "is damaged: HDF5 without the header of a MAT-file of version 7.3",
            where=path,
            expected="512 bytes that begin with 'MATLAB 7.3 MAT-file'",
        )
    walk = Hdf5Scan(data, path, limits)
    return Survey("7.3", walk.classes, frozenset(walk.hollow), walk)


def _scan_v4(path: Path, data: Bytes) -> dict[str, str]:
    """Headers of five integers; each claims its own name and numbers. https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf, version 4."""  # noqa: E501 - an address
    at, count = 0, 0
    classes: dict[str, str] = {}
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
        name = data[at + 20 : at + 20 + length].split(b"\0")[0].decode("latin-1")
        classes[name] = ("double", "char", "sparse")[min(kind % 10, 2)]
        at += 20 + size
        count += 1
        if at > len(data):
            raise MatFileError(
                f"is cut or damaged: variable {count} claims {size} bytes, the file ends before", where=path
            )
    return classes


class _Scan:
    """One walk over a file of version 5 to 7."""

    def __init__(self, path: Path, order: str, limits: Limits) -> None:
        self.path, self.order, self.limits = path, order, limits
        self.spare = 0
        self.values = 0
        self.classes: dict[str, str] = {}
        self.opaque: list[str] = []
        self.has_objects = False

    def fault(self, problem: str, *, expected: str = "") -> MatFileError:
        return MatFileError(f"is damaged: {problem}", where=self.path, expected=expected)

    def excess(self, problem: str) -> MatFileError:
        """The error of a file that asks for more than the limits."""
        advice = "The file may be a bomb; if you trust it, raise the limit."
        return MatFileError(problem, where=self.path, advice=advice)

    def file(self, data: Bytes) -> None:
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
                self.has_objects = True
            else:
                self.matrix(body, where, self.limits.depth)
                self.title(body, where)
            at += 8 + size
        if subsystem and subsystem not in begins:
            raise self.fault(f"its objects should begin at byte {subsystem}, where no variable does")

    def title(self, body: memoryview, where: str) -> None:
        """Note the name and the class of a variable that has been walked over."""
        if not len(body):
            return
        _, flags, at = self.element(body, 0, where)
        kind = struct.unpack(f"{self.order}I", flags[:4])[0] & 0xFF
        texts = [b"", b"", b""]
        if kind != OPAQUE:
            _, _, at = self.element(body, at, where)  # its size
        for k in range({OPAQUE: 3, OBJECT: 2}.get(kind, 1)):  # its name, its kind of object, its class
            _, text, at = self.element(body, at, where)
            texts[k] = bytes(text)
        name, *classes = (text.decode("latin-1") for text in texts)
        self.classes[name] = classes[1] or classes[0] or CLASSES.get(kind, "")
        if kind == OPAQUE:
            self.opaque.append(name)

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
        elif kind == FUNCTION:  # an empty one, as in the workspace of an anonymous function, holds nothing
            self.parts(body, at, where, depth, min(1, count))
        elif kind == SPARSE:
            self.sparse(body, at, where, dims, complex_too)
        else:
            self.numbers(body, at, where, count, kind=kind, complex_too=complex_too)

    def counted(self, count: int = 1) -> None:
        """So many values more."""
        self.values += count
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
        self.counted(count)  # elements without fields take no room
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


__all__ = ["Limits", "MatFileError", "Survey", "scan"]
