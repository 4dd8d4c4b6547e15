"""Rows of the pooling layers of Deep Learning Toolbox.

MathWorks allows every pad below the size of the window; PyTorch's pooling refuses pads of more than half of it.
Sequences have an open length: 5 elements in the first inputs, 8 in the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, distinct, row, rule
from harness.catalogue.matlab.toolbox import DIALECT, after_inputs
from harness.spec import Exactness, Layer

WINDOWS: Mapping[int, tuple[tuple[int, ...], ...]] = {
    1: ((2,), (3,), (5,), (1,)),
    2: ((2, 2), (3, 3), (4, 3), (1, 2)),
    3: ((2, 2, 2), (3, 2, 3), (1, 3, 2)),
}
STRIDES: Mapping[int, tuple[tuple[int, ...], ...]] = {
    1: ((1,), (2,), (3,)),
    2: ((1, 1), (2, 2), (2, 3), (3, 1)),
    3: ((1, 1, 1), (2, 2, 2), (1, 2, 3)),
}
PADDING = ("none", "even", "lopsided", "thick", "same")
MAX_PROFILES = ("main", "negative", "spread", "large", "ties")
MEAN_PROFILES = ("main", "negative", "large", "small", "impulse")


def pads(kind: str, window: Sequence[int]) -> dict[str, Any]:
    """Padding by name, each less than the window: `even` fits PyTorch's own pooling, `thick` is window - 1 around."""
    if kind in ("none", "same"):
        return {"PaddingMode": "same"} if kind == "same" else {}
    most = [n - 1 for n in window]
    halves = [n // 2 for n in window]
    before, after = {
        "even": (halves, halves),
        "lopsided": ([m if k % 2 else 0 for k, m in enumerate(most)], [0 if k % 2 else m for k, m in enumerate(most)]),
        "thick": (most, most),
    }[kind]
    if len(window) == 3:
        return {"PaddingSize": [before, after]}
    return {"PaddingSize": [n for pair in zip(before, after, strict=True) for n in pair]}


def _shape(sizes: str, fill: Chooser, axes: int, least: int) -> tuple[int | None, ...]:
    """T x C, C x H x W or C x H x W x D: all different, all equal, or of one channel."""
    if axes == 1:
        return (None, {"one_channel": 1, "equal": 5}.get(sizes) or fill.pick((2, 3, 7)))
    if sizes == "equal":
        return (least,) * (axes + 1)
    channels, *rest = distinct(fill, axes + 1, range(least, least + axes + 2))
    return (1 if sizes == "one_channel" else channels, *rest)


def _pooling(kind: str, choice: Choice, fill: Chooser) -> Draft:
    window = choice["PoolSize"]
    config = {"PoolSize": list(window), "Stride": list(choice["Stride"]), **pads(choice["padding"], window)}
    if choice.get("PaddingValue"):
        config["PaddingValue"] = choice["PaddingValue"]
    return after_inputs(kind, config, [_shape(choice["sizes"], fill, len(window), max(3, *window))], {}, choice)


def _axes(count: int) -> dict[str, tuple[Any, ...]]:
    return {
        "PoolSize": WINDOWS[count],
        "Stride": STRIDES[count],
        "padding": PADDING,
        "sizes": ("distinct", "equal", "one_channel"),
        "batch": (2, 1, 3),
    }


@row(DIALECT, "MaxPooling1DLayer", axes=_axes(1), profiles=MAX_PROFILES, exactness=Exactness.SELECTS, per_axis=4)
def max_pooling_1d(choice: Choice, fill: Chooser) -> Draft:
    """Over the time of sequences; on negative ones it shows that padding never wins."""
    return _pooling("MaxPooling1DLayer", choice, fill)


@row(DIALECT, "MaxPooling2DLayer", axes=_axes(2), profiles=MAX_PROFILES, exactness=Exactness.SELECTS, per_axis=4)
def max_pooling_2d(choice: Choice, fill: Chooser) -> Draft:
    """Pads are [top bottom left right]."""
    return _pooling("MaxPooling2DLayer", choice, fill)


@row(DIALECT, "MaxPooling3DLayer", axes=_axes(3), profiles=MAX_PROFILES, exactness=Exactness.SELECTS, per_axis=4)
def max_pooling_3d(choice: Choice, fill: Chooser) -> Draft:
    """Pads are 2 x 3, [top left front; bottom right back]."""
    return _pooling("MaxPooling3DLayer", choice, fill)


def _mean_axes(count: int) -> dict[str, tuple[Any, ...]]:
    return {**_axes(count), "PaddingValue": (0, "mean")}


@row(DIALECT, "AveragePooling1DLayer", axes=_mean_axes(1), profiles=MEAN_PROFILES, per_axis=4)
def average_pooling_1d(choice: Choice, fill: Chooser) -> Draft:
    """PaddingValue 0 counts padding as zeros, "mean" counts only elements of the input."""
    return _pooling("AveragePooling1DLayer", choice, fill)


@row(DIALECT, "AveragePooling2DLayer", axes=_mean_axes(2), profiles=MEAN_PROFILES, per_axis=4)
def average_pooling_2d(choice: Choice, fill: Chooser) -> Draft:
    """As over sequences."""
    return _pooling("AveragePooling2DLayer", choice, fill)


@row(DIALECT, "AveragePooling3DLayer", axes=_mean_axes(3), profiles=MEAN_PROFILES, per_axis=4)
def average_pooling_3d(choice: Choice, fill: Chooser) -> Draft:
    """As over sequences."""
    return _pooling("AveragePooling3DLayer", choice, fill)


SIZES: Mapping[int, Mapping[str, tuple[int | None, ...]]] = {
    1: {"distinct": (None, 3), "equal": (None, 5), "one_channel": (None, 1)},
    2: {
        "distinct": (3, 5, 7),
        "equal": (4, 4, 4),
        "one_channel": (1, 5, 2),
        "one_row": (3, 1, 5),
        "one_column": (5, 3, 1),
        "point": (3, 1, 1),
    },
    3: {
        "distinct": (2, 3, 5, 7),
        "equal": (3, 3, 3, 3),
        "one_channel": (1, 5, 2, 3),
        "plane": (3, 2, 5, 1),
        "line": (2, 1, 5, 1),
        "point": (3, 1, 1, 1),
    },
}


def _global(kind: str, axes: int, choice: Choice) -> Draft:
    return after_inputs(kind, {}, [SIZES[axes][choice["sizes"]]], {}, choice, rank=2 if axes == 1 else None)


def _global_axes(count: int) -> dict[str, tuple[Any, ...]]:
    return {"sizes": tuple(SIZES[count]), "batch": (2, 1, 3)}


@row(DIALECT, "GlobalAveragePooling1DLayer", axes=_global_axes(1), profiles=MEAN_PROFILES, per_axis=4)
def global_average_pooling_1d(choice: Choice, fill: Chooser) -> Draft:
    """Sequences become features."""
    return _global("GlobalAveragePooling1DLayer", 1, choice)


@row(DIALECT, "GlobalAveragePooling2DLayer", axes=_global_axes(2), profiles=MEAN_PROFILES, per_axis=4)
def global_average_pooling_2d(choice: Choice, fill: Chooser) -> Draft:
    """Images become 1 x 1."""
    return _global("GlobalAveragePooling2DLayer", 2, choice)


@row(DIALECT, "GlobalAveragePooling3DLayer", axes=_global_axes(3), profiles=MEAN_PROFILES, per_axis=4)
def global_average_pooling_3d(choice: Choice, fill: Chooser) -> Draft:
    """Volumes become 1 x 1 x 1."""
    return _global("GlobalAveragePooling3DLayer", 3, choice)


@row(
    DIALECT,
    "GlobalMaxPooling1DLayer",
    axes=_global_axes(1),
    profiles=MAX_PROFILES,
    exactness=Exactness.SELECTS,
    per_axis=4,
)
def global_max_pooling_1d(choice: Choice, fill: Chooser) -> Draft:
    """Sequences become features."""
    return _global("GlobalMaxPooling1DLayer", 1, choice)


@row(
    DIALECT,
    "GlobalMaxPooling2DLayer",
    axes=_global_axes(2),
    profiles=MAX_PROFILES,
    exactness=Exactness.SELECTS,
    per_axis=4,
)
def global_max_pooling_2d(choice: Choice, fill: Chooser) -> Draft:
    """Images become 1 x 1."""
    return _global("GlobalMaxPooling2DLayer", 2, choice)


@row(
    DIALECT,
    "GlobalMaxPooling3DLayer",
    axes=_global_axes(3),
    profiles=MAX_PROFILES,
    exactness=Exactness.SELECTS,
    per_axis=4,
)
def global_max_pooling_3d(choice: Choice, fill: Chooser) -> Draft:
    """Volumes become 1 x 1 x 1."""
    return _global("GlobalMaxPooling3DLayer", 3, choice)


def _apart(window: Sequence[int], stride: Sequence[int]) -> bool:
    return all(s >= n for n, s in zip(window, stride, strict=True))


@row(
    DIALECT,
    "MaxUnpooling2DLayer",
    axes={
        "PoolSize": ((2, 2), (3, 3), (1, 2), (2, 3)),
        "Stride": ((2, 2), (3, 3), (2, 4)),
        "padding": PADDING,
        "sizes": ("distinct", "equal", "one_channel"),
        "between": ("nothing", "ReLULayer"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "impulse"),
    rules=[
        rule("PoolSize", "Stride", reason="where windows overlap, two values may want the same place")(_apart),
    ],
    exactness=Exactness.SELECTS,
    per_axis=4,
)
def max_unpooling_2d(choice: Choice, fill: Chooser) -> Draft:
    """Behind the max pooling that gives it indices and size, perhaps with a layer between for the values alone.

    No ties but those of zeros: which of equal maxima MATLAB's indices name is not documented.
    """
    window = choice["PoolSize"]
    config = {
        "PoolSize": list(window),
        "Stride": list(choice["Stride"]),
        "HasUnpoolingOutputs": True,
        **pads(choice["padding"], window),
    }
    draft = after_inputs("MaxPooling2DLayer", config, [_shape(choice["sizes"], fill, 2, 4)], {}, choice)
    first, pool = draft.spec.layers
    layers = [first, replace(pool, name="pool")]
    if choice["between"] != "nothing":
        layers.append(Layer(choice["between"], "between", {}, ("pool",)))
    layers.append(Layer("MaxUnpooling2DLayer", "layer", {}, (layers[-1].name, "pool:1", "pool:2")))
    return replace(draft, spec=replace(draft.spec, layers=tuple(layers), outputs=("layer", "pool")))
