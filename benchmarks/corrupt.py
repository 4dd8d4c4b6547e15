"""Damaged MAT files through the isolated reader: is every one read or refused in words, in time, within memory?

    python benchmarks/corrupt.py [MUTATIONS] [SEED]

Makes so many (2000) damaged files, a quarter of each version, from files that SciPy and mat-io write, and from real
ones where the environment variable PARITY_REAL_FILES names a folder of them. Prints, by version, how many were read
and how many refused; how many of those killed or hung the reader or passed its limit of memory; and the worst of time
and memory. An escape is anything but a value or a MatFileError (NetworkError where a network is read), an exception of
a parser that nobody expected, more than 10 s, or more than 1 GiB. Exit status 1 where there is one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.matlab.matfile.scan import MIB, MatFileError
from harness.matlab.readers.records import NetworkError
from harness.models.reader import MEMORY, SECONDS, Reader, ReaderFailed, network_of, variables_of
from tests.matlab.mutate import VERSIONS, mutations, sources

COLUMNS = ("mutations", "read", "refused", "crash", "hang", "memory", "ESCAPED")
SLACK = 1.0
"""Seconds that it takes to end a process that was not done in time."""


def verdict(path: Path, reader: Reader) -> tuple[str, str]:
    """(column, what happened) of one damaged file."""
    try:
        variables_of(path, reader)
    except ReaderFailed as error:
        return ("ESCAPED" if error.how == "exception" else error.how), str(error)
    except MatFileError as error:
        return ("refused" if str(path) in str(error) else "ESCAPED"), str(error)
    except Exception as error:  # what must not happen, and is what is looked for
        return "ESCAPED", f"{type(error).__name__}: {error}"
    try:
        network_of(path, by=reader)
    except ReaderFailed as error:
        return ("ESCAPED" if error.how == "exception" else error.how), f"as a network: {error}"
    except (MatFileError, NetworkError):
        pass
    except Exception as error:
        return "ESCAPED", f"as a network: {type(error).__name__}: {error}"
    return "read", ""


def main(count: int, seed: int) -> int:
    """Print the table and every escape; 1 where there is one."""
    given = os.environ.get("PARITY_REAL_FILES")
    told = []
    print(f"{'':5}" + "".join(f"{name:>11}" for name in (*COLUMNS, "longest s", "peak MiB")))
    with tempfile.TemporaryDirectory() as folder, Reader() as reader:
        found = sources(Path(folder), Path(given) if given else None)
        for version in VERSIONS:
            counts: Counter[str] = Counter()
            longest, reader.peak = 0.0, 0
            variables_of(written(Path(folder) / "valid.mat", found[version][0].data), reader)  # starts the process
            for made in mutations(found, version, count // len(VERSIONS), seed):
                started = time.perf_counter()
                column, what = verdict(written(Path(folder) / "damaged.mat", made.data), reader)
                spent = time.perf_counter() - started
                if (column != "hang" and spent > SECONDS + SLACK) or reader.peak > MEMORY:
                    column, what = "ESCAPED", f"{spent:.1f} s, {reader.peak // MIB} MiB"
                counts.update(["mutations", column, *(["refused"] if column in ("crash", "hang", "memory") else [])])
                longest = max(longest, spent)
                if column not in ("read", "refused"):
                    told.append(f"{column}: {made.source}, {made.kind}, seed {made.seed}: {what}")
            row = "".join(f"{counts[name]:>11}" for name in COLUMNS)
            print(f"{version:5}{row}{longest:>11.2f}{reader.peak / MIB:>11.0f}", flush=True)
    print("\n".join(told))
    return int(any(line.startswith("ESCAPED") for line in told))


def written(path: Path, data: bytes) -> Path:
    """The file, with these bytes in it."""
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:3]]
    sys.exit(main(*(numbers + [2000, 0][len(numbers) :])))
