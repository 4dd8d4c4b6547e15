"""A function of a converter that is not as the converter's release has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MODULE = "<module>"
"""The name of what a file does when it is imported: everything outside its functions."""


@dataclass(frozen=True)
class Changed:
    """A changed or new function or method, or what a changed file does when it is imported (`<module>`, line 0).

    `file` begins with the package's own folder; results name it by its `digest`, which covers file and name too. What
    is `gone` only the release has. It has no line here, so line 0; its `<module>` stands for the whole file.
    """

    distribution: str
    release: str
    file: str
    name: str
    line: int
    digest: str
    gone: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The same for a function that two runs have in common, wherever it lies in its file."""
        return self.distribution, self.digest

    @property
    def is_file(self) -> bool:
        """Whether it is what the file does when it is imported, or the whole of a file that is gone."""
        return self.name == MODULE

    def __str__(self) -> str:
        if self.is_file:
            return self.file
        return f"{self.file}: {self.name}" if self.gone else f"{self.file}: {self.name} (line {self.line})"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Changed:
        return cls(**data)
