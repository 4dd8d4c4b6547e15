"""Small legs of a matrix: results of a few cases on one route, each with the versions of its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.analysis.legs import Leg
from harness.results.events import Result
from harness.results.file import Results
from tests.two_runs import write

A, B, C = "keras-Dense-a1", "keras-Dense-b2", "keras-Conv2D-c3"
GOOD = ("exact 0", "exact 0.5", "faithful 1")
REFUSED = ("exact 0", "exact 0.5", "refused")
WRONG = ("exact 0", "exact 0.5", "divergent 5e+03")
BEFORE = ("exact 0", "divergent 5e+03", "refused")
"""The ends of a case at the source, at tf2onnx and at onnx2torch: it fails at tf2onnx already."""


def leg(folder: Path, name: str, *results: Result, onnx2torch: str = "1.5.15", **changes: Any) -> Leg:
    """A leg whose results are in a file of its name. `versions` are further ones that differ."""
    versions = {"onnx2torch": onnx2torch, **changes.pop("versions", {})}
    path = write(folder / f"{name}.ndjson", results, versions=versions, **changes)
    return Leg(name, Results.load(path))
