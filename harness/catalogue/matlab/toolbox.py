"""Common parts of the rows of Deep Learning Toolbox. Arrays are N x C x H x W (x D), N x T x C and N x C.

Every Spec begins with an input layer, `in`, that reads the Spec's input `in_in`; weights have MATLAB's layout.
No profile has NaN, which MATLAB's `max` skips and that of other frameworks returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct
from harness.spec import Input, Layer, Spec

DIALECT = "matlab"
INPUTS = {1: "FeatureInputLayer", 2: "SequenceInputLayer", 3: "ImageInputLayer", 4: "Image3DInputLayer"}
"""Input layer by the rank of one sample."""
Shape = tuple[int | None, ...]
SHAPES = ("image", "features", "sequence", "volume")
MOVED = ("main", "special")
"""Profiles of layers that only move data: NaN, infinities and -0.0 must arrive, too."""


def channel_axis(rank: int) -> int:
    """The axis of channels in an array of that rank, batch included."""
    return 2 if rank == 3 else 1


def shape_of(kind: str, fill: Chooser, *, equal: bool = False) -> Shape:
    """The shape of one sample: C x H x W (x D), T x C with T open, or C; sizes pairwise different, or all equal."""
    if kind == "one_channel":
        return (1, *distinct(fill, 2, (2, 3, 4)))
    if kind == "point":
        return (fill.pick((3, 5)), 1, 1)
    if kind == "column":
        return (1, fill.pick((3, 4)), 1)
    count = {"features": 1, "sequence": 1, "image": 3, "volume": 4}[kind]
    sizes = [fill.pick((2, 3))] * count if equal else distinct(fill, count, (2, 3, 4, 5))
    return (None, *sizes) if kind == "sequence" else tuple(sizes)


def channels_of(shape: Shape) -> int:
    """Number of channels or features of such a sample."""
    count = shape[1] if len(shape) == 2 else shape[0]
    assert count is not None, "only time is open"
    return count


def after_inputs(
    kind: str,
    config: Mapping[str, Any],
    shapes: Sequence[Shape],
    weights: Mapping[str, Weight],
    choice: Choice,
    *,
    rank: int | None = None,
    dtype: str = "float32",
) -> Draft:
    """One layer, `layer`, after an input layer for each shape (C x H x W, T x C or C, without the batch).

    `rank` is that of the output, batch included, where it is not the first input's.
    """
    names = ["in"] if len(shapes) == 1 else [f"in{k}" for k in range(1, len(shapes) + 1)]
    inputs = tuple(Input(f"{name}_in", shape, dtype) for name, shape in zip(names, shapes, strict=True))
    sources = [Layer(INPUTS[len(shape)], name, {}, (f"{name}_in",)) for name, shape in zip(names, shapes, strict=True)]
    spec = Spec(DIALECT, inputs, (*sources, Layer(kind, "layer", dict(config), tuple(names))), ("layer",))
    return Draft(
        spec,
        {f"layer/{name}": law for name, law in weights.items()},
        batch=choice.get("batch", 2),
        channel_axis=channel_axis(rank or len(shapes[0]) + 1),
    )
