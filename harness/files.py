"""Writes files whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import InputError


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
