"""Does the isolated reader read or refuse every damaged MAT file, in time and within its memory?

    python benchmarks/corrupt.py [MUTATIONS] [SEED]

Damages MUTATIONS (2000) files, a quarter of each version: files that SciPy and mat-io write, and real ones if the
environment variable PARITY_REAL_FILES names their folder. Prints for each version the files that were read and
refused, those among the refused that killed the reader, hung it or exceeded its memory, and the longest time and the
peak of memory. The right end of a request is a value or a MatFileError (for networks also a NetworkError). Any other
exception, more than 10 s or more than 1 GiB is an escape. Exit status 1 if there is one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.matlab.matfile.limits import MIB, MatFileError
from harness.matlab.readers.records import NetworkError
from harness.models.reader import MEMORY, SECONDS, Reader, ReaderFailed, network_of, variables_of
from tests.matlab.mutate import VERSIONS, mutations, sources

COLUMNS = ("mutations", "read", "refused", "crash", "hang", "memory", "ESCAPED")
SLACK = 1.0
"""Seconds to end a process that exceeds its time."""


def verdict(path: Path, reader: Reader) -> tuple[str, str]:
    """(column, message) of one damaged file."""
    try:
        variables_of(path, reader)
    except ReaderFailed as error:
        return ("ESCAPED" if error.how == "exception" else error.how), str(error)
    except MatFileError as error:
        return ("refused" if str(path) in str(error) else "ESCAPED"), str(error)
    except Exception as error:  # the escapes that this benchmark looks for
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
    """Print the table and every failure. Returns the exit code, 1 if there is an escape."""
    folder_name = os.environ.get("PARITY_REAL_FILES")
    failures = []
    print(f"{'':5}" + "".join(f"{name:>11}" for name in (*COLUMNS, "longest s", "peak MiB")))
    with tempfile.TemporaryDirectory() as folder, Reader() as reader:
        valid = sources(Path(folder), Path(folder_name) if folder_name else None)
        for version in VERSIONS:
            counts: Counter[str] = Counter()
            longest, reader.peak = 0.0, 0
            variables_of(written(Path(folder) / "valid.mat", valid[version][0].data), reader)  # starts the process
            for mutation in mutations(valid, version, count // len(VERSIONS), seed):
                started = time.perf_counter()
                column, what = verdict(written(Path(folder) / "damaged.mat", mutation.data), reader)
                spent = time.perf_counter() - started
                if (column != "hang" and spent > SECONDS + SLACK) or reader.peak > MEMORY:
                    column, what = "ESCAPED", f"{spent:.1f} s, {reader.peak // MIB} MiB"
                counts.update(["mutations", column, *(["refused"] if column in ("crash", "hang", "memory") else [])])
                longest = max(longest, spent)
                if column not in ("read", "refused"):
                    failures.append(f"{column}: {mutation.source}, {mutation.kind}, seed {mutation.seed}: {what}")
            row = "".join(f"{counts[name]:>11}" for name in COLUMNS)
            print(f"{version:5}{row}{longest:>11.2f}{reader.peak / MIB:>11.0f}", flush=True)
    print("\n".join(failures))
    return int(any(line.startswith("ESCAPED") for line in failures))


def written(path: Path, data: bytes) -> Path:
    """Write the bytes to the file. Returns its path."""
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:3]]
    sys.exit(main(*(numbers + [2000, 0][len(numbers) :])))
