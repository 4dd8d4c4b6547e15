"""Rows of layers of several inputs of Deep Learning Toolbox."""

from __future__ import annotations

from collections.abc import Mapping

from harness.catalogue import Choice, Chooser, Draft, Row, row
from harness.catalogue.matlab.toolbox import (
    DIALECT,
    MOVED,
    SHAPES,
    Shape,
    after_inputs,
    shape_of,
)
from harness.spec import Exactness


def _merge(kind: str, counts: tuple[int, ...], profiles: tuple[str, ...]) -> Row:
    def build(choice: Choice, fill: Chooser) -> Draft:
        """Inputs of the same shape."""
        shape = shape_of(choice["shape"], fill)
        return after_inputs(kind, {}, [shape] * choice["inputs"], {}, choice)

    axes = {"shape": SHAPES, "inputs": counts, "batch": (2, 1)}
    return row(DIALECT, kind, axes=axes, profiles=profiles, per_axis=3)(build)


addition = _merge("AdditionLayer", (2, 3, 5), ("main", "spread", "large"))
multiplication = _merge("MultiplicationLayer", (2, 3), ("main", "spread", "small"))


def _varied(shape: Shape, axis: int, count: int) -> list[Shape]:
    """`count` shapes that differ in one axis, sizes rising from 1 in steps of different length."""
    sizes = [2, 1, 3, 4][:count] if count <= 4 else [1] * count
    return [tuple(size if k == axis else n for k, n in enumerate(shape)) for size in sizes]


@row(
    DIALECT,
    "DepthConcatenationLayer",
    axes={"shape": ("image", "volume"), "inputs": (2, 3, 11), "batch": (2, 1)},
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=2,
)
def depth_concatenation(choice: Choice, fill: Chooser) -> Draft:
    """Along the channels. Of eleven inputs, `in10` comes after `in9`, not after `in1`."""
    shapes = _varied(shape_of(choice["shape"], fill), 0, choice["inputs"])
    return after_inputs("DepthConcatenationLayer", {}, shapes, {}, choice)


DIMENSIONS: Mapping[str, tuple[str, int, int]] = {
    "image height": ("image", 1, 1),
    "image width": ("image", 2, 2),
    "image channels": ("image", 3, 0),
    "volume height": ("volume", 1, 1),
    "volume width": ("volume", 2, 2),
    "volume depth": ("volume", 3, 3),
    "volume channels": ("volume", 4, 0),
    "sequence channels": ("sequence", 1, 1),
    "sequence time": ("sequence", 3, 0),
    "features": ("features", 1, 0),
}
"""Shape, MATLAB's dimension (of SSCB, SSSCB, CBT, CB) and axis of a sample here."""


@row(
    DIALECT,
    "ConcatenationLayer",
    axes={"along": tuple(DIMENSIONS), "inputs": (2, 3), "batch": (2, 1)},
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=2,
)
def concatenation(choice: Choice, fill: Chooser) -> Draft:
    """Along every dimension but the samples'; the inputs differ in size there, unless time is open."""
    kind, dim, axis = DIMENSIONS[choice["along"]]
    shape = shape_of(kind, fill)
    shapes = [shape] * choice["inputs"] if shape[axis] is None else _varied(shape, axis, choice["inputs"])
    return after_inputs("ConcatenationLayer", {"Dim": dim}, shapes, {}, choice)
