"""Check a file of version 7.3 before a library opens it: does it lead out of itself, does it ask for too much?

The HDF5 library follows what a file names: external storage, links and virtual datasets return the contents of other
files, an unknown filter loads code, and a chunk of a few bytes becomes gigabytes. mat-io follows references, so a cell
may hold itself. This walk over headers and references refuses such files; of the numbers it reads only references.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod

import numpy as np

from harness.matlab.matfile.hdf5 import DEFLATE, REFERENCE, UNDEFINED, VARIABLE, Bytes, Data, Fault, File, Item, Values
from harness.matlab.matfile.limits import MIB, Limits, MatFileError

SUBSYSTEM = "#subsystem#"
INTERNAL = ("#refs#", SUBSYSTEM)
STEPS = 18
"""Messages, names and chunks that a file may have for each object that it may have; an attribute counts three times."""
SWELLING = 1032
"""Most bytes that come out of one byte of deflate. https://zlib.net/zlib_tech.html"""
INFLATED = 64 * MIB
"""Bytes that are decompressed at most, of chunks that could fill the memory, to see whether they hold what they
declare. The process that reads a file has a limit of memory for the others."""
HOSTILE = "A MAT-file holds its values itself: the file is damaged, or made to harm."
BOMB = "The file may be a bomb; if you trust it, raise the limit."


@dataclass
class Visit:
    """An object on the way from a variable: the objects that it names and how often, and what reading it brings."""

    at: int
    todo: list[tuple[int, int]]
    values: int = 1
    bytes: int = 0
    levels: int = 0

    def add(self, other: Visit, times: int) -> None:
        """What reading another object in this one brings, so many times."""
        self.values += times * other.values
        self.bytes += times * other.bytes
        self.levels = max(self.levels, other.levels + 1)


@dataclass
class Hdf5Scan:
    """One walk over the bytes of a file, which may be mapped. `classes` has MATLAB's class of each variable; `hollow`
    are those that are objects, where the file holds no data of objects.

    Raises MatFileError.
    """

    data: Bytes
    where: object
    limits: Limits
    classes: dict[str, str] = field(default_factory=dict)
    hollow: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.visits: dict[int, Visit | None] = {}
        self.references = self.inflated = 0
        with self.naming("the file"):
            self.file = File(self.data, STEPS * self.limits.objects)
            root = self.file.item(self.file.root)
            if root.members is None:
                raise Fault("begins with a dataset", expected="a group")
            self.members = root.members
        for name, at in self.members.items():
            if name not in INTERNAL:
                with self.naming(f"variable {name!r}"):
                    item = self.file.item(at)
                    self.classes[name] = item.matlab_class
                    if item.is_object and SUBSYSTEM not in root.members:
                        self.hollow.append(name)

    @contextmanager
    def naming(self, what: str) -> Iterator[None]:
        """Turn a Fault into the error that names the file."""
        try:
            yield
        except Fault as fault:
            problem = f"{what} {fault.problem}"
            raise MatFileError(
                problem if fault.danger else f"is damaged: {problem}",
                where=self.where,
                expected=fault.expected,
                came=fault.came,
                advice=fault.advice or (HOSTILE if fault.danger else ""),
            ) from None
        except (struct.error, IndexError, ValueError, OverflowError):
            raise MatFileError(f"is damaged: {what} ends before its header does", where=self.where) from None

    def check(self, names: Iterable[str]) -> None:
        """Walk over these variables, and over the data of all objects."""
        total = Visit(0, [], values=0)
        for name in (*names, SUBSYSTEM):
            if name in self.members:
                with self.naming("the data of its objects" if name == SUBSYSTEM else f"variable {name!r}"):
                    total.add(self.reach(self.members[name]), 1)
                    self.bound(total)

    def bound(self, visit: Visit) -> None:
        """Raise Fault where reading brings more than the limits."""
        if visit.values > self.limits.values:
            raise Fault(f"holds more than the {self.limits.values} values that are read", danger=True, advice=BOMB)
        if visit.bytes > self.limits.contents(len(self.data)):
            raise Fault(
                f"declares {visit.bytes} bytes in a file of {len(self.data)}",
                danger=True,
                expected=f"at most {self.limits.free // MIB} MiB, or {self.limits.inflation} times the file's size",
                advice=BOMB,
            )

    def reach(self, start: int) -> Visit:
        """What reading the object at an address brings. No recursion: the file decides how deep it is."""
        path = [] if self.visits.get(start) else [self.enter(start)]
        while path:
            visit = path[-1]
            if not visit.todo:
                self.bound(visit)
                self.visits[path.pop().at] = visit
                continue
            at, times = visit.todo[-1]
            other = self.visits.get(at)
            if other is None and at in self.visits:
                raise Fault("holds itself: a circle of links or references", danger=True)
            if len(path) + (other.levels if other else 0) > self.limits.depth:
                raise Fault(f"is nested deeper than {self.limits.depth} levels", danger=True, advice=BOMB)
            if other is None:
                path.append(self.enter(at))
            else:
                visit.add(other, times)
                visit.todo.pop()
        known = self.visits[start]
        assert known is not None
        return known

    def enter(self, at: int) -> Visit:
        """An object that is reached for the first time."""
        if len(self.visits) >= self.limits.objects:
            raise Fault(f"holds more than the {self.limits.objects} objects that are read", danger=True, advice=BOMB)
        self.visits[at] = None
        item = self.file.item(at)
        visit = Visit(at, [(member, 1) for member in (item.members or {}).values()])
        for attribute in item.attributes.values():
            self.follow(visit, attribute.values, [attribute.data])
        if item.data is not None:
            self.dataset(visit, item, item.data)
        return visit

    def dataset(self, visit: Visit, item: Item, data: Data) -> None:
        """The bytes of a dataset, the objects that it names, and the size of an empty value, which is its content."""
        visit.bytes = max(data.values.bytes, data.nominal)
        self.bound(visit)
        self.swelling(data)
        if data.values.kind in (REFERENCE, VARIABLE):
            self.refer(max(data.values.size, data.nominal * len(data.chunks) // data.values.width))
            self.follow(visit, data.values, self.file.read(data))
        if "MATLAB_empty" in item.attributes and any(item.attributes["MATLAB_empty"].data):
            if data.values.size > 32 or data.values.width != 8:
                raise Fault(f"is empty, and its size has {data.values.size} numbers")
            sizes = np.frombuffer(b"".join(self.file.read(data))[: data.values.bytes], "<u8")
            count = prod(sizes.tolist()) if len(sizes) else 0
            visit.values += count
            visit.bytes += 8 * count

    def refer(self, count: int) -> None:
        self.references += count
        if self.references > self.limits.values:
            raise Fault(f"names more than the {self.limits.values} values that are read", danger=True, advice=BOMB)

    def follow(self, visit: Visit, values: Values, contents: Iterable[bytes]) -> None:
        """Add the objects that references name, and the bytes of text of varying length."""
        if values.kind == REFERENCE:
            named: Counter[int] = Counter()
            for content in contents:
                table, counts = np.unique(np.frombuffer(content[: len(content) // 8 * 8], "<u8"), return_counts=True)
                named.update(dict(zip(table.tolist(), counts.tolist(), strict=True)))
            visit.todo += [(at, times) for at, times in named.items() if at not in (0, UNDEFINED)]
        elif values.kind == VARIABLE:
            for content in contents:
                lengths = np.frombuffer(content[: len(content) // 16 * 16], "<u4")[::4]
                visit.bytes += int(lengths.sum(dtype=np.uint64))

    def swelling(self, data: Data) -> None:
        """Decompress the chunks out of which more than the memory could come."""
        if DEFLATE not in data.filters:
            return
        for chunk in data.chunks:
            if chunk.size * SWELLING > self.limits.free and self.inflated + data.nominal <= INFLATED:
                self.inflated += data.nominal
                self.file.restored(data, chunk)
