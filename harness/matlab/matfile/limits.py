"""Limits of a `.mat` file, and the error of a file that is damaged, dangerous, or larger than they allow."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import InputError

MIB = 2**20


class MatFileError(InputError):
    """A file that is no MAT-file, that is damaged, that points outside, or that is larger than the limits."""


@dataclass(frozen=True)
class Limits:
    """Limits of a file.

    `depth` is levels of cells and structs. Contents of more than `free` bytes may be at most `inflation` times as large
    as the file. `values` counts all values, those in cells and structs included: an empty one takes 8 bytes there and
    a hundred times as much once it is read. `objects` counts what version 7.3 stores, a value named twice once: the
    library takes half a millisecond for each.
    """

    depth: int = 64
    inflation: int = 64
    free: int = 256 * MIB
    values: int = 1_000_000
    objects: int = 50_000

    def contents(self, size: int) -> int:
        """Bytes that the contents of a file of `size` bytes may have."""
        return max(self.free, self.inflation * size)


__all__ = ["MIB", "Limits", "MatFileError"]
