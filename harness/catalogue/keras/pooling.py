"""Pooling in one, two and three dimensions: over windows, over all positions, and to a fixed output size.

No row has the profile `special`; rows of means have `nan`, without infinities. The maximum of a window with NaN is a
documented variant, on which frameworks differ legitimately: Keras on TensorFlow drops the NaN (and gives the lowest
finite number for a window of -inf), others propagate it. Whether a mean of two values near the end of float32's range
overflows depends on the order of summation, which no documentation settles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.catalogue import SECOND_BATCHES, SOME, Choice, Chooser, Draft, masked, row, rule, single, sized
from harness.catalogue.keras.conv import FORMATS, OPEN, channel_axis, fill_sizes, input_sizes, per_axis, placed
from harness.spec import Exactness

CHANNELS = (2, 3, 4, 5)


def _residue_below_stride(pool: Any, strides: Any, residue: Any) -> bool:
    steps = per_axis(pool if strides is None else strides)
    return all(r < s for r, s in zip(per_axis(residue), steps, strict=True))


RULES = (
    rule("pool", "strides", "residue", reason="a residue of a whole stride is one more output")(_residue_below_stride),
)
OPEN_RULES = (
    *RULES,
    rule("open_sizes", "residue", reason="the draw determines open sizes")(
        lambda opened, residue: not opened or max(per_axis(residue)) == 0
    ),
)
SAME_KNOWN = rule("padding", "open_sizes", reason="onnx2torch lacks auto_pad, which tf2onnx writes for open sizes")(
    lambda padding, opened: padding == "valid" or not opened
)
FREE = {"padding": ("same", "valid"), "sizes": ("distinct", "equal"), "data_format": FORMATS}
SELECTING = ("main", "negative", "spread", "ties", "integer")
WINDOWED = (*SELECTING, "lowest")
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


LINE = {**FREE, **OPEN, "pool": (2, 1, 3, 4, 5), "strides": (None, 1, 2, 3), "residue": (0, 1, 2)}
VOLUME = {
    **FREE,
    "pool": ((2, 2, 2), (3, 1, 2), (1, 2, 3)),
    "strides": (None, (1, 1, 1), (2, 1, 3)),
    "residue": ((0, 0, 0), (0, 0, 1), (1, 0, 0)),
}
AVERAGING = ("main", "negative", "spread", "large", "small", "impulse")
MEANS = (*AVERAGING, "nan")


@row("keras", "MaxPooling1D", axes=LINE, profiles=WINDOWED, rules=OPEN_RULES, exactness=Exactness.SELECTS, per_axis=5)
def max_pooling1d(choice: Choice, fill: Chooser) -> Draft:
    """Windows with gaps between them (a stride above the pool size) are among the choices."""
    return _pooling("MaxPooling1D", choice, fill)


@row("keras", "MaxPooling2D", axes={**OPEN, **PLANE}, profiles=WINDOWED, rules=OPEN_RULES, exactness=Exactness.SELECTS)
def max_pooling2d(choice: Choice, fill: Chooser) -> Draft:
    """Inputs below zero show an implementation that pads with zeros."""
    return _pooling("MaxPooling2D", choice, fill)


@row("keras", "MaxPooling3D", axes=VOLUME, profiles=WINDOWED, rules=RULES, exactness=Exactness.SELECTS, per_axis=3)
def max_pooling3d(choice: Choice, fill: Chooser) -> Draft:
    """As MaxPooling2D."""
    return _pooling("MaxPooling3D", choice, fill)


@row("keras", "AveragePooling1D", axes=LINE, profiles=AVERAGING, rules=OPEN_RULES, per_axis=4)
def average_pooling1d(choice: Choice, fill: Chooser) -> Draft:
    """As AveragePooling2D."""
    return _pooling("AveragePooling1D", choice, fill)


@row("keras", "AveragePooling2D", axes={**OPEN, **PLANE}, profiles=MEANS, rules=OPEN_RULES, barriers=[SAME_KNOWN])
def average_pooling2d(choice: Choice, fill: Chooser) -> Draft:
    """Windows at the border have fewer elements, which tests their divisor."""
    return _pooling("AveragePooling2D", choice, fill)


@row("keras", "AveragePooling3D", axes=VOLUME, profiles=AVERAGING, rules=RULES, per_axis=3)
def average_pooling3d(choice: Choice, fill: Chooser) -> Draft:
    """As AveragePooling2D."""
    return _pooling("AveragePooling3D", choice, fill)


PLACES = {1: ((5,), (1,), (7,)), 2: ((3, 5), (1, 1), (1, 7), (4, 4), (11, 2)), 3: ((2, 3, 4), (1, 1, 1), (3, 3, 3))}
"""Spatial sizes by number of axes; open sizes replace the first of them."""


def _global(
    kind: str, rank: int, profiles: Sequence[str], exactness: Exactness, *, count: int, masks: bool = False
) -> None:
    mask_axis = {"mask": ("none", "ragged", "hole")} if masks else {}
    rules = [
        rule("spatial", "open_sizes", reason="open sizes have no value of their own")(
            lambda spatial, open_sizes: not open_sizes or tuple(spatial) == PLACES[rank][0]
        )
    ]
    if masks:
        rules.append(
            rule("spatial", "mask", reason="a mask keeps a step and masks a step")(
                lambda spatial, mask: mask == "none" or spatial[0] >= 3
            )
        )
        rules.append(
            rule(
                "profile", "mask", reason="an implementation skips a masked NaN, or multiplies it by zero and gets NaN"
            )(lambda profile, mask: profile != "nan" or mask == "none")
        )

    @row(
        "keras",
        kind,
        axes={
            "spatial": PLACES[rank],
            "open_sizes": (False, True),
            "keepdims": (False, True),
            "sizes": ("distinct", "equal"),
            "data_format": FORMATS,
            **mask_axis,
            "batch": (2, 1, 3),
        },
        profiles=profiles,
        rules=rules,
        pins=[{"profile": "hidden", "mask": mask} for mask in ("ragged", "hole")] if masks else [],
        exactness=exactness,
        second_batches=SECOND_BATCHES if exactness == Exactness.COMPUTES else SOME,
        per_axis=count,
    )
    def build(choice: Choice, fill: Chooser) -> Draft:
        """`equal` makes the channels as many as the first size: a mean over the wrong axes keeps the shape."""
        spatial = choice["spatial"]
        options = [n for n in (2, 3, 4, 5, 6) if n not in spatial]
        channels = spatial[0] if choice["sizes"] == "equal" else fill.pick(options)
        draft = single(
            "keras",
            kind,
            {"keepdims": choice["keepdims"], "data_format": choice["data_format"]},
            [placed(choice, spatial, channels)],
            batch=choice["batch"],
            channel_axis=channel_axis(choice),
        )
        if choice.get("mask", "none") == "none":
            return draft
        return masked(draft, (None if choice["open_sizes"] else spatial[0],), choice["mask"], hides=("x",))


_global("GlobalAveragePooling1D", 1, MEANS, Exactness.COMPUTES, count=4, masks=True)
_global("GlobalAveragePooling2D", 2, MEANS, Exactness.COMPUTES, count=6)
_global("GlobalAveragePooling3D", 3, MEANS, Exactness.COMPUTES, count=3)
_global("GlobalMaxPooling1D", 1, SELECTING, Exactness.SELECTS, count=4)
_global("GlobalMaxPooling2D", 2, SELECTING, Exactness.SELECTS, count=5)
_global("GlobalMaxPooling3D", 3, SELECTING, Exactness.SELECTS, count=3)

ADAPTED: dict[int, tuple[Any, ...]] = {
    1: (2, 1, 3, 5),
    2: (2, 1, (3, 2), (1, 4), (5, 5)),
    3: (2, (1, 2, 3), (3, 1, 2)),
}


def _adaptive(kind: str, rank: int, profiles: Sequence[str], exactness: Exactness) -> None:
    # to a size of 1 Keras on TensorFlow takes the maximum over a window longer than the input, and the process dies
    wanted = [size for size in ADAPTED[rank] if exactness == Exactness.COMPUTES or rank == 3 or 1 not in per_axis(size)]

    @row(
        "keras",
        kind,
        axes={"output_size": wanted, "sizes": ("distinct", "equal"), "data_format": FORMATS, "batch": (2, 1, 3)},
        profiles=profiles,
        exactness=exactness,
        second_batches=SOME,
        per_axis=4 if rank < 3 else 3,
    )
    def build(choice: Choice, fill: Chooser) -> Draft:
        """Some input sizes are no multiples of the output's, so that windows overlap and differ in length."""
        options = (5, 6, 7, 8) if rank < 3 else (3, 4, 5, 6)
        *spatial, channels = sized(choice["sizes"], fill, rank + 1, batch=0, options=options)
        config = {"output_size": choice["output_size"], "data_format": choice["data_format"]}
        shape = placed(choice, spatial, channels if rank < 3 else 2)
        return single("keras", kind, config, [shape], batch=choice["batch"], channel_axis=channel_axis(choice))


for _rank in (1, 2, 3):
    _adaptive(f"AdaptiveAveragePooling{_rank}D", _rank, AVERAGING, Exactness.COMPUTES)
    _adaptive(f"AdaptiveMaxPooling{_rank}D", _rank, SELECTING, Exactness.SELECTS)
