"""Reasons, from `benchmarks/operators.toml`, for what the corpus never reaches."""

from __future__ import annotations

import tomllib
from collections.abc import Set
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.handlers import Handler
from benchmarks.operator_values import Fact


@dataclass
class Reasons:
    """Why pairs never occur and why handlers are never entered: glob patterns, each with its reason.

    A pattern of a pair is `operator | attribute | value`, one of a handler the name of a TensorFlow operation.
    """

    pairs: dict[str, str]
    handlers: dict[str, str]
    _used: set[str] = field(default_factory=set)

    def of_pair(self, fact: Fact, writers: Set[str], idle: Set[str]) -> str:
        """The reason of a pair: its own, else that its handlers are all never entered. '' if there is none."""
        own = self._first(self.pairs, " | ".join(fact))
        if own or not writers or not writers <= idle:
            return own
        return "its handler is never entered"

    def of_handler(self, handler: Handler) -> str:
        """The reason of a handler; '' if an operation of it has none."""
        found = {self._first(self.handlers, operation) for operation in handler.operations}
        return "" if "" in found else "; ".join(sorted(found))

    @property
    def unused(self) -> list[str]:
        """Patterns that nothing fitted."""
        return [text for text in (*self.pairs, *self.handlers) if text not in self._used]

    def _first(self, patterns: dict[str, str], name: str) -> str:
        for pattern, reason in patterns.items():
            if fnmatchcase(name, pattern):
                self._used.add(pattern)
                return reason
        return ""


def load_reasons(path: Path) -> Reasons:
    """Read the file: `[[pairs]]` and `[[handlers]]`, each with `fits`, a list of patterns, and `reason`."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    read = {
        kind: {text: entry["reason"] for entry in data.get(kind, ()) for text in entry["fits"]}
        for kind in ("pairs", "handlers")
    }
    return Reasons(read["pairs"], read["handlers"])
