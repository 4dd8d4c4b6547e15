"""Layers on images whose height and width are open: a converter must compute what it can otherwise fold.

The rows of these layers have images of known size. Rows of their own keep their cases as they are.
"""

from __future__ import annotations

from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, row, single
from harness.catalogue.keras.graphs import Weights, norm

CHANNELS, HEIGHT = 4, 3
"""The image is CHANNELS deep, and HEIGHT high where only its width is open."""
LAYERS = (
    "ZeroPadding2D",
    "Cropping2D",
    "UpSampling2D",
    "UpSampling2D bilinear",
    "Resizing",
    "Resizing nearest",
    "Resizing crop",
    "Resizing pad",
    "Permute",
    "Reshape",
    "Concatenate",
    "Multiply",
    "BatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "PReLU",
    "Softmax",
)
"""A kind of layer, and what is particular to it."""


def _layer(name: str, data_format: str) -> tuple[dict[str, Any], Weights]:
    """Configuration and weights."""
    first = data_format == "channels_first"
    axis = 1 if first else -1
    form = {} if data_format == "default" else {"data_format": data_format}
    size = {"height": 4, "width": 7, **form}
    pair = {name: Weight((CHANNELS,), name) for name in ("gamma", "beta")}
    alpha = (CHANNELS, 1, 1) if first else (1, 1, CHANNELS)
    table: dict[str, tuple[dict[str, Any], Weights]] = {
        "ZeroPadding2D": ({"padding": ((1, 0), (2, 3)), **form}, {}),
        "Cropping2D": ({"cropping": ((1, 0), (0, 2)), **form}, {}),
        "UpSampling2D": ({"size": (2, 3), **form}, {}),
        "UpSampling2D bilinear": ({"size": (3, 2), "interpolation": "bilinear", **form}, {}),
        "Resizing": (size, {}),
        "Resizing nearest": ({"interpolation": "nearest", **size}, {}),
        "Resizing crop": ({"crop_to_aspect_ratio": True, **size}, {}),
        "Resizing pad": ({"pad_to_aspect_ratio": True, "fill_value": 1.5, **size}, {}),
        "Permute": ({"dims": (3, 1, 2) if first else (2, 3, 1)}, {}),
        "Reshape": ({"target_shape": (CHANNELS, -1) if first else (-1, CHANNELS)}, {}),
        "Concatenate": ({"axis": axis}, {}),
        "Multiply": ({}, {}),
        "BatchNormalization": ({"axis": axis}, norm(CHANNELS)),
        "LayerNormalization": ({"axis": axis}, pair),
        "GroupNormalization": ({"groups": 2, "axis": axis}, pair),
        "PReLU": ({"shared_axes": (2, 3) if first else (1, 2)}, {"alpha": Weight(alpha, "alpha")}),
        "Softmax": ({"axis": axis}, {}),
    }
    return table[name]


@row(
    "keras",
    "OpenSizes",
    axes={
        "layer": LAYERS,
        "data_format": ("default", "channels_first"),
        "opened": ("image", "width"),
        "batch": (2, 1),
    },
    profiles=("main", "negative"),
    second_batches=SOME,
    per_axis=0,
)
def open_sizes(choice: Choice, fill: Chooser) -> Draft:
    """One layer. With `width` the height is known. The second factor of Multiply is one pixel, as behind a squeeze."""
    first = choice["data_format"] == "channels_first"

    def image(height: int | None, width: int | None) -> tuple[int | None, ...]:
        return (CHANNELS, height, width) if first else (height, width, CHANNELS)

    config, weights = _layer(choice["layer"], choice["data_format"])
    kind = choice["layer"].partition(" ")[0]
    shape = image(HEIGHT if choice["opened"] == "width" else None, None)
    shapes = {"Concatenate": [shape, shape], "Multiply": [shape, image(1, 1)]}.get(kind, [shape])
    return single(
        "keras",
        kind,
        config,
        shapes,
        weights=weights,
        batch=choice["batch"],
        channel_axis=1 if first else -1,
    )
