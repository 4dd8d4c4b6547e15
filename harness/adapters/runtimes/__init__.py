"""Runtimes: one module per executor; each runs artifacts of one format on named inputs.

A runtime is a class with `name`, `format`, `requires` and the methods `open` and `run`, inside which the framework is
imported. docs/extending.md lists the facts that it may have besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from harness.spec import Array

Outputs = tuple[list[Any], list[str] | None]
"""Outputs in the artifact's order, and their names where the format has names."""


class InputError(ValueError):
    """The artifact's inputs are not the model's: another number, or other names."""


class Runtime(Protocol):
    """Runs an artifact."""

    name: ClassVar[str]
    format: ClassVar[str]
    requires: ClassVar[tuple[str, ...]]

    def open(self, artifact: Path) -> Any:
        """Load the artifact, ready to be called. Raises whatever the framework raises."""
        ...

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        """Outputs of one call. Raises InputError if the artifact does not take these inputs."""
        ...


def check_names(wanted: Sequence[str], inputs: Mapping[str, Array]) -> None:
    """Raise InputError unless the artifact's input names are those of the model, in any order."""
    if sorted(wanted) != sorted(inputs):
        raise InputError(f"the artifact takes the inputs {sorted(wanted)}, the model has {sorted(inputs)}")
