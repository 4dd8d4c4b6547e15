"""Hops: one module per converter, the things under test.

A hop is a class with `name`, `source` and `target` (formats), `requires` (distributions) and `convert`, which imports
the converter. Whatever else the suite knows of a converter is a fact of the class too, and has a default
(docs/extending.md). To add one, add a module here, or an entry point of the group `harness.hops` in a package of your
own; nothing else is edited.
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
        """Convert the file `artifact` and write the result to `out`; return where it was written.

        Any exception counts as the converter's refusal and is shown to the user as it is.
        """
        ...
