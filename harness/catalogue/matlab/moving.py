"""Rows of layers of Deep Learning Toolbox that move pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, distinct, row
from harness.catalogue.matlab.toolbox import (
    DIALECT,
    MOVED,
    after_inputs,
)
from harness.spec import Exactness


@row(
    DIALECT,
    "DepthToSpace2DLayer",
    axes={
        "BlockSize": ((2, 2), (3, 3), (2, 3), (3, 1), (1, 2)),
        "Mode": ("dcr", "crd", "default"),
        "depth": (1, 2, 3),
        "batch": (2, 1),
    },
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def depth_to_space(choice: Choice, fill: Chooser) -> Draft:
    """Blocks as [rows columns]."""
    rows, columns = choice["BlockSize"]
    height, width = distinct(fill, 2, (2, 3, 4))
    config = {"BlockSize": [rows, columns], **({} if choice["Mode"] == "default" else {"Mode": choice["Mode"]})}
    return after_inputs("DepthToSpace2DLayer", config, [(rows * columns * choice["depth"], height, width)], {}, choice)


TARGETS: Mapping[str, tuple[tuple[int, int], Mapping[str, Any]]] = {
    "up by whole": ((3, 4), {"Scale": [2, 3]}),
    "up by fraction": ((4, 5), {"Scale": [1.5, 2.25]}),
    "down by fraction": ((5, 7), {"Scale": [0.6, 0.4]}),
    "ties": ((10, 12), {"OutputSize": [3, 8]}),
    "to one": ((4, 3), {"OutputSize": [1, 1]}),
    "up and down": ((4, 7), {"OutputSize": [9, 5]}),
    "double": ((3, 2), {"OutputSize": [6, 4]}),
    "same": ((3, 4), {"OutputSize": [3, 4]}),
}
"""Height and width of the image, and what they become; `ties` puts places half-way between two pixels."""


@row(
    DIALECT,
    "Resize2DLayer",
    axes={
        "target": tuple(TARGETS),
        "how": ("round", "floor", "onnx-10", "bilinear"),
        "GeometricTransformMode": ("half-pixel", "asymmetric"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "spread", "large"),
    exactness=lambda choice: Exactness.COMPUTES if choice["how"] == "bilinear" else Exactness.MOVES,
    per_axis=4,
)
def resize(choice: Choice, fill: Chooser) -> Draft:
    """`how` is NearestRoundingMode of `nearest`, or `bilinear`."""
    sizes, target = TARGETS[choice["target"]]
    method = {"Method": "bilinear"} if choice["how"] == "bilinear" else {"NearestRoundingMode": choice["how"]}
    config = {"Method": "nearest", **method, "GeometricTransformMode": choice["GeometricTransformMode"], **target}
    return after_inputs("Resize2DLayer", config, [(fill.pick((2, 3)), *sizes)], {}, choice)


@row(
    DIALECT,
    "Crop2DLayer",
    axes={
        "Mode": ("centercrop", "corner", "inside"),
        "spare": ((2, 4), (1, 3), (3, 2), (0, 1), (0, 0)),
        "batch": (2, 1),
    },
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def crop(choice: Choice, fill: Chooser) -> Draft:
    """To the second input's height and width; `spare` rows and columns are cut off. Location is [x y]."""
    channels, others = distinct(fill, 2, (1, 2, 3))
    height, width = distinct(fill, 2, (2, 3, 4))
    down, right = choice["spare"]
    config: dict[str, Any] = {"Mode": "centercrop"}
    if choice["Mode"] != "centercrop":
        x, y = (1, 1) if choice["Mode"] == "corner" else (1 + (right + 1) // 2, 1 + down // 2)
        config = {"Mode": "custom", "Location": [x, y]}
    shapes = [(channels, height + down, width + right), (others, height, width)]
    return after_inputs("Crop2DLayer", config, shapes, {}, choice)
