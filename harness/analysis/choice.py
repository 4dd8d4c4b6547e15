"""What a run was asked for: which layers and routes, and how much of them. Its header says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judge.record import split_id
from harness.patterns import fits
from harness.results.file import Results

BREADTH = ("hop", "opset", "all-cases", "pack")
"""Options beside the patterns that decide what there is to walk."""


@dataclass(frozen=True)
class Choice:
    """The patterns of layers and routes, and the `breadth`: all other options that decide what there is to walk."""

    layers: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    breadth: tuple[str, ...] = ()

    @classmethod
    def of(cls, results: Results | None) -> Choice:
        """The choice of a run; that of everything for None, a record."""
        options = {} if results is None else results.header.options
        return cls(
            _listed(options, "layer"),
            _listed(options, "route"),
            tuple(
                f"{name} {value}" for name in ("hop", "opset", "all-cases", "pack") for value in _listed(options, name)
            ),
        )

    def selects_layer(self, layer: str) -> bool:
        return fits(layer, self.layers)

    def covers(self, case: str, route: str) -> bool:
        """Whether layer and route of a pair fit the patterns."""
        return self.selects_layer(split_id(case)[1]) and fits(route, self.routes)


def _listed(options: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The values of an option, by whichever of its names pytest and `parity run` write it down."""
    for spelling in (name, name.replace("-", "_"), f"{name}s"):
        if value := options.get(spelling):
            several = isinstance(value, Sequence) and not isinstance(value, str)
            return tuple(map(str, value)) if several else (str(value),)
    return ()
