"""The reshaping layers of one and three spatial axes, and RepeatVector; those of images are in `reshaping`."""

from __future__ import annotations

from typing import Any

from harness.catalogue import Choice, Chooser, Draft, explicit, row, single, sized
from harness.spec import Exactness

MOVING = ("main", "special", "integer")
DATA_FORMAT = ("default", "channels_last", "channels_first")
SHAPE = {"sizes": ("distinct", "equal"), "batch": (2, 1, 3)}
VOLUME_PADS = ("default", 2, (2, 1, 0), ((1, 0), (2, 3), (0, 1)))
LINE_PADS = ("default", 2, (0, 3), (2, 1))


def _moved(kind: str, choice: Choice, fill: Chooser, axes: int, *names: str, least: int = 0) -> Draft:
    """One layer over `axes` spatial axes, `least` elements longer than the drawn size; open ones where asked."""
    *spatial, channels = sized(choice["sizes"], fill, axes + 1, batch=0, options=(1, 2, 3, 4))
    places: list[Any] = [None if choice.get("open_sizes") else n + least for n in spatial]
    first = choice.get("data_format") == "channels_first"
    shape = (channels, *places) if first else (*places, channels)
    config = explicit(choice, *names)
    return single("keras", kind, config, [shape], batch=choice["batch"], channel_axis=1 if first else -1)


@row(
    "keras",
    "ZeroPadding1D",
    axes={"padding": LINE_PADS, "data_format": DATA_FORMAT, "open_sizes": (False, True), **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def zero_padding1d(choice: Choice, fill: Chooser) -> Draft:
    """Two different pads tell the sides apart."""
    return _moved("ZeroPadding1D", choice, fill, 1, "padding", "data_format")


@row(
    "keras",
    "ZeroPadding3D",
    axes={"padding": VOLUME_PADS, "data_format": DATA_FORMAT, **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def zero_padding3d(choice: Choice, fill: Chooser) -> Draft:
    """Six different pads tell every exchange of sides."""
    return _moved("ZeroPadding3D", choice, fill, 3, "padding", "data_format")


@row(
    "keras",
    "Cropping1D",
    axes={"cropping": LINE_PADS, "open_sizes": (False, True), **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def cropping1d(choice: Choice, fill: Chooser) -> Draft:
    """The input is longer by what the widest crop takes away."""
    return _moved("Cropping1D", choice, fill, 1, "cropping", least=4)


@row(
    "keras",
    "Cropping3D",
    axes={"cropping": VOLUME_PADS, "data_format": DATA_FORMAT, **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def cropping3d(choice: Choice, fill: Chooser) -> Draft:
    """Each axis keeps between one and four elements beyond the widest crop."""
    widest = {"default": 2, 2: 4}.get(choice["cropping"], 5) if not isinstance(choice["cropping"], tuple) else 5
    return _moved("Cropping3D", choice, fill, 3, "cropping", "data_format", least=widest)


@row(
    "keras",
    "UpSampling1D",
    axes={"size": ("default", 1, 3), "open_sizes": (False, True), **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def up_sampling1d(choice: Choice, fill: Chooser) -> Draft:
    """Elements are repeated one by one, not the sequence as a whole."""
    return _moved("UpSampling1D", choice, fill, 1, "size")


@row(
    "keras",
    "UpSampling3D",
    axes={"size": ("default", 3, (1, 2, 3), (3, 1, 2)), "data_format": DATA_FORMAT, **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def up_sampling3d(choice: Choice, fill: Chooser) -> Draft:
    """A different factor for each axis."""
    return _moved("UpSampling3D", choice, fill, 3, "size", "data_format")


@row("keras", "RepeatVector", axes={"n": (3, 1, 2), **SHAPE}, profiles=MOVING, exactness=Exactness.MOVES, per_axis=3)
def repeat_vector(choice: Choice, fill: Chooser) -> Draft:
    """`equal` makes as many features as repeats: the two axes can be exchanged unseen by their sizes."""
    features = choice["n"] if choice["sizes"] == "equal" else fill.pick((4, 5))
    return single("keras", "RepeatVector", {"n": choice["n"]}, [(features,)], batch=choice["batch"])
