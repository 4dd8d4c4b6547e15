"""Writes files whole or not at all, and by one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any

from harness.errors import InputError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: there, nobody hears of the other process
    fcntl = None


class CannotWriteError(InputError):
    """A file that cannot be written: no right, no space, a folder in its place, a file in the place of its folder."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of `path`, and turn every OSError within the context into a CannotWriteError that names it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise CannotWriteError(
            f"the file cannot be written: {error.strerror or error}",
            where=path,
            advice="Name another place, or free this one.",
        ) from error


def claimed(file: IO[Any]) -> bool:
    """Claim an open file. False if another open file of the same path has the claim, in this process or another.

    The claim ends when the file is closed, or when the process ends, by a kill too. A disk without locks, and a device
    such as /dev/null, grant every claim.
    """
    if fcntl is None or not S_ISREG(os.fstat(file.fileno()).st_mode):
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def atomic_write(path: Path, data: bytes) -> None:
    """Write to a temporary file beside `path`, then rename it: a reader sees the old file or the new one.

    Raises CannotWriteError.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
