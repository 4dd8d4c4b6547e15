"""What rows of Deep Learning Toolbox layers share. Arrays are N x C x H x W (x D), N x T x C and N x C.

Every Spec begins with an input layer, `in`, that takes the Spec's input `in_in`; weights keep MATLAB's layout.
No profile with NaN: MATLAB's `max` skips it where the other frameworks keep it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.catalogue import Choice, Draft, Weight
from harness.spec import Input, Layer, Spec

DIALECT = "matlab"
INPUTS = {1: "FeatureInputLayer", 2: "SequenceInputLayer", 3: "ImageInputLayer", 4: "Image3DInputLayer"}
"""Input layer by the rank of one sample."""


def channel_axis(rank: int) -> int:
    """The axis of channels in an array of that rank, batch included."""
    return 2 if rank == 3 else 1


def after_inputs(
    kind: str,
    config: Mapping[str, Any],
    shapes: Sequence[tuple[int | None, ...]],
    weights: Mapping[str, Weight],
    choice: Choice,
    *,
    rank: int | None = None,
    dtype: str = "float32",
) -> Draft:
    """One layer, `layer`, behind an input layer for each shape (C x H x W, T x C, C; the batch left out).

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
