"""How long does the walk over a file of version 7.3 take on the worst files, and how much memory?

    python benchmarks/mat_scan.py [FILE ...]

Makes files that are as large as the limits allow in one respect each, or reads FILE, and walks over each in a process
of its own. Prints bytes, seconds of the processor, and MiB of the process, imports and pages of the file included. Exit
status 1 if one takes more than 2 s or 300 MiB. Linux only: it reads /proc.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

SECONDS, MEMORY = 2.0, 300
NONE = 2**64 - 1
DOUBLE = struct.pack("<4BI", 0x11, 0x20, 0x3F, 0, 8) + struct.pack("<HHBBBBI", 0, 64, 52, 11, 0, 52, 1023)
REFERENCE = struct.pack("<4BI", 0x17, 0, 0, 0, 8)
Messages = Sequence[tuple[int, bytes]]


class Writer:
    """The bytes of an HDF5 file, from its superblock on."""

    def __init__(self) -> None:
        self.data = bytearray(96)

    def add(self, content: bytes) -> int:
        """Append at a multiple of eight; returns the address."""
        self.data += bytes(-len(self.data) % 8)
        self.data += content
        return len(self.data) - len(content)

    def header(self, messages: Messages) -> int:
        """The header of an object."""
        body = b"".join(struct.pack("<HHB3x", kind, len(part), 0) + part for kind, part in messages)
        return self.add(struct.pack("<BxHII4x", 1, len(messages), 1, len(body)) + body)

    def group(self, members: Mapping[str, int]) -> int:
        """A group of at most as many members as one list may have."""
        names, places = bytearray(8), []
        for name in members:
            places.append(len(names))
            names += padded(name.encode() + b"\0")
        heap = self.add(b"HEAP" + bytes(4) + struct.pack("<QQQ", len(names), 1, self.add(bytes(names))))
        entries = [struct.pack("<QQ24x", *pair) for pair in zip(places, members.values(), strict=True)]
        node = self.add(b"SNOD" + struct.pack("<BBH", 1, 0, len(entries)) + b"".join(entries))
        tree = self.add(tree_of(0, [(bytes(8), node)], bytes(8)))
        return self.header([(17, struct.pack("<QQ", tree, heap))])

    def values(self, datatype: bytes, count: int, at: int, more: Messages = ()) -> int:
        """A dataset in one piece."""
        layout = padded(struct.pack("<BBQQ", 3, 1, at, 8 * count))
        return self.header([(1, space(count)), (3, datatype), (8, layout), *more])

    def cell(self, items: Sequence[int]) -> int:
        """A cell."""
        at = self.add(np.array(items, "<u8").tobytes())
        return self.values(REFERENCE, len(items), at, [attribute("MATLAB_class", b"cell")])

    def save(self, path: Path, variable: int) -> None:
        """The file, with one variable."""
        root = self.group({"net": variable})
        head = b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
        self.data[:96] = head + struct.pack("<6Q24x", 512, NONE, len(self.data) + 512, NONE, 0, root)
        path.write_bytes((b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM").ljust(512, b"\0") + self.data)


def padded(content: bytes) -> bytes:
    """Up to a multiple of eight."""
    return content + bytes(-len(content) % 8)


def space(count: int) -> bytes:
    """The size of a column."""
    return struct.pack("<BBB5x2Q", 1, 2, 0, count, 1)


def tree_of(kind: int, entries: Sequence[tuple[bytes, int]], last: bytes, level: int = 0) -> bytes:
    """A node of a tree."""
    body = b"".join(key + struct.pack("<Q", at) for key, at in entries)
    return b"TREE" + struct.pack("<BBHQQ", kind, level, len(entries), NONE, NONE) + body + last


def attribute(name: str, value: bytes) -> tuple[int, bytes]:
    """The message of an attribute with text."""
    parts = (name.encode() + b"\0", struct.pack("<4BI", 0x13, 1, 0, 0, len(value)), struct.pack("<BBB5x", 1, 0, 0))
    body = struct.pack("<BxHHH", 1, *map(len, parts)) + b"".join(map(padded, parts)) + value
    return 12, padded(body)


def objects(count: int, more: Messages) -> Callable[[Path], None]:
    """A cell of so many numbers, each with these messages beside its own."""

    def write(path: Path) -> None:
        file = Writer()
        file.save(path, file.cell([file.values(DOUBLE, 1, 0, more) for _ in range(count)]))

    return write


def chunks(path: Path) -> None:
    """A dataset of a million chunks."""
    file = Writer()
    key = struct.pack("<II", 8, 0) + bytes(24)
    leaves = [file.add(tree_of(1, [(key, 96)] * 62_500, key)) for _ in range(16)]
    top = file.add(tree_of(1, [(key, leaf) for leaf in leaves], key, 1))
    layout = padded(struct.pack("<BBBQIII", 3, 2, 3, top, 1, 1, 8))
    file.save(path, file.header([(1, space(1)), (3, DOUBLE), (8, layout)]))


def lists(path: Path) -> None:
    """Cells that share one long list."""
    file = Writer()
    at = file.add(np.full(900_000, file.values(DOUBLE, 1, 0), "<u8").tobytes())
    file.save(path, file.cell([file.values(REFERENCE, 900_000, at) for _ in range(2000)]))


def large(path: Path) -> None:
    """A matrix of 20 GB, of which the disk holds nothing."""
    file = Writer()
    file.save(path, file.values(DOUBLE, 2_500_000_000, 4096))
    with path.open("r+b") as target:
        target.truncate(20_000_005_000)


USUAL = [attribute("MATLAB_class", b"double"), attribute("H5PATH", b"/#refs#"), (18, bytes(8))]
FILES = {
    "49,000 objects": objects(49_000, USUAL),
    "60,000 objects": objects(60_000, USUAL),
    "600 attributes each": objects(1500, [attribute(f"a{k}", b"x") for k in range(600)]),
    "60,000 messages each": objects(50, [(0, b"")] * 60_000),
    "a million chunks": chunks,
    "shared lists": lists,
    "20 GB": large,
}
WALK = """
import sys, time
from pathlib import Path
from harness.matlab.matfile.scan import Limits, MatFileError, scan
started = time.process_time()
try:
    survey = scan(Path(sys.argv[1]), Limits())
    survey.check(survey.classes)
    answer = "walked"
except MatFileError as error:
    answer = error.problem
seconds = time.process_time() - started
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(seconds, int(peak.split()[1]) // 1024, answer)
"""


def walk(path: Path) -> tuple[float, int, str]:
    """Seconds, MiB and the answer of one walk."""
    run = subprocess.run([sys.executable, "-c", WALK, str(path)], capture_output=True, text=True, check=True)
    seconds, memory, answer = run.stdout.split(maxsplit=2)
    return float(seconds), int(memory), answer.strip()


def main(paths: Sequence[Path]) -> int:
    """Print the table. Returns the exit code."""
    worst = False
    print(f"{'file':24}{'bytes':>16}{'s':>8}{'MiB':>6}  answer")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in [(path.name, None) for path in paths] or FILES.items():
            path = Path(folder) / "file.mat"
            if write is None:
                path = next(path for path in paths if path.name == name)
            else:
                write(path)
            seconds, memory, answer = walk(path)
            worst = worst or seconds > SECONDS or memory > MEMORY
            print(f"{name:24}{path.stat().st_size:>16,}{seconds:>8.2f}{memory:>6}  {answer}")
    return int(worst)


if __name__ == "__main__":
    sys.exit(main([Path(text) for text in sys.argv[1:]]))
