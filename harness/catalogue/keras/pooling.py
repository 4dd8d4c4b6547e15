"""MaxPooling1D, MaxPooling2D, AveragePooling2D, GlobalAveragePooling2D.

The `special` profile is drawn for none of them. The maximum of a window with NaN is a documented variant, on which
frameworks differ legitimately: Keras on TensorFlow drops the NaN (and gives the lowest finite number for a window of
-inf), others propagate it. In a mean, two values near the end of float32's range overflow or not with the order of
summation, which no documentation settles.
"""

from __future__ import annotations

from typing import Any

from harness.catalogue import Choice, Chooser, Draft, row, rule, single
from harness.catalogue.keras.conv import FORMATS, channel_axis, fill_sizes, input_sizes, per_axis, placed

CHANNELS = (2, 3, 4, 5)


def _residue_below_stride(pool: Any, strides: Any, residue: Any) -> bool:
    steps = per_axis(pool if strides is None else strides)
    return all(r < s for r, s in zip(per_axis(residue), steps, strict=True))


RULES = (
    rule("pool", "strides", "residue", reason="a residue of a whole stride is one more output")(_residue_below_stride),
)
FREE = {"padding": ("same", "valid"), "sizes": ("distinct", "equal"), "data_format": FORMATS}
SELECTING = ("main", "negative", "spread", "ties", "integer")
PLANE = {
    **FREE,
    "pool": ((2, 2), (3, 3), (1, 2), (2, 3), (5, 4)),
    "strides": (None, (1, 1), (2, 2), (1, 2), (3, 2)),
    "residue": ((0, 0), (1, 0), (0, 1), (1, 1), (1, 2)),
}


def _pooling(kind: str, choice: Choice, fill: Chooser) -> Draft:
    pool = per_axis(choice["pool"])
    steps = pool if choice["strides"] is None else per_axis(choice["strides"])
    spatial, (channels,) = fill_sizes(
        fill,
        choice["sizes"],
        [
            input_sizes(k, s, r, choice["padding"])
            for k, s, r in zip(pool, steps, per_axis(choice["residue"]), strict=True)
        ],
        CHANNELS,
        1,
    )
    config = {
        "pool_size": choice["pool"],
        "strides": choice["strides"],
        "padding": choice["padding"],
        "data_format": choice["data_format"],
    }
    return single("keras", kind, config, [placed(choice, spatial, channels)], channel_axis=channel_axis(choice))


@row(
    "keras",
    "MaxPooling1D",
    axes={**FREE, "pool": (2, 1, 3, 4, 5), "strides": (None, 1, 2, 3), "residue": (0, 1, 2)},
    profiles=SELECTING,
    rules=RULES,
    exactness="selects",
)
def max_pooling1d(choice: Choice, fill: Chooser) -> Draft:
    """Windows with gaps between them (a stride above the pool size) are among the choices."""
    return _pooling("MaxPooling1D", choice, fill)


@row("keras", "MaxPooling2D", axes=PLANE, profiles=SELECTING, rules=RULES, exactness="selects")
def max_pooling2d(choice: Choice, fill: Chooser) -> Draft:
    """All inputs below zero show padding with zeros where nothing is due."""
    return _pooling("MaxPooling2D", choice, fill)


@row(
    "keras",
    "AveragePooling2D",
    axes=PLANE,
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
    rules=RULES,
)
def average_pooling2d(choice: Choice, fill: Chooser) -> Draft:
    """Windows at the border hold fewer elements: their divisor is the question."""
    return _pooling("AveragePooling2D", choice, fill)


@row(
    "keras",
    "GlobalAveragePooling2D",
    axes={
        "spatial": ((3, 5), (1, 1), (1, 7), (4, 4), (11, 2)),
        "open_sizes": (False, True),
        "keepdims": (False, True),
        "sizes": ("distinct", "equal"),
        "data_format": FORMATS,
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
    rules=(
        rule("spatial", "open_sizes", reason="open sizes have no value of their own")(
            lambda spatial, open_sizes: not open_sizes or tuple(spatial) == (3, 5)
        ),
    ),
)
def global_average_pooling2d(choice: Choice, fill: Chooser) -> Draft:
    """`equal` makes the channels as many as the height: a mean over the wrong axes keeps the shape."""
    height, width = choice["spatial"]
    options = [n for n in (2, 3, 4, 5, 6) if n not in (height, width)]
    channels = height if choice["sizes"] == "equal" else fill.pick(options)
    return single(
        "keras",
        "GlobalAveragePooling2D",
        {"keepdims": choice["keepdims"], "data_format": choice["data_format"]},
        [placed(choice, (None, None) if choice["open_sizes"] else (height, width), channels)],
        batch=choice["batch"],
        channel_axis=channel_axis(choice),
    )
