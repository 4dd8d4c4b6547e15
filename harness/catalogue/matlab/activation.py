"""Rows of activations of Deep Learning Toolbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Row, Weight, row
from harness.catalogue.matlab.toolbox import (
    DIALECT,
    SHAPES,
    Shape,
    after_inputs,
    channels_of,
    shape_of,
)
from harness.spec import Exactness


def activation_row(
    kind: str,
    options: Mapping[str, tuple[Any, ...]] | None = None,
    *,
    shapes: tuple[str, ...] = SHAPES[:3],
    profiles: tuple[str, ...] = ("main", "spread", "large", "small"),
    exactness: Exactness = Exactness.COMPUTES,
    weights: Callable[[Choice, Shape], dict[str, Weight]] = lambda choice, shape: {},
    configured: bool = True,
) -> Row:
    """A row of an activation over images, features and sequences; "default" leaves an option out."""
    axes = dict(options or {})

    def build(choice: Choice, fill: Chooser) -> Draft:
        """One activation; images have one sample more than the others."""
        shape = shape_of(choice["shape"], fill)
        config = {name: choice[name] for name in axes if choice[name] != "default"} if configured else {}
        batch = {"batch": 3 if len(shape) == 3 else 2}
        return after_inputs(kind, config, [shape], weights(choice, shape), batch)

    return row(DIALECT, kind, axes={**axes, "shape": shapes}, profiles=profiles, exactness=exactness, per_axis=4)(build)


relu = activation_row("ReLULayer", shapes=SHAPES, profiles=("main", "spread"), exactness=Exactness.SELECTS)
leaky_relu = activation_row("LeakyReLULayer", {"Scale": ("default", 0.2, 1.5)}, profiles=("main", "spread", "negative"))
clipped_relu = activation_row(
    "ClippedReLULayer", {"Ceiling": (6, 0.5, 10)}, profiles=("main", "spread", "ties"), exactness=Exactness.SELECTS
)
elu = activation_row("ELULayer", {"Alpha": ("default", 0.3, 2)}, profiles=("main", "spread", "large", "small"))
prelu = activation_row(
    "PReLULayer",
    {"slopes": ("channel", "one")},
    shapes=SHAPES,
    profiles=("main", "negative", "spread"),
    weights=lambda choice, shape: {
        "Alpha": Weight((channels_of(shape) if choice["slopes"] == "channel" else 1,), "alpha")
    },
    configured=False,
)
tanh = activation_row("TanhLayer", profiles=("main", "large", "small"))
sigmoid = activation_row("SigmoidLayer")
swish = activation_row("SwishLayer")
softplus = activation_row("SoftplusLayer")
gelu = activation_row("GELULayer", {"Approximation": ("none", "tanh", "default")})
softmax = activation_row("SoftmaxLayer", shapes=SHAPES, profiles=("main", "spread", "large", "small"))
