"""The pack of a run: the artifacts that it began with, instead of making them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PackNote:
    """A pack: its name, the digest of what it gives, and the `routes` whose beginnings come from it.

    `lacking` are the cases on record there that it does not have: on these routes, the run does not owe them.
    """

    name: str
    digest: str
    routes: tuple[str, ...]
    lacking: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} with the digest {self.digest}"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "digest": self.digest,
            "routes": list(self.routes),
            "lacking": list(self.lacking),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PackNote:
        return cls(data["name"], data["digest"], tuple(data["routes"]), tuple(data["lacking"]))
