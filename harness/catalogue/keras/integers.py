"""Layers that move, pick or add whole numbers: ids before an Embedding, images as bytes.

Converters pass through float32 where an operator lacks a type of integers, and lose what has more than 24 bits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, row, single
from harness.spec import Exactness

LAYERS: dict[str, tuple[dict[str, Any], list[tuple[int, ...]]]] = {
    "ZeroPadding1D": ({"padding": (2, 1)}, [(3, 2)]),
    "ZeroPadding2D": ({"padding": ((1, 0), (2, 3))}, [(2, 3, 4)]),
    "Cropping2D": ({"cropping": ((1, 0), (0, 2))}, [(3, 4, 2)]),
    "UpSampling2D": ({"size": (2, 3)}, [(2, 3, 2)]),
    "Permute": ({"dims": (3, 1, 2)}, [(2, 3, 4)]),
    "Reshape": ({"target_shape": (4, -1)}, [(2, 3, 4)]),
    "Flatten": ({}, [(2, 3)]),
    "RepeatVector": ({"n": 3}, [(4,)]),
    "Concatenate": ({"axis": 1}, [(2, 3), (4, 3)]),
    "Add": ({}, [(2, 3), (2, 3)]),
    "Multiply": ({}, [(2, 3), (1, 3)]),
    "Maximum": ({}, [(2, 3), (2, 3)]),
}
"""Configuration and shapes of the inputs."""
MOST = {"int32": 2**31 - 1, "uint8": 256}
"""Exclusive upper bound of the numbers, by type. Not int64: Keras on jax has no numbers of 64 bits."""


def _bound(kind: str, dtype: str) -> int:
    """A sum or a product of two numbers below the bound has the type's bits."""
    most = MOST[dtype]
    return {"Add": most // 2, "Multiply": int(most**0.5)}.get(kind, most)


@row(
    "keras",
    "Integers",
    axes={"layer": tuple(LAYERS), "dtype": tuple(MOST), "batch": (2, 1)},
    profiles=("main",),
    second_batches=SOME,
    exactness=Exactness.MOVES,
    per_axis=0,
)
def integers(choice: Choice, fill: Chooser) -> Draft:
    """One layer. Among the numbers are 0 and the largest that fits."""
    config, shapes = LAYERS[choice["layer"]]
    draft = single("keras", choice["layer"], config, shapes, dtype=choice["dtype"], batch=choice["batch"])
    bound = _bound(choice["layer"], choice["dtype"])
    return replace(draft, bounds={item.name: bound for item in draft.spec.inputs})
