"""Artifact formats: one module per format, each with a class that writes a Spec and reads it back.

Frameworks are imported inside the methods, in a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol

from harness.spec import Array, Spec


class Format(Protocol):
    """A kind of model file.

    `dialect` names the Specs it can write, `suffix` ends its file names, `worker` names the process that
    holds its framework, `requires` the distributions it needs there.

    A reproducer of a deviation at the source starts from a file of the format `saved_from`, by default of this one, or
    builds the model with the module `builder`; `recipe` then saves and opens the `model` in this format. `file` is what
    the file is called there. The other facts are those of a hop (docs/extending.md).
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    dialect: ClassVar[str | None]
    worker: ClassVar[str]
    requires: ClassVar[tuple[str, ...]]

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        """Write the model file. Raises ValueError if the format cannot express the Spec."""
        ...

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Spec and weights of a file written by `write`. Raises ValueError if it is no such file."""
        ...
