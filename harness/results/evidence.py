"""The evidence of a stage that does not pass: the values in which it is wrong, and the graph of its artifact.

It is for people to look at. No judgement, record or difference reads it, and a results file is as valid without it.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.spec import Array

MOST_TEXT = 64 << 20
"""Most characters of evidence in one results file."""
SHARE_OF_EXPECTED = 0.5
"""Share of `MOST_TEXT` that deviations as expected may take: those that come first must not crowd out a failure."""


def packed(values: Array) -> str:
    """Values as text: little-endian float32 in C order, compressed by zlib, in base64."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values, "<f4").tobytes())).decode("ascii")


def unpacked(text: str, shape: Sequence[int]) -> Array:
    """The float32 array of a shape that `packed` made text of. Raises ValueError for another number of values."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<f4").reshape(tuple(shape))


@dataclass(frozen=True)
class Tensor:
    """A block of the output in which the largest error lies, with what was expected and what came.

    The block begins at the corner `start` of an output of shape `shape` and has the extent `size`. `sample` is 0 for
    the first inputs, 1 ... for further ones. `expected` and `actual` are texts of `packed`; so is `scale`, the noise
    unit of each value, unless one number holds for all. The units of a value are |actual - expected| / scale, by as
    much less exact as float32 has less digits than the golden: half a noise unit.
    """

    output: str
    sample: int
    shape: tuple[int, ...]
    start: tuple[int, ...]
    size: tuple[int, ...]
    expected: str
    actual: str
    scale: str | float

    @property
    def units(self) -> Array:
        """The error of each value of the block in noise units; NaN where one of the two is not finite."""
        expected, actual = (unpacked(text, self.size).astype(np.float64) for text in (self.expected, self.actual))
        scale = unpacked(self.scale, self.size) if isinstance(self.scale, str) else self.scale
        with np.errstate(all="ignore"):
            return np.abs(actual - expected) / scale

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "sample": self.sample,
            "shape": list(self.shape),
            "from": list(self.start),
            "size": list(self.size),
            "expected": self.expected,
            "actual": self.actual,
            "scale": self.scale,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tensor:
        return cls(
            output=data["output"],
            sample=data["sample"],
            shape=tuple(data["shape"]),
            start=tuple(data["from"]),
            size=tuple(data["size"]),
            expected=data["expected"],
            actual=data["actual"],
            scale=data["scale"],
        )


@dataclass(frozen=True)
class Node:
    """One node of an artifact's graph, or one layer of it.

    `layer` is the layer of the Spec that it came from, '' where unknown; `sources` are the ids of the nodes whose
    outputs it takes, `input:NAME` for an input of the graph. `shape` is that of its first output. `local` is the error
    of this node when it is fed what the reference has there, `propagated` that of what it gave in the artifact's own
    run; both are in noise units, and None where they were not measured.
    """

    id: str
    op: str
    layer: str = ""
    sources: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None
    local: float | None = None
    propagated: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "op": self.op,
            "layer": self.layer,
            "from": list(self.sources),
            "attributes": dict(self.attributes),
            "shape": None if self.shape is None else list(self.shape),
            "local": _strict(self.local),
            "propagated": _strict(self.propagated),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Node:
        return cls(
            id=data["id"],
            op=data["op"],
            layer=data["layer"],
            sources=tuple(data["from"]),
            attributes=data["attributes"],
            shape=None if data["shape"] is None else tuple(data["shape"]),
            local=None if data["local"] is None else float(data["local"]),
            propagated=None if data["propagated"] is None else float(data["propagated"]),
        )


def _strict(value: float | None) -> float | str | None:
    """A number as strict JSON: those that are not finite are texts."""
    return value if value is None or math.isfinite(value) else str(value)


@dataclass(frozen=True)
class Graph:
    """The graph of an artifact; `kind` is `onnx`, `torch` or `keras`."""

    kind: str
    nodes: tuple[Node, ...]

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "nodes": [node.to_json() for node in self.nodes]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Graph:
        return cls(data["kind"], tuple(Node.from_json(node) for node in data["nodes"]))


@dataclass(frozen=True)
class Evidence:
    """What is kept of a stage that does not pass; `note` says in one sentence what was left out."""

    note: str = ""
    tensor: Tensor | None = None
    graph: Graph | None = None

    @property
    def characters(self) -> int:
        """Length of its text in a results file."""
        return len(json.dumps(self.to_json(), separators=(",", ":")))

    def to_json(self) -> dict[str, Any]:
        parts = {"tensor": self.tensor, "graph": self.graph}
        return {"note": self.note} | {name: part.to_json() for name, part in parts.items() if part is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        return cls(
            note=data["note"],
            tensor=Tensor.from_json(data["tensor"]) if "tensor" in data else None,
            graph=Graph.from_json(data["graph"]) if "graph" in data else None,
        )


class Allowance:
    """How much evidence a results file may still take: `most` characters, deviations as expected a share of them."""

    def __init__(self, most: int = MOST_TEXT) -> None:
        self.most = most
        self._taken = 0

    def admit(self, evidence: Evidence, *, expected: bool) -> Evidence:
        """The evidence, or, where it does not fit any more, the note that it was left out.

        `expected`: the result deviates as expected.
        """
        if not (evidence.tensor or evidence.graph):
            return evidence
        limit = self.most * SHARE_OF_EXPECTED if expected else self.most
        if self._taken + evidence.characters > limit:
            size = f"{self.most >> 20} MiB" if self.most >= 1 << 20 else f"{self.most:,} characters"
            share = "; deviations as expected get half of them" if expected else ""
            return Evidence(note=f"the run's {size} of evidence were used up{share}")
        self._taken += evidence.characters
        return evidence
