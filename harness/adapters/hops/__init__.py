"""Hops: one module per converter, the things under test.

A hop is a class with `name`, `source` and `target` (formats), `requires` (distributions) and `convert`, which imports
the converter. docs/extending.md lists its other facts, which have defaults. To add a hop, add a module here, or an
entry point of the group `harness.hops` in a package of your own; nothing else needs an edit.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol


class Hop(Protocol):
    """One converter: source format to target format."""

    name: ClassVar[str]
    source: ClassVar[str]
    target: ClassVar[str]
    requires: ClassVar[tuple[str, ...]]

    def convert(self, artifact: Path, out: Path) -> Path:
        """Convert the file `artifact`, write the result to `out`, and return the path written.

        Any exception counts as a refusal, and users see its message unchanged.
        """
        ...
