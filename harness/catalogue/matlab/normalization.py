"""Rows of the normalisations of Deep Learning Toolbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, explicit, row, rule, sized
from harness.catalogue.matlab.toolbox import DIALECT, after_inputs

PLACES: Mapping[str, int] = {"features": 0, "sequences": 1, "images": 2, "volumes": 3}
"""Axes beside batch and channels."""
SIZES = ("distinct", "equal", "one_channel", "one_place")
EPSILON = ("default", 1e-3, 0.5)
PROFILES = ("main", "negative", "spread", "large", "small")
PLACED = rule("data", "sizes", reason="features are at no place: one_place is distinct")(
    lambda data, sizes: data != "features" or sizes != "one_place"
)


def _channels(choice: Choice, fill: Chooser, least: int = 1) -> tuple[int, list[int | None]]:
    """Channels, a multiple of `least`, and the other axes. Time is open unless there is one place."""
    batch = choice["batch"]
    count = PLACES[choice["data"]]
    if choice["sizes"] == "equal":
        size = 5 if count == 1 and least == 1 else 2 * least if least > 1 else fill.pick((2, 3, 4))
        channels, others = size, [size] * count
    else:
        options = [n for n in (2, 3, 4, 5, 6, 7) if n != batch]
        channels, *others = sized("distinct", fill, count + 1, options=options)
        channels = 1 if choice["sizes"] == "one_channel" else channels * least
        others = [1] * count if choice["sizes"] == "one_place" else others
    if count == 1 and choice["sizes"] != "one_place":
        return channels, [None]
    return channels, [*others]


def _shape(choice: Choice, channels: int, others: list[int | None]) -> tuple[int | None, ...]:
    return (*others, channels) if choice["data"] == "sequences" else (channels, *others)


def _draft(
    kind: str,
    config: Mapping[str, Any],
    choice: Choice,
    fill: Chooser,
    *,
    least: int = 1,
    statistics: Mapping[str, str] | None = None,
) -> Draft:
    """Scale and Offset per channel, and `statistics` by name with their laws."""
    channels, others = _channels(choice, fill, least)
    laws = {"Scale": "gamma", "Offset": "beta", **(statistics or {})}
    weights = {name: Weight((channels,), law) for name, law in laws.items()}
    config = {**explicit(choice, "Epsilon"), **config}
    return after_inputs(kind, config, [_shape(choice, channels, others)], weights, choice)


@row(
    DIALECT,
    "BatchNormalizationLayer",
    axes={"data": tuple(PLACES), "sizes": SIZES, "Epsilon": EPSILON, "batch": (2, 1, 3)},
    profiles=PROFILES,
    rules=(PLACED,),
    per_axis=4,
)
def batch_normalization(choice: Choice, fill: Chooser) -> Draft:
    """Trained statistics; variances down to 1e-4."""
    statistics = {"TrainedMean": "mean", "TrainedVariance": "variance"}
    return _draft("BatchNormalizationLayer", {}, choice, fill, statistics=statistics)


@row(
    DIALECT,
    "LayerNormalizationLayer",
    axes={
        "data": tuple(PLACES),
        "OperationDimension": ("auto", "channel-only", "spatial-channel", "batch-excluded"),
        "sizes": SIZES,
        "Epsilon": EPSILON,
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    rules=(PLACED,),
    per_axis=4,
)
def layer_normalization(choice: Choice, fill: Chooser) -> Draft:
    """The data decide what `auto` reduces over; Scale and Offset are per channel in every mode."""
    config = {"OperationDimension": choice["OperationDimension"]}
    return _draft("LayerNormalizationLayer", config, choice, fill)


@row(
    DIALECT,
    "GroupNormalizationLayer",
    axes={
        "data": ("images", "sequences", "volumes", "features"),
        "NumGroups": (2, 3, "all-channels", "channel-wise"),
        "sizes": SIZES,
        "Epsilon": EPSILON,
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    rules=(
        PLACED,
        rule("NumGroups", "sizes", reason="one channel is one group")(
            lambda groups, sizes: sizes != "one_channel" or isinstance(groups, str)
        ),
    ),
    per_axis=4,
)
def group_normalization(choice: Choice, fill: Chooser) -> Draft:
    """Groups of several channels; one group; as many groups as channels."""
    groups = choice["NumGroups"]
    least = groups if isinstance(groups, int) else 1
    return _draft("GroupNormalizationLayer", {"NumGroups": groups}, choice, fill, least=least)


@row(
    DIALECT,
    "InstanceNormalizationLayer",
    axes={"data": ("images", "sequences", "volumes"), "sizes": SIZES, "Epsilon": EPSILON, "batch": (2, 1, 3)},
    profiles=PROFILES,
    rules=(PLACED,),
    per_axis=4,
)
def instance_normalization(choice: Choice, fill: Chooser) -> Draft:
    """Over a plane, a volume or all of time."""
    return _draft("InstanceNormalizationLayer", {}, choice, fill)


@row(
    DIALECT,
    "CrossChannelNormalizationLayer",
    axes={
        "WindowChannelSize": (3, 2, 4, 5, 1, 13),
        "Alpha": ("default", 0.5),
        "Beta": ("default", 1.5),
        "K": ("default", 0.5),
        "sizes": SIZES,
        "batch": (2, 1, 3),
    },
    profiles=PROFILES,
    per_axis=4,
)
def cross_channel_normalization(choice: Choice, fill: Chooser) -> Draft:
    """Even windows have their longer side after the channel; one is wider than there are channels."""
    channels, others = _channels({**choice, "data": "images"}, fill)
    config = {"WindowChannelSize": choice["WindowChannelSize"], **explicit(choice, "Alpha", "Beta", "K")}
    return after_inputs("CrossChannelNormalizationLayer", config, [(channels, *others)], {}, choice)
