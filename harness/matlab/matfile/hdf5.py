"""The structures of an HDF5 file as MATLAB writes version 7.3, read from its bytes; nothing in it is opened.

MATLAB, mat-io and h5py write the form of HDF5 1.6: a superblock of version 0 or 1, object headers of version 1, groups
as symbol tables, chunks in trees of version 1. Only this form is read: `Fault` is raised for any other, so that nothing
is passed that the HDF5 library would understand in another way. It is raised too for what leads out of the file.
Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (sections in the docstrings).
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

Bytes = bytes | mmap.mmap
SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1
NAME = 4096
"""Most bytes of a name."""
DEPTH = 16
"""Most levels of a tree of chunks or names: each has at least twice as many leaves as the one above."""
NEW = "MATLAB writes the form of HDF5 1.6; `h5repack --low=0 --high=0 FILE NEW` may write it too."


class Fault(Exception):
    """What is wrong with a file: damage; with `danger`, what leads out of it, asks for too much, or is newer."""

    def __init__(
        self, problem: str, *, danger: bool = False, expected: str = "", came: str = "", advice: str = ""
    ) -> None:
        super().__init__(problem)
        self.problem, self.danger, self.expected, self.came, self.advice = problem, danger, expected, came, advice


# Numbers of messages of an object header (IV.A.2), of classes of datatypes (IV.A.2.d), and of filters (IV.A.2.l).
SPACE, LINKS, DATATYPE, LINK, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION, TABLE = (
    1, 2, 3, 6, 7, 8, 11, 12, 16, 17,
)  # fmt: skip
SINGLE = (SPACE, LINKS, DATATYPE, LAYOUT, FILTERS, TABLE)
IGNORED = (0, 4, 5, 10, 13, 14, 18, 19)
"""Nothing, fill values, sizes of groups, comments, dates, sizes of trees."""
NEWER = {21: "attributes", 22: "a count"}
STRING, REFERENCE, VARIABLE = 3, 7, 9
PLAIN = (0, 1, 3, 4, 5, 6, 8, 10)
"""Classes whose values are only bytes here: numbers, text, compounds, enumerations."""
DEFLATE, SHUFFLE, CHECKSUM = 1, 2, 3
KNOWN = {DEFLATE: "deflate", SHUFFLE: "shuffle", CHECKSUM: "fletcher32"}


class Values(NamedTuple):
    """Datatype and size of a dataset or attribute: its class, bytes of one value, sizes along the axes."""

    kind: int
    width: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.width


class Attribute(NamedTuple):
    """The value of an attribute."""

    values: Values
    data: bytes


class Chunk(NamedTuple):
    """A stored chunk: its place and bytes in the file, and the filters that were left out (one bit each)."""

    at: int
    size: int
    skipped: int


class Data(NamedTuple):
    """Where the values of a dataset lie: in `chunks` of `nominal` bytes after `filters`, in one piece (`nominal` 0), or
    in the header (`inline`)."""

    values: Values
    chunks: tuple[Chunk, ...]
    nominal: int = 0
    filters: tuple[int, ...] = ()
    inline: bytes = b""


@dataclass(frozen=True)
class Item:
    """One object: a group (`members` by name) or a dataset (`data`), and its attributes."""

    attributes: dict[str, Attribute] = field(default_factory=dict)
    members: dict[str, int] | None = None
    data: Data | None = None

    @property
    def matlab_class(self) -> str:
        """The value of MATLAB_class; empty where there is none."""
        attribute = self.attributes.get("MATLAB_class")
        return "" if attribute is None else attribute.data.split(b"\0")[0].decode("latin-1")

    @property
    def is_object(self) -> bool:
        """Whether the attribute MATLAB_object_decode marks an object, whose data lie with the data of all objects."""
        attribute = self.attributes.get("MATLAB_object_decode")
        return attribute is not None and attribute.data[:1] == b"\3"


class File:
    """The bytes of a file, and the objects at its addresses, which count from byte 512: MATLAB's header is before."""

    base = 512

    def __init__(self, data: Bytes, most: int) -> None:
        """`data` may be a mapped file; `most` bounds the messages, names and chunks that are read. Raises Fault for a
        superblock (II.A) of another form."""
        self.data, self.left = data, most
        version, sizes = self.unpack("<B", 8)[0], self.unpack("<BB", 13)
        if version > 1:
            raise Fault(
                f"is an HDF5 file of a newer form (superblock {version})", expected="0 or 1", danger=True, advice=NEW
            )
        if sizes != (8, 8):
            raise Fault(f"has addresses of {sizes[0]} and sizes of {sizes[1]} bytes", expected="8 bytes each")
        at = 24 + 4 * version
        base, _, _, driver = self.unpack("<4Q", at)
        if base != self.base:
            raise Fault(f"has its base at byte {base}", expected=f"{self.base}")
        if driver != UNDEFINED:
            raise Fault("is one of several files that belong together (a driver block)", danger=True)
        self.root = int(self.unpack("<Q", at + 40)[0])

    def spend(self, count: int) -> None:
        """Count so many steps; Fault if they are more than the file may take."""
        self.left -= count
        if self.left < 0:
            raise Fault("has more messages, names and chunks than are read", danger=True)

    def unpack(self, form: str, at: int) -> tuple[Any, ...]:
        """Numbers at an address."""
        size = struct.calcsize(form)
        return struct.unpack(form, self.piece(at, size))

    def piece(self, at: int, size: int) -> bytes:
        """The bytes at an address."""
        start = at + self.base
        if at < 0 or start + size > len(self.data):
            raise Fault(f"claims {size} bytes at {start}, and ends at {len(self.data)}")
        return bytes(self.data[start : start + size])

    def item(self, at: int) -> Item:
        """The object whose header (IV.A.1.a) is at an address."""
        single: dict[int, bytes] = {}
        attributes: dict[str, Attribute] = {}
        members: dict[str, int] = {}
        for kind, body in self._messages(at):
            if kind == ATTRIBUTE:
                self.spend(2)  # it takes three times as long as another message
                name, attribute = _attribute(body)
                attributes[name] = attribute
            elif kind == LINK:
                name, address = _link(body)
                members[name] = address
            elif kind == EXTERNAL:
                name = self._name(*struct.unpack_from("<QQ", body, 8))
                raise Fault(f"keeps its values in another file, {name!r} (external storage)", danger=True)
            elif kind not in (*SINGLE, *IGNORED):
                newer = kind in NEWER
                raise Fault(
                    f"has {NEWER[kind]} in a newer form of HDF5" if newer else f"has a message of the kind {kind}",
                    danger=newer,
                    advice=NEW if newer else "",
                )
            elif kind in single:
                raise Fault("has two messages of one kind in the header of an object")
            elif kind in SINGLE:
                single[kind] = body
        values = {SPACE, DATATYPE, LAYOUT} <= single.keys()
        group = bool(members) or not single.keys().isdisjoint((TABLE, LINKS))
        if group == values:
            raise Fault("has an object that is neither a group nor a dataset, or both")
        if values:
            return Item(attributes, data=self._data(single))
        if LINKS in single and (dense := _dense(single[LINKS])):
            raise Fault(
                "has a group in a newer form of HDF5, as links to other files need", came=dense, danger=True, advice=NEW
            )
        return Item(attributes, members=members | (self._members(single[TABLE]) if TABLE in single else {}))

    def _messages(self, at: int) -> Iterator[tuple[int, bytes]]:
        version, count, _, size = self.unpack("<BxHIi", at)
        if version != 1:
            newer = self.piece(at, 4) == b"OHDR"
            what = "has an object in a newer form of HDF5" if newer else f"has no object at byte {at + self.base}"
            raise Fault(what, expected="a header of version 1", danger=newer, advice=NEW if newer else "")
        blocks, seen = [(at + 16, size)], 0
        for start, length in blocks:  # which grows
            block = self.piece(start, length)
            place = 0
            while place + 8 <= len(block) and seen < count:
                kind, width, flags = struct.unpack_from("<HHB", block, place)
                place += 8
                seen += 1
                self.spend(1)
                if place + width > len(block):
                    raise Fault("has a header of an object whose messages are longer than the header")
                body = block[place : place + width]
                place += width
                if flags & 2:
                    raise Fault("has a header of an object with shared parts", expected="all of them in the header")
                if kind == CONTINUATION:
                    if len(body) < 16 or len(blocks) > count:
                        raise Fault("has a header of an object without an end")
                    blocks.append(struct.unpack("<QQ", body[:16]))
                else:
                    yield kind, body

    def _members(self, table: bytes) -> dict[str, int]:
        """Names and addresses of a group (IV.A.2.r): a tree whose leaves list names of a heap."""
        tree, heap = struct.unpack("<QQ", table[:16].ljust(16, b"\xff"))
        members: dict[str, int] = {}
        for leaf in self._leaves(tree, 0, 8):
            if self.piece(leaf.at, 4) != b"SNOD":
                raise Fault("has a group whose list of names is none")
            count = self.unpack("<H", leaf.at + 6)[0]
            self.spend(count)
            block = self.piece(leaf.at + 8, 40 * count)
            for k in range(count):
                place, address, cached = struct.unpack_from("<QQI", block, 40 * k)
                name = self._name(heap, place)
                if cached == 2:
                    raise Fault(f"has a soft link, {name!r}", danger=True, expected="the value itself")
                if name in members:
                    raise Fault(f"has two values of the name {name!r}")
                members[name] = address
        return members

    def _name(self, heap: int, place: int) -> str:
        """A name in a heap (III.D)."""
        mark, size, _, start = self.unpack("<4s4xQQQ", heap)
        if mark != b"HEAP" or place >= size:
            raise Fault("has a name whose place holds none")
        text = self.piece(start + place, min(size - place, NAME))
        return text.split(b"\0")[0].decode("utf-8", "replace")

    def _leaves(self, at: int, kind: int, key: int) -> Iterator[Chunk]:
        """What the leaves of a tree of version 1 (III.A.1) point at. For chunks (kind 1) with size and filters."""
        layout = np.dtype(
            {
                "names": ["size", "skipped", "at"],
                "formats": ["<u4", "<u4", "<u8"],
                "offsets": [0, 4, key],
                "itemsize": key + 8,
            }
        )
        todo = [(at, -1)]
        visited = set()
        while todo:
            node, level = todo.pop()
            if node in visited:
                raise Fault("has a tree that leads back to itself")
            visited.add(node)
            mark, stored, depth, used = struct.unpack("<4sBBH", self.piece(node, 8))
            if mark != b"TREE" or stored != kind or depth > DEPTH or (level >= 0 and depth != level - 1):
                raise Fault("has a tree with a node that does not belong there")
            self.spend(used)
            entries = np.frombuffer(self.piece(node + 24, used * (key + 8)), layout)
            if depth:
                todo += [(int(child), depth) for child in entries["at"]]
            else:
                for size, skipped, child in zip(
                    entries["size"].tolist(), entries["skipped"].tolist(), entries["at"].tolist(), strict=True
                ):
                    yield Chunk(child, size, skipped)

    def _data(self, messages: dict[int, bytes]) -> Data:
        values = _values(messages[DATATYPE], messages[SPACE])
        filters = _filters(messages[FILTERS]) if FILTERS in messages else ()
        body = messages[LAYOUT]
        version, kind = (body[0], body[1]) if body[0] > 2 else (body[0], body[2])
        if version == 4 and kind == 3:
            raise Fault("is made of values of other files (a virtual dataset)", danger=True)
        if version not in (1, 2, 3) or kind > 2:
            raise Fault(f"has a dataset of a newer form of HDF5 (layout {version}.{kind})", danger=True, advice=NEW)
        if kind == 2:
            return self._chunked(values, filters, body)
        if filters:
            raise Fault("has filters for values in one piece")
        if kind == 0:
            size = struct.unpack_from("<H", body, 2)[0] if version == 3 else 0
            if size < values.bytes or version != 3:
                raise Fault(f"has a dataset that declares {values.bytes} bytes and stores {size}", danger=True)
            return Data(values, (), inline=body[4 : 4 + size])
        at = struct.unpack_from("<Q", body, 2 if version == 3 else 8)[0]
        if not values.bytes:
            return Data(values, ())
        if at == UNDEFINED:
            raise Fault(f"has a dataset that declares {values.bytes} bytes and stores none", danger=True)
        if at + self.base + values.bytes > len(self.data):
            raise Fault(
                f"has a dataset that declares {values.bytes} bytes, and the file ends before",
                danger=values.bytes > len(self.data),
            )
        return Data(values, (Chunk(at, values.bytes, 0),))

    def _chunked(self, values: Values, filters: tuple[int, ...], body: bytes) -> Data:
        """Chunks (IV.A.2.i): as many axes as the dataset, and the bytes of one value as one more."""
        axes, start = (body[2], 3) if body[0] == 3 else (body[1], 8)
        at, *sizes = struct.unpack_from(f"<Q{axes}I", body, start)
        if axes != len(values.shape) + 1 or sizes[-1] != values.width or 0 in sizes:
            raise Fault("has chunks that do not fit their dataset")
        nominal = prod(sizes)
        chunks = tuple(self._leaves(at, 1, 8 + 8 * axes)) if at != UNDEFINED else ()
        for chunk in chunks:
            if chunk.at + self.base + chunk.size > len(self.data):
                raise Fault(f"has a chunk of {chunk.size} bytes behind the end of the file")
            if chunk.size > nominal + nominal // 1000 + 64:
                raise Fault(
                    f"has a chunk that declares {nominal} bytes and stores {chunk.size}, more than a filter adds",
                    danger=True,
                )
            if not filters and chunk.size != nominal:
                raise Fault(f"has a chunk of {chunk.size} bytes", expected=f"{nominal}")
        return Data(values, chunks, nominal, filters)

    def read(self, data: Data) -> Iterator[bytes]:
        """The bytes of a dataset, chunk by chunk in the order of the file."""
        if data.inline:
            yield data.inline
        for chunk in data.chunks:
            yield self.restored(data, chunk)

    def restored(self, data: Data, chunk: Chunk) -> bytes:
        """What a chunk held before its filters. Raises Fault for one that is damaged or holds more than it declares."""
        content = self.piece(chunk.at, chunk.size)
        for k in reversed(range(len(data.filters))):
            if not chunk.skipped >> k & 1:
                content = _reversed(data.filters[k], content, data)
        return content


def _reversed(kind: int, content: bytes, data: Data) -> bytes:
    """What went into a filter."""
    if kind == CHECKSUM:
        return content[:-4]
    if kind == SHUFFLE:
        width = data.values.width
        whole = len(content) // width * width
        table = np.frombuffer(content[:whole], np.uint8).reshape(width, -1)
        return table.T.tobytes() + content[whole:]
    return inflated(content, data.nominal)


def inflated(content: bytes | memoryview, nominal: int) -> bytes:
    """Compressed bytes, of which at most `nominal` (and a checksum of 4) come out. Raises Fault for others."""
    machine = zlib.decompressobj()
    try:
        out = machine.decompress(content, nominal + 5)
    except zlib.error as error:
        raise Fault(f"has a chunk that cannot be decompressed ({error})") from None
    if len(out) > nominal + 4:
        raise Fault(f"has a chunk that declares {nominal} bytes and holds more", danger=True)
    return out


def _values(datatype: bytes, space: bytes) -> Values:
    """Datatype (IV.A.2.d) and dataspace (IV.A.2.b)."""
    if len(datatype) < 8 or len(space) < 4:
        raise Fault("has a dataset without type or size")
    kind, width = datatype[0] & 15, struct.unpack_from("<I", datatype, 4)[0]
    if kind not in (*PLAIN, REFERENCE, VARIABLE) or (kind == REFERENCE and (datatype[1] & 15 or width != 8)):
        raise Fault(f"has values of a class of HDF5 that MATLAB does not write ({kind})")
    version, rank, start = space[0], space[1], {1: 8, 2: 4}.get(space[0], 0)
    if not start or rank > 32 or len(space) < start + 8 * rank:
        raise Fault(f"has a dataset whose size is of an unknown form ({version})")
    shape = struct.unpack_from(f"<{rank}Q", space, start)
    return Values(kind, width, (0,) if version == 2 and space[3] == 2 else shape)


def _filters(body: bytes) -> tuple[int, ...]:
    """Numbers of the filters in the order of writing (IV.A.2.l)."""
    if body[0] != 1:
        raise Fault(f"has filters in a newer form of HDF5 ({body[0]})", danger=True, advice=NEW)
    filters: list[int] = []
    at = 8
    for _ in range(body[1]):
        number, length, _, count = struct.unpack_from("<4H", body.ljust(at + 8, b"\0"), at)
        name = body[at + 8 : at + 8 + length].split(b"\0")[0].decode("ascii", "replace")
        if number not in KNOWN:
            raise Fault(
                f"needs the filter {number}" + (f" ({name!r})" if name else ""),
                danger=True,
                expected=f"one of {', '.join(KNOWN.values())}: others are code that a library would look for",
            )
        if number in filters:
            raise Fault(f"applies the filter {KNOWN[number]} twice", danger=True)
        filters.append(number)
        at += 8 + length + (-length % 8) + 4 * (count + count % 2)
    return tuple(filters)


def _link(body: bytes) -> tuple[str, int]:
    """Name and address of a link in the newer form (IV.A.2.g). Raises Fault for any but a hard one."""
    if len(body) < 4 or body[0] != 1:
        raise Fault("has a link of an unknown form")
    flags, at = body[1], 2
    kind = body[at] if flags & 8 else 0
    at += bool(flags & 8) + 8 * bool(flags & 4) + bool(flags & 16)
    width = 1 << (flags & 3)
    length = int.from_bytes(body[at : at + width], "little")
    at += width
    name = body[at : at + length].decode("utf-8", "replace")
    if kind == 64:
        other = body[at + length + 3 :].split(b"\0")[0].decode("utf-8", "replace")
        raise Fault(f"has a link {name!r} to another file, {other!r}", danger=True)
    if kind:
        what = "a soft link" if kind == 1 else f"a link of the kind {kind}"
        raise Fault(f"has {what}, {name!r}", danger=True, expected="the value itself")
    return name, int(struct.unpack_from("<Q", body, at + length)[0])


def _dense(body: bytes) -> str:
    """What says that links are stored in a heap (IV.A.2.c); empty where they are in the header."""
    heap = struct.unpack_from("<Q", body, 2 + 8 * (body[1] & 1))[0]
    return "" if heap == UNDEFINED else "links in a heap"


def _attribute(body: bytes) -> tuple[str, Attribute]:
    """Name and value of an attribute (IV.A.2.m)."""
    if len(body) < 8 or body[0] not in (1, 2, 3):
        raise Fault("has an attribute of an unknown form")
    version, shared, *lengths = struct.unpack_from("<BBHHH", body)
    if version > 1 and shared:
        raise Fault("has an attribute with shared parts")
    at, parts = 9 if version == 3 else 8, []
    for length in lengths:
        parts.append(body[at : at + length])
        at += length + (-length % 8 if version == 1 else 0)
    values = _values(parts[1], parts[2])
    if len(body) - at < values.bytes:
        raise Fault(f"has an attribute that declares {values.bytes} bytes and stores {len(body) - at}", danger=True)
    return parts[0].split(b"\0")[0].decode("utf-8", "replace"), Attribute(values, body[at : at + values.bytes])
