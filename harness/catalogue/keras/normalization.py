"""BatchNormalization and LayerNormalization."""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, Weight, explicit, row, rule, single, sized

SHAPE = {"rank": (2, 3, 4), "sizes": ("distinct", "equal"), "batch": (2, 1, 3)}
FLAGS = {"center": ("default", False), "scale": ("default", False)}
PROFILES = ("main", "negative", "spread", "large", "small")
"""Not `special`: 3e38 overflows in one order of the documented products and not in another."""


def _shape(choice: Choice, fill: Chooser) -> tuple[int, ...]:
    return tuple(sized(choice["sizes"], fill, choice["rank"] - 1, batch=choice["batch"]))


@row(
    "keras",
    "BatchNormalization",
    axes={**SHAPE, "axis": ("default", 1, 2, 3, -2), "epsilon": ("default", 1e-5, 0.1, 0.5), **FLAGS},
    profiles=PROFILES,
    rules=[
        rule("rank", "axis", reason="the axis is one of the input's, and not the batch")(
            lambda rank, axis: {"default": 2, 1: 2, 2: 3, 3: 4, -2: 3}[axis] <= rank
        )
    ],
)
def batch_normalization(choice: Choice, fill: Chooser) -> Draft:
    """With `equal` sizes statistics broadcast along the wrong axis still fit."""
    shape = _shape(choice, fill)
    axis = -1 if choice["axis"] == "default" else choice["axis"]
    size = ([0, *shape][axis],)
    laws = {"gamma": "gamma", "beta": "beta", "moving_mean": "mean", "moving_variance": "variance"}
    dropped = {"gamma": choice["scale"] is False, "beta": choice["center"] is False}
    return single(
        "keras",
        "BatchNormalization",
        explicit(choice, "axis", "epsilon", "center", "scale"),
        [shape],
        weights={name: Weight(size, law) for name, law in laws.items() if not dropped.get(name)},
        batch=choice["batch"],
        channel_axis=axis,
    )


@row(
    "keras",
    "LayerNormalization",
    axes={
        **SHAPE,
        "axis": ("default", 1, -2, (-2, -1), (1, 3), (1, 2, 3)),
        "epsilon": ("default", 1e-6, 0.1, 0.5),
        **FLAGS,
        "rms_scaling": ("default", True),
    },
    profiles=("main", "spread", "large", "small"),
    rules=[
        rule("rank", "axis", reason="the axes are the input's, without the batch")(
            lambda rank, axis: {"default": 2, 1: 2, -2: 3, (-2, -1): 3}.get(axis, 4) <= rank
        )
    ],
)
def layer_normalization(choice: Choice, fill: Chooser) -> Draft:
    """gamma and beta span the normalised axes; `rms_scaling` always has a gamma and never a beta."""
    shape = _shape(choice, fill)
    given = -1 if choice["axis"] == "default" else choice["axis"]
    axes = (given,) if isinstance(given, int) else given
    size = tuple([0, *shape][axis] for axis in axes)
    weights = {}
    if choice["rms_scaling"] is True or choice["scale"] is not False:
        weights["gamma"] = Weight(size, "gamma")
    if choice["rms_scaling"] is not True and choice["center"] is not False:
        weights["beta"] = Weight(size, "beta")
    return single(
        "keras",
        "LayerNormalization",
        explicit(choice, "axis", "epsilon", "center", "scale", "rms_scaling"),
        [shape],
        weights=weights,
        batch=choice["batch"],
        channel_axis=axes[-1],
    )
