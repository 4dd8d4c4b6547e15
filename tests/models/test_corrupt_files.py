"""Damaged and foreign files: refused in words, in time, within memory, whatever becomes of the reader."""

from __future__ import annotations

import ctypes
import io
import os
import signal
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from harness.matlab.matfile.read import Limits, MatFileError, read_mat
from harness.matlab.matfile.scan import scan
from harness.matlab.readers.records import NetworkError, UnsupportedLayers
from harness.models.reader import (
    MEMORY,
    SECONDS,
    Reader,
    ReaderFailed,
    memory_for,
    network_of,
    reader,
    seconds_for,
    variables_of,
)
from tests.matlab.mutate import VERSIONS, mutations, sources

EACH = 38
"""Mutations of each version; `benchmarks/corrupt.py` makes many more."""
HERE = "tests.models.test_corrupt_files"
HEADER = b"MATLAB 5.0 MAT-file, written by a test".ljust(124) + b"\x00\x01IM"
pytest.importorskip("matio")


@pytest.fixture(scope="module")
def other():
    """A reader whose process also finds this module."""
    with Reader() as other_reader:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        other_reader.worker.setting.environment["PYTHONPATH"] = path
        yield other_reader


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    return sources(tmp_path_factory.mktemp("valid"))


@pytest.mark.parametrize("version", VERSIONS)
def test_mutations(version, valid, tmp_path, other):
    path = tmp_path / "damaged.mat"
    counts = {"read": 0, "refused": 0}
    for mutation in mutations(valid, version, EACH, seed=1):
        path.write_bytes(mutation.data)
        started = time.perf_counter()
        try:
            variables_of(path, other)
            counts["read"] += 1
            network_of(path, by=other)
        except MatFileError as error:
            if getattr(error, "how", "") == "exception" or str(path) not in str(error):
                pytest.fail(f"{mutation.kind}, seed {mutation.seed}: {error}")
            counts["refused"] += 1
        except NetworkError:
            pass
        assert time.perf_counter() - started < 2 * SECONDS + 5
    assert counts["read"] + counts["refused"] >= EACH
    assert min(counts.values()) > 0


def test_mutations_repeat(valid):
    for version in VERSIONS:
        first, second = (list(mutations(valid, version, 10, seed=2)) for _ in range(2))
        assert first == second
        assert first != list(mutations(valid, version, 10, seed=3))


def matrix(*elements):
    body = b"".join(elements)
    return struct.pack("<II", 14, len(body)) + body


def head(kind, *dims, name=b"x", flags=0):
    sizes = struct.pack(f"<II{len(dims)}i", 5, 4 * len(dims), *dims)
    return struct.pack("<IIII", 6, 8, kind | flags, 0) + sizes + b"\0" * (-len(sizes) % 8) + named(name)


def named(name):
    return struct.pack("<HH4s", 1, len(name), name)


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def refused(tmp_path, data, match, limits=None):
    path = tmp_path / "file.mat"
    path.write_bytes(data)
    started = time.perf_counter()
    with pytest.raises(MatFileError, match=match) as caught:
        scan(path, limits or Limits())
    assert str(path) in str(caught.value)
    with pytest.raises(MatFileError, match=match):
        read_mat(path, limits)
    assert time.perf_counter() - started < 30


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("inside.txt", "x" * 500)
    return file.getvalue()


FOREIGN = {
    "empty": (b"", "0 bytes are no MAT-file"),
    "few bytes": (b"MATLAB", "6 bytes are no MAT-file"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200), "is no MAT-file"),
    "zip": (archive(), "is no MAT-file"),
    "text": (
        b"layers = [\n  imageInputLayer([28 28 1])\n];\n" * 20,
        "is no MAT-file; expected 'MATLAB 5.0 MAT-file' first, got 'layers = ",
    ),
    "zeros": (bytes(400), "is cut or damaged|no header of version 4"),
    "header only half": (HEADER[:100], "is cut: it ends after 100 bytes, in its header"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign(name, tmp_path):
    data, match = FOREIGN[name]
    if name == "zeros":  # twenty variables without name and values: nothing is wrong with that
        path = tmp_path / "file.mat"
        path.write_bytes(data)
        assert scan(path, Limits()).version == "4"
        return
    refused(tmp_path, data, match)


def test_hdf5_that_is_none(tmp_path):
    path = tmp_path / "file.mat"
    path.write_bytes(HEADER.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + bytes(200))
    with pytest.raises(MatFileError, match="is damaged"):
        read_mat(path)


@pytest.mark.parametrize("version", ["4", "5"])
def test_cut(version, tmp_path):
    savemat(tmp_path / "whole.mat", {"a": np.eye(5), "text": "some text"}, format=version, oned_as="row")
    data = (tmp_path / "whole.mat").read_bytes()
    start = 128 if version == "5" else 0
    for length in range(start + 30, len(data), 7):
        path = tmp_path / "cut.mat"
        path.write_bytes(data[:length])
        with pytest.raises(MatFileError, match=r"cut|left over"):
            scan(path, Limits())


def test_claims_of_a_terabyte(tmp_path):
    number = element(9, bytes(8))
    huge = (2**20, 2**20)
    refused(tmp_path, HEADER + matrix(head(6, *huge), number), "claims 1099511627776 values, its data hold 1")
    refused(tmp_path, HEADER + matrix(head(1, *huge)), "claims elements of at least")
    fields = struct.pack("<HHi", 5, 4, 8) + element(1, b"field\0\0\0")
    refused(tmp_path, HEADER + matrix(head(2, *huge), fields), "claims elements of at least")
    refused(tmp_path, HEADER + matrix(head(6, -5, 2), number), "has the size")
    refused(tmp_path, HEADER + struct.pack("<II", 14, 2**31) + bytes(64), "was it cut")
    refused(
        tmp_path, HEADER + matrix(head(6, 1, 1), struct.pack("<II", 9, 2**31), bytes(8)), "has an element of 2147483648"
    )
    refused(tmp_path, struct.pack("<5i", 0, 2**20, 2**20, 0, 2) + b"x\0", "claims 8796093022210 bytes")


def test_sparse_indices(tmp_path):
    def sparse(rows, starts, flags=0):
        indices = element(5, struct.pack(f"<{len(rows)}i", *rows)) + element(
            5, struct.pack(f"<{len(starts)}i", *starts)
        )
        return HEADER + matrix(head(5, 3, 2, flags=flags), indices, element(9, np.ones(len(rows)).tobytes()))

    path = tmp_path / "right.mat"
    path.write_bytes(sparse([0, 2], [0, 1, 2]))
    assert read_mat(path)["x"].toarray().tolist() == [[1, 0], [0, 0], [0, 1]]
    refused(tmp_path, sparse([0, 9], [0, 1, 2]), "values outside")
    refused(tmp_path, sparse([0, 2], [0, 2]), "columns' starts")
    refused(tmp_path, sparse([0, 2], [0, 9, 2]), "do not rise")
    refused(tmp_path, sparse([0, 2], [0, 1, 9]), "do not rise")
    refused(tmp_path, sparse([0, 2], [0, 1, 2], flags=0x800), "ends where another element should begin")


def test_wide_sparse_of_version_4(tmp_path):
    rows = np.array([[1.0, 1.0, 5.0], [3.0, 2.0**31, 0.0]])
    path = tmp_path / "wide.mat"
    path.write_bytes(struct.pack("<5i", 2, 2, 3, 0, 2) + b"x\0" + rows.tobytes(order="F"))
    with pytest.raises(MatFileError, match=r"wide\.mat"):
        read_mat(path)


def test_bombs(tmp_path):
    limits = Limits(free=2**20, inflation=4, values=1000)
    zeros = zlib.compress(matrix(head(6, 1, 2**18), element(9, bytes(2**21))))
    refused(
        tmp_path,
        HEADER + element(15, zeros)[: 8 + len(zeros)],
        "holds more than 1 MiB and .* a bomb; if you trust it, raise the limit",
        limits,
    )
    cells = zlib.compress(matrix(head(1, 1, 50_000), struct.pack("<II", 14, 0) * 50_000))
    refused(tmp_path, HEADER + struct.pack("<II", 15, len(cells)) + cells, "more than the 1000 values", limits)


def test_deep_nesting(tmp_path):
    inner = matrix(head(6, 1, 1), element(9, bytes(8)))
    for _ in range(3000):
        inner = matrix(head(1, 1, 1, name=b""), inner)
    refused(tmp_path, HEADER + inner, "nested deeper than 64 levels")


def test_few_elements(tmp_path):
    one = matrix(head(6, 1, 1, name=b""), element(9, bytes(8)))
    refused(tmp_path, HEADER + matrix(head(1, 1, 2), one), "claims 2 elements and holds 1")


# functions that are called in the other process


def kill_myself(path):
    signal.raise_signal(signal.SIGSEGV)


def read_nowhere(path):
    ctypes.string_at(0)


def sleep(path):
    time.sleep(60)


def fill(path):
    return len(np.empty(2 * MEMORY // 8))  # which takes the room, and touches none of it


def answer(path, *arguments):
    return [
        Path(path).name,
        *arguments,
        sorted({"torch", "tensorflow", "keras"} & {k for k, v in sys.modules.items() if v}),
    ]


def die_once(path):
    marker = Path(path).with_suffix(".marker")
    if not marker.exists():
        marker.touch()
        signal.raise_signal(signal.SIGKILL)
    return "alive"


PARTS = {
    "problem": "Bias does not fit",
    "where": "net: layer 'fc'",
    "expected": "4 values",
    "came": "3",
    "advice": "Train the network.",
}


def raise_this(path, which):
    if which == "parts":
        raise NetworkError(**PARTS).at(path)
    if which == "unsupported":
        raise UnsupportedLayers(path, [("MyLayer", "first", "why")])
    raise {"network": NetworkError, "damaged": MatFileError, "value": ValueError}[which](f"{path}: told so")


@pytest.fixture
def some(tmp_path):
    path = tmp_path / "some.mat"
    path.write_bytes(b"some")
    return path


def test_call(some, other):
    assert other.call(f"{HERE}:answer", some, 1, "two", [3.0]) == ["some.mat", 1, "two", [3.0], []]
    pid = other.worker.pid
    assert other.call(f"{HERE}:answer", some) == ["some.mat", []]
    assert other.worker.pid == pid


@pytest.mark.parametrize("function", ["kill_myself", "read_nowhere"])
def test_crash(function, some, other):
    with pytest.raises(ReaderFailed, match=r"some\.mat: is damaged: reading it crashed the reader \(SIG") as caught:
        other.call(f"{HERE}:{function}", some)
    assert caught.value.how == "crash"
    assert isinstance(caught.value, MatFileError)
    assert other.call(f"{HERE}:answer", some)[0] == "some.mat"


def test_crash_of_a_used_process_is_tried_again(some, other):
    other.call(f"{HERE}:answer", some)
    assert other.call(f"{HERE}:die_once", some) == "alive"


def test_hang(some, other):
    with pytest.raises(ReaderFailed, match=r"took longer than 0\.5 s") as caught:
        other.call(f"{HERE}:sleep", some, seconds=0.5)
    assert caught.value.how == "hang"
    assert other.call(f"{HERE}:answer", some)[0] == "some.mat"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address space is limited on Linux only")
def test_memory(some, other):
    with pytest.raises(ReaderFailed, match="more memory than the limit of 1024 MiB") as caught:
        other.call(f"{HERE}:fill", some)
    assert caught.value.how == "memory"
    assert other.call(f"{HERE}:fill", some, memory=4 * MEMORY) == 2 * MEMORY // 8


def test_exceptions(some, other):
    for which, kind in (("network", NetworkError), ("damaged", MatFileError)):
        with pytest.raises(kind) as caught:
            other.call(f"{HERE}:raise_this", some, which)
        assert type(caught.value) is kind
        assert str(caught.value) == f"{some}: told so"
    with pytest.raises(UnsupportedLayers, match="1 unsupported: MyLayer 'first'") as caught:
        other.call(f"{HERE}:raise_this", some, "unsupported")
    assert caught.value.layers == (("MyLayer", "first", "why"),)
    with pytest.raises(NetworkError) as caught:
        other.call(f"{HERE}:raise_this", some, "parts")
    assert caught.value.parts == {**PARTS, "where": f"{some}: net: layer 'fc'"}
    text = f"{some}: net: layer 'fc': Bias does not fit; expected 4 values, got 3. Train the network."
    assert str(caught.value) == text
    with pytest.raises(ReaderFailed, match=r"ValueError: .*told so") as caught:
        other.call(f"{HERE}:raise_this", some, "value")
    assert caught.value.how == "exception"
    assert "Traceback" not in str(caught.value)


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        variables_of(tmp_path / "absent.mat")
    with pytest.raises(IsADirectoryError):
        variables_of(tmp_path)


def test_limits_by_size():
    assert (seconds_for(1000), memory_for(1000)) == (SECONDS, MEMORY)
    assert seconds_for(10_000_000) > SECONDS
    assert memory_for(10**9) > MEMORY


def test_summary_and_network(valid, tmp_path):
    sources = {source.name: source for source in valid["v7"]}
    path = tmp_path / "file.mat"
    path.write_bytes(sources["v7-nested"].data)
    variables = variables_of(path)
    assert (variables["cell"].kind, variables["cell"].shape) == ("cell", (2, 2))
    assert (variables["net"].kind, variables["net"].fields) == ("struct", ("layers", "meta"))
    with pytest.raises(NetworkError):
        network_of(path, "array")
    path.write_bytes(sources["v7-network"].data)
    network = network_of(path)
    assert (network.dialect, len(network.spec.layers), network.notes) == ("parity", 5, ())
    assert network.weights["conv/Weights"].shape == (3, 3, 2, 4)
    assert reader().worker.pid is not None
