"""The row of the scaling layer of Deep Learning Toolbox."""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, Weight, row, rule
from harness.catalogue.matlab.toolbox import DIALECT, SHAPES, Shape, after_inputs, channels_of, shape_of

SIZES = ("channel", "default", "one", "element")


def _size(name: str, shape: Shape) -> tuple[int, ...]:
    """Size in MATLAB of an array that it expands to a sample: H x W (x D) x C of images, C x 1 of others."""
    if name == "one":
        return (1, 1)
    if len(shape) < 3:
        return (channels_of(shape), 1)
    spatial = [n or 1 for n in shape[1:]] if name == "element" else [1] * (len(shape) - 1)
    return (*spatial, channels_of(shape))


@row(
    DIALECT,
    "ScalingLayer",
    axes={"Scale": SIZES, "Offset": SIZES, "shape": SHAPES, "batch": (2, 1, 3)},
    rules=[
        rule(name, "shape", reason="elements of features are channels, and an open sequence has no number of them")(
            lambda size, shape: size != "element" or shape in ("image", "volume")
        )
        for name in ("Scale", "Offset")
    ],
    profiles=("main", "negative", "spread", "large"),
    per_axis=4,
)
def scaling(choice: Choice, fill: Chooser) -> Draft:
    """Scale and Offset of sizes that differ; each may be absent."""
    shape = shape_of(choice["shape"], fill)
    weights = {
        name: Weight(_size(choice[name], shape), law)
        for name, law in (("Scale", "gamma"), ("Offset", "beta"))
        if choice[name] != "default"
    }
    return after_inputs("ScalingLayer", {}, [shape], weights, choice)
