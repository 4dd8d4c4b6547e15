"""Files of version 7.3 that lead out of themselves or ask for too much, written by h5py or with bytes exchanged.

A canary lies beside them: a text file and an HDF5 file with the text `CANARY`, which no message and no value may show.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

CANARY = "the-canary-sings-7f3a"
TEXT, HDF5 = "canary.txt", "canary.h5"
GIB8 = 2**30
"""Doubles in 8 GiB."""
MARK = 0x1122334455667788
HEADER = b"MATLAB 7.3 MAT-file, written by a test".ljust(124) + b"\x00\x02IM"


def canaries(folder: Path) -> None:
    """Put the canaries into a folder."""
    text = np.frombuffer(CANARY.encode("utf-16-le"), np.uint16)
    (folder / TEXT).write_bytes(text.tobytes())
    with h5py.File(folder / HDF5, "w") as file:
        marked(file.create_dataset("secret", data=text.reshape(-1, 1)), "char", MATLAB_int_decode=np.int32(2))


def marked(item: h5py.Dataset | h5py.Group, kind: str, **more: object) -> h5py.Dataset | h5py.Group:
    """An object with the attribute MATLAB_class, and others."""
    item.attrs["MATLAB_class"] = np.bytes_(kind)
    for name, value in more.items():
        item.attrs[name] = value
    return item


def cell(file: h5py.File, name: str, items: list[h5py.Dataset | h5py.Group]) -> h5py.Dataset:
    """A 1 x n cell."""
    data = file.create_dataset(name, (len(items), 1), dtype=h5py.ref_dtype)
    for k, item in enumerate(items):
        data[k, 0] = item.ref
    return marked(data, "cell")


def external(file: h5py.Group, name: str, place: str) -> h5py.Dataset:
    """A text whose values lie in another file."""
    size = len(CANARY)
    data = file.create_dataset(name, (size, 1), np.uint16, external=[(place, 0, 2 * size)])
    return marked(data, "char", MATLAB_int_decode=np.int32(2))


def virtual(file: h5py.File, name: str, source: str) -> None:
    """A text that is put together from another file."""
    size = len(CANARY)
    layout = h5py.VirtualLayout((size, 1), np.uint16)
    layout[:] = h5py.VirtualSource(source, "secret", (size, 1))
    marked(file.create_virtual_dataset(name, layout), "char", MATLAB_int_decode=np.int32(2))


def numbers(file: h5py.Group, name: str, **options: object) -> h5py.Dataset:
    """A double matrix, by h5py's own options."""
    return marked(file.create_dataset(name, **options), "double")


def in_a_cell(file, folder):
    cell(file, "net", [external(file.create_group("#refs#"), "a", TEXT)])


def by_fields(file, folder):
    group = marked(file.create_group("net"), "struct")
    group.attrs["MATLAB_fields"] = external(file.create_group("#refs#"), "a", TEXT).ref
    numbers(group, "x", data=np.eye(2))


def in_objects(file, folder):
    marked(file.create_group("#subsystem#"), "struct")
    cell(file, "#subsystem#/MCOS", [external(file.create_group("#refs#"), "a", TEXT)])
    numbers(file, "net", data=np.eye(2))


def link_in_struct(file, folder):
    group = marked(file.create_group("net"), "struct")
    group["x"] = h5py.ExternalLink(HDF5, "/secret")


def many_links(file, folder):
    for k in range(20):
        numbers(file, f"x{k}", data=np.eye(2))
    file["net"] = h5py.ExternalLink(HDF5, "/secret")


def soft_circle(file, folder):
    file["net"] = h5py.SoftLink("/other")
    file["other"] = h5py.SoftLink("/net")


def soft_to_external(file, folder):
    file["away"] = h5py.ExternalLink(HDF5, "/")
    file["net"] = h5py.SoftLink("/away/secret")


def group_in_itself(file, folder):
    group = marked(file.create_group("net"), "struct")
    numbers(group, "x", data=np.eye(2))
    group["net"] = group


def circle_of_groups(file, folder):
    first = marked(file.create_group("net"), "struct")
    second = marked(first.create_group("inner"), "struct")
    second["outer"] = first


def cell_in_itself(file, folder):
    data = cell(file, "net", [file])
    data[0, 0] = data.ref


def cells_in_each_other(file, folder):
    first = cell(file, "net", [file])
    first[0, 0] = cell(file, "#refs#/a", [first]).ref


def laughs(file, folder):
    item = numbers(file, "#refs#/a", data=np.eye(2))
    for k in range(12):
        item = cell(file, f"#refs#/b{k}" if k < 11 else "net", [item] * 10)


def many_bytes(file, folder):
    item = numbers(file, "#refs#/a", data=np.zeros((512, 512)))
    cell(file, "net", [item] * 200)


def deep_cells(file, folder):
    item = numbers(file, "#refs#/a", data=np.eye(2))
    for k in range(70):
        item = cell(file, f"#refs#/b{k}" if k < 69 else "net", [item])


def deep_structs(file, folder):
    group = marked(file.create_group("net"), "struct")
    for _ in range(70):
        group = marked(group.create_group("x"), "struct")


def a_million_references(file, folder):
    item = numbers(file, "#refs#/a", data=np.eye(2))
    data = file.create_dataset("net", (1_100_000, 1), h5py.ref_dtype, chunks=(100_000, 1), compression="gzip")
    every = np.full((1_100_000, 1), h5py.h5o.get_info(item.id).addr, np.uint64)
    data.id.write(h5py.h5s.ALL, h5py.h5s.ALL, every, h5py.h5t.STD_REF_OBJ)
    marked(data, "cell")


def unwritten(file, folder):
    numbers(file, "net", shape=(GIB8, 1), dtype="f8")


def unwritten_chunks(file, folder):
    numbers(file, "net", shape=(GIB8, 1), dtype="f8", chunks=(1000, 1))


def compressed_zeros(file, folder):
    data = numbers(file, "net", shape=(GIB8, 1), dtype="f8", chunks=(2**20, 1), compression="gzip")
    data[: 2**20] = 0


def wide_chunk(file, folder):
    numbers(file, "net", shape=(1, 1), maxshape=(None, 1), dtype="f8", chunks=(2**28, 1), compression="gzip")


def bomb(file, folder):
    """A chunk of 300 KiB out of which 300 MB come."""
    data = numbers(file, "net", shape=(40_000, 1), dtype="f8", chunks=(40_000, 1), compression="gzip")
    machine = zlib.compressobj(9)
    stream = b"".join([machine.compress(bytes(2**20)) for _ in range(300)]) + machine.flush()
    data.id.write_direct_chunk((0, 0), stream[: 300 * 2**10])


def swollen(file, folder):
    """A chunk that is stored with more bytes than it declares."""
    data = numbers(file, "net", shape=(1000, 1), dtype="f8", chunks=(1000, 1), compression="gzip")
    data.id.write_direct_chunk((0, 0), zlib.compress(np.random.default_rng(1).bytes(80_000)))


def wide_empty(file, folder):
    data = file.create_dataset("net", data=np.array([2**20, 2**20], np.uint64))
    marked(data, "double", MATLAB_empty=np.uint8(1))


def wide_structs(file, folder):
    data = file.create_dataset("net", data=np.array([2**20, 2**20], np.uint64))
    marked(data, "struct", MATLAB_empty=np.uint8(1))


def filtered(**options):
    def write(file, folder):
        numbers(file, "net", data=np.zeros((100, 100), options.pop("dtype", "f8")), chunks=(100, 100), **options)

    return write


def named_type(file, folder):
    file["net"] = np.dtype("f8")


def shared_type(file, folder):
    file["type"] = np.dtype("f8")
    numbers(file, "net", shape=(2, 2), dtype=file["type"])


def regions(file, folder):
    data = numbers(file, "x", data=np.eye(4))
    other = file.create_dataset("net", (1, 1), h5py.regionref_dtype)
    other[0, 0] = data.regionref[0:2]
    marked(other, "cell")


def opaque_reference(file, folder):
    cell(file, "net", [file])[0, 0] = file.ref


Writer = Callable[[h5py.File, Path], object]
BY_H5PY: Mapping[str, tuple[Writer, str]] = {
    "external": (lambda file, folder: external(file, "net", TEXT), "another file, 'canary.txt' .external storage"),
    "external absolute": (
        lambda file, folder: external(file, "net", str(folder / TEXT)),
        "keeps its values in another file, '/.*canary.txt'",
    ),
    "external in a cell": (in_a_cell, "variable 'net' keeps its values in another file"),
    "external by the names of fields": (by_fields, "variable 'net' keeps its values in another file"),
    "external in objects": (in_objects, "the data of its objects keeps its values in another file"),
    "link": (
        lambda file, folder: file.__setitem__("net", h5py.ExternalLink(HDF5, "/secret")),
        "has a link 'net' to another file, 'canary.h5'",
    ),
    "link in a struct": (link_in_struct, "variable 'net' has a link 'x' to another file, 'canary.h5'"),
    "many links": (many_links, "has a group in a newer form of HDF5, as links to other files need"),
    "soft link": (lambda file, folder: file.__setitem__("net", h5py.SoftLink("/away")), "has a soft link, 'net'"),
    "soft circle": (soft_circle, "has a soft link"),
    "soft link away": (soft_to_external, "has a link 'away' to another file|has a soft link"),
    "virtual": (lambda file, folder: virtual(file, "net", HDF5), "is made of values of other files .a virtual dataset"),
    "group in itself": (group_in_itself, "variable 'net' holds itself: a circle"),
    "circle of groups": (circle_of_groups, "variable 'net' holds itself: a circle"),
    "cell in itself": (cell_in_itself, "variable 'net' holds itself: a circle"),
    "cells in each other": (cells_in_each_other, "variable 'net' holds itself: a circle"),
    "laughs": (laughs, "variable 'net' holds more than the 1000000 values"),
    "many bytes": (many_bytes, "variable 'net' declares 419432000 bytes in a file of"),
    "deep cells": (deep_cells, "variable 'net' is nested deeper than 64 levels"),
    "deep structs": (deep_structs, "variable 'net' is nested deeper than 64 levels"),
    "a million references": (a_million_references, "variable 'net' names more than the 1000000 values"),
    "8 GiB unwritten": (unwritten, "variable 'net' has a dataset that declares 8589934592 bytes and stores none"),
    "8 GiB of chunks": (unwritten_chunks, "variable 'net' declares 8589934592 bytes in a file of"),
    "8 GiB of zeros": (compressed_zeros, "variable 'net' declares 8589934592 bytes in a file of"),
    "2 GiB chunk": (wide_chunk, "variable 'net' declares 2147483648 bytes in a file of"),
    "bomb": (bomb, "variable 'net' has a chunk that declares 320000 bytes and holds more"),
    "swollen": (swollen, "variable 'net' has a chunk that declares 8000 bytes and stores 80"),
    "wide empty": (wide_empty, "variable 'net' holds more than the 1000000 values"),
    "wide structs": (wide_structs, "variable 'net' holds more than the 1000000 values"),
    "lzf": (filtered(compression="lzf"), r"variable 'net' needs the filter 32000 \('lzf'\)"),
    "scale and offset": (filtered(scaleoffset=2, dtype="i4"), r"variable 'net' needs the filter 6 \('scaleoffset'\)"),
    "named type": (named_type, "has an object that is neither a group nor a dataset"),
    "shared type": (shared_type, "an object that is neither a group|shared parts"),
    "regions": (regions, "values of a class of HDF5 that MATLAB does not write"),
    "root in a cell": (opaque_reference, "variable 'net' holds itself: a circle"),
}
"""Files that h5py writes, each with the message that refuses it."""
NEWER: Mapping[str, tuple[Mapping[str, object], str]] = {
    "newer form": ({"libver": "latest"}, r"is an HDF5 file of a newer form \(superblock 3\)"),
    "newest of 1.8": ({"libver": ("v108", "v108")}, r"is an HDF5 file of a newer form \(superblock 2\)"),
}


def write(path: Path, writer: Writer, **options: object) -> None:
    """A file of version 7.3."""
    with h5py.File(path, "w", userblock_size=512, **options) as file:
        writer(file, path.parent)
    data = path.read_bytes()
    path.write_bytes(HEADER.ljust(512, b"\0") + data[512:])


def matrix(file: h5py.File, folder: Path) -> None:
    numbers(file, "net", data=np.arange(600.0).reshape(20, 30), chunks=(5, 30), compression="gzip", shuffle=True)


def _two(file: h5py.File, folder: Path) -> None:
    data = file.create_dataset("net", data=np.full((2, 1), MARK, np.uint64))
    marked(data, "cell")


def exchanged(old: bytes, new: bytes, count: int = 1) -> Callable[[bytes], bytes]:
    """An edit: the first place of some bytes gets others."""

    def edit(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, count)

    return edit


def _filter(number: int) -> Callable[[bytes], bytes]:
    return exchanged(struct.pack("<4H8s", 1, 8, 1, 1, b"deflate"), struct.pack("<4H8s", number, 8, 1, 1, b"deflate"))


def _tree_to_itself(data: bytes) -> bytes:
    """The tree of the chunks: a level above, whose child is the tree."""
    at = data.index(b"TREE\x01\x00")
    entry = at + 24 + 8 + 8 * 3
    return data[: at + 5] + b"\x01" + data[at + 6 : entry] + struct.pack("<Q", at - 512) + data[entry + 8 :]


def _behind_the_end(data: bytes) -> bytes:
    at = data.index(b"TREE\x01\x00") + 24 + 8 + 8 * 3
    return data[:at] + struct.pack("<Q", 2**40) + data[at + 8 :]


def _driver(data: bytes) -> bytes:
    return data[:560] + struct.pack("<Q", 96) + data[568:]


def _to(address: int) -> Callable[[bytes], bytes]:
    """Numbers that become references to an address."""

    def edit(data: bytes) -> bytes:
        kind = struct.pack("<4BI", 0x10, 0, 0, 0, 8)
        assert kind in data
        assert struct.pack("<Q", MARK) in data
        data = data.replace(kind, struct.pack("<4BI", 0x17, 0, 0, 0, 8), 1)
        return data.replace(struct.pack("<Q", MARK), struct.pack("<Q", address))

    return edit


def _moved(data: bytes) -> bytes:
    """The superblock at byte 1024, where the library looks as well, behind a variable of version 5."""
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    filler = struct.pack("<II", 14, 1024 - 136).ljust(1024 - 128, b"\0")
    return head + filler + data[512:]


BY_EDIT: Mapping[str, tuple[Writer, Callable[[bytes], bytes], str]] = {
    "unknown filter": (matrix, _filter(32008), r"variable 'net' needs the filter 32008 \('deflate'\)"),
    "reserved filter": (matrix, _filter(300), r"variable 'net' needs the filter 300"),
    "filter twice": (
        matrix,
        exchanged(struct.pack("<2H", 2, 8), struct.pack("<2H", 1, 8)),
        "applies the filter deflate twice",
    ),
    "tree to itself": (matrix, _tree_to_itself, "variable 'net' has a tree"),
    "chunk behind the end": (matrix, _behind_the_end, "chunk of .* bytes behind the end of the file"),
    "cut": (matrix, lambda data: data[: len(data) // 2], "is damaged: "),
    "driver": (matrix, _driver, "one of several files that belong together"),
    "moved": (lambda file, folder: external(file, "net", TEXT), _moved, "is of an unknown version"),
    "as version 4": (
        lambda file, folder: external(file, "net", TEXT),
        lambda data: bytes(4) + data[4:],
        "HDF5 without the header of a MAT-file",
    ),
    "as version 5": (
        lambda file, folder: external(file, "net", TEXT),
        lambda data: data[:124] + b"\x00\x01IM" + data[128:],
        "HDF5 without the header of a MAT-file",
    ),
    "hdf5 alone": (matrix, lambda data: data[512:], "HDF5 without the header of a MAT-file"),
    "other base": (matrix, lambda data: data[:536] + bytes(8) + data[544:], "has its base at byte 0"),
    "short addresses": (matrix, lambda data: data[:525] + b"\x04\x04" + data[527:], "addresses of 4 and sizes of 4"),
    "reference to nowhere": (_two, _to(2**50), "is damaged: variable 'net' claims 12 bytes at 1125899906843136"),
    "reference to a name": (_two, _to(8), "is damaged: variable 'net' has no object at byte"),
    "name of no end": (matrix, exchanged(b"HEAP", b"HOAX"), "has a name whose place holds none"),
    "huge attribute": (
        matrix,
        exchanged(struct.pack("<4BI", 0x13, 1, 0, 0, 6), struct.pack("<4BI", 0x13, 1, 0, 0, 2**31)),
        "has an attribute that declares 2147483648 bytes and stores",
    ),
}
"""Files with bytes exchanged: what is written first, the edit, the message."""
