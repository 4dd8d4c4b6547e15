"""A trace: the graph of an artifact with the local and the propagated error of each node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.outcomes import DRIFT
from harness.results.evidence import Graph, Node

FAULT = DRIFT
"""Noise units of a local error above which a node is at fault: those above which an output diverges."""
INPUT = "input:"
"""The beginning of a source that is an input of the graph."""


@dataclass(frozen=True)
class Trace:
    """The nodes of an artifact in the order in which they run; `note` says what could not be measured, and why.

    `optimiser` is the optimisation of the runtime that breaks the node at fault: '' if several do, None if none does.
    `compared` has an error in noise units for each layer of which a tensor was compared with the truth. For an ONNX
    file, the layer was computed in double precision; for a module, the module computed the layer.
    """

    kind: str
    nodes: tuple[Node, ...]
    note: str = ""
    optimiser: str | None = None
    compared: Mapping[str, float] = field(default_factory=dict)

    @property
    def first_fault(self) -> Node | None:
        """The first node whose own error, on right inputs, is more than rounding; what passes on errors has none."""
        return next((node for node in self.nodes if node.local is not None and not node.local <= FAULT), None)

    def graph(self, most: int) -> tuple[Graph, str]:
        """At most so many nodes, those around the first fault, else the last ones; and a note of what was left out."""
        if len(self.nodes) <= most:
            return Graph(self.kind, self.nodes), self.note
        ids = [node.id for node in self.nodes]
        at = len(ids) if self.first_fault is None else ids.index(self.first_fault.id)
        start = min(max(at - most // 2, 0), len(ids) - most)
        parts = [f"{most:,} of {len(ids):,} nodes shown", self.note]
        return Graph(self.kind, self.nodes[start : start + most]), "; ".join(filter(None, parts))

    def to_plain(self) -> dict[str, Any]:
        """The trace as plain data, which travels between processes."""
        nodes = [node.to_json() for node in self.nodes]
        rest = {"note": self.note, "optimiser": self.optimiser, "compared": dict(self.compared)}
        return {"kind": self.kind, "nodes": nodes, **rest}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Trace:
        nodes = tuple(Node.from_json(node) for node in data["nodes"])
        return cls(data["kind"], nodes, data["note"], data["optimiser"], data["compared"])


def unique(names: Iterable[str]) -> list[str]:
    """The names in their order, each made unique by a number where it comes again: a, a#2, a#3."""
    taken: dict[str, int] = {}
    result = []
    for name in names:
        taken[name] = taken.get(name, 0) + 1
        result.append(name if taken[name] == 1 else f"{name}#{taken[name]}")
    return result


def measured(node: Node, *, local: float | None = None, propagated: float | None = None) -> Node:
    """The node with larger errors where these are larger; several outputs have the error of the worst."""
    return replace(node, local=_larger(node.local, local), propagated=_larger(node.propagated, propagated))


def _larger(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else max(one, other)
