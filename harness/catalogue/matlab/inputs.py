"""Rows of the input layers of Deep Learning Toolbox."""

from __future__ import annotations

from collections.abc import Mapping

from harness.catalogue import Choice, Chooser, Draft, Row, Weight, row, rule
from harness.catalogue.matlab.toolbox import (
    DIALECT,
    channel_axis,
    channels_of,
    shape_of,
)
from harness.spec import Exactness, Input, Layer, Spec

STATISTICS: Mapping[str, Mapping[str, str]] = {
    "none": {},
    "zerocenter": {"Mean": "mean"},
    "zscore": {"Mean": "mean", "StandardDeviation": "even"},
    "rescale-symmetric": {"Min": "near_zero", "Max": "even"},
    "rescale-zero-one": {"Min": "near_zero", "Max": "even"},
}
"""Drawing law of each statistic that a normalisation needs."""


def _input_row(kind: str, sizes: tuple[str, ...], per: tuple[str, ...], pins: tuple[Choice, ...] = ()) -> Row:
    def build(choice: Choice, fill: Chooser) -> Draft:
        """The input layer alone, with the statistics of its normalisation."""
        size = choice["sizes"]
        shape = shape_of(size.removeprefix("equal_"), fill, equal=size.startswith("equal_"))
        stored = {"element": (*shape[1:], shape[0]), "channel": (channels_of(shape),), "scalar": (1,)}[choice["per"]]
        law = STATISTICS[choice["Normalization"]]
        weights = {f"in/{name}": Weight(tuple(n for n in stored if n), how) for name, how in law.items()}
        config = {"Normalization": choice["Normalization"]} if law else {}
        spec = Spec(DIALECT, (Input("in_in", shape),), (Layer(kind, "in", config, ("in_in",)),), ("in",))
        return Draft(spec, weights, batch=choice["batch"], channel_axis=channel_axis(len(shape) + 1))

    return row(
        DIALECT,
        kind,
        axes={"Normalization": tuple(STATISTICS), "per": per, "sizes": sizes, "batch": (2, 1, 3)},
        profiles=("main", "spread", "large"),
        rules=[
            rule("Normalization", "per", reason="without a normalisation there are no statistics")(
                lambda normalization, each: normalization != "none" or each == per[0]
            )
        ],
        pins=pins,
        exactness=lambda choice: Exactness.MOVES if choice["Normalization"] == "none" else Exactness.COMPUTES,
        per_axis=4,
    )(build)


SQUARE: tuple[Choice, ...] = tuple(
    {"Normalization": normalization, "per": "element"} for normalization in STATISTICS if normalization != "none"
)
"""Statistics per element of a square image, which pairs of axes alone would seldom give."""
image_input = _input_row(
    "ImageInputLayer",
    ("image", "equal_image", "one_channel", "column", "point"),
    ("element", "channel", "scalar"),
    tuple({**pin, "sizes": "equal_image"} for pin in SQUARE),
)
image_3d_input = _input_row(
    "Image3DInputLayer",
    ("volume", "equal_volume"),
    ("element", "channel", "scalar"),
    tuple({**pin, "sizes": "equal_volume"} for pin in SQUARE),
)
sequence_input = _input_row("SequenceInputLayer", ("sequence",), ("channel", "scalar"))
feature_input = _input_row("FeatureInputLayer", ("features",), ("channel", "scalar"))
