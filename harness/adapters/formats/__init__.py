"""Artifact formats: one module per format, with a class that writes a Spec to a file and reads it back.

The methods import the framework, in a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol

from harness.spec import Array, Spec


class Format(Protocol):
    """A kind of model file.

    It writes Specs of `dialect` to files that end in `suffix`, in the worker `worker`, which needs the distributions
    `requires`.

    The reproducer of a deviation at the source loads a file of the format `saved_from`, by default this format, or
    builds the model with the module `builder`. Its `recipe` saves that `model` in this format and opens it. `file` is
    the name of the file there. The other facts are those of a hop (docs/extending.md).
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
        """Read Spec and weights of a file that `write` wrote. Raises ValueError for any other file."""
        ...
