"""Runtimes: one module per executor. A runtime runs artifacts of one format on named inputs.

A runtime is a class with `name`, `format`, `requires` and the methods `open` and `run`, which import the framework.
docs/extending.md lists the other facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from harness.spec import Array

Outputs = tuple[list[Any], list[str] | None]
"""Outputs in the artifact's order, and their names; None if the format has no names."""


class Runtime(Protocol):
    """Runs an artifact."""

    name: ClassVar[str]
    format: ClassVar[str]
    requires: ClassVar[tuple[str, ...]]

    def open(self, artifact: Path) -> Any:
        """Load the artifact, ready to be called. Raises whatever the framework raises."""
        ...

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        """Call the artifact once. Raises ValueError if it does not take these inputs."""
        ...


def check_names(names: Sequence[str], inputs: Mapping[str, Array]) -> None:
    """Raise ValueError unless the artifact's input names are those of the model, in any order."""
    if sorted(names) != sorted(inputs):
        raise ValueError(f"the artifact takes the inputs {sorted(names)}, the model has {sorted(inputs)}")
