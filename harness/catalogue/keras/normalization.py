"""BatchNormalization, LayerNormalization, GroupNormalization, RMSNormalization, UnitNormalization and
SpectralNormalization."""

from __future__ import annotations

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, explicit, inner, row, rule, single, sized

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
            lambda rank, axis: {"default": 2, 1: 2, -2: 3, (-2, -1): 3, (): 2}.get(axis, 4) <= rank
        )
    ],
    pins=[{"axis": (), "rank": 3}, {"axis": (), "rank": 3, "rms_scaling": True}, {"axis": (), "scale": False}],
)
def layer_normalization(choice: Choice, fill: Chooser) -> Draft:
    """gamma and beta span the normalised axes; `rms_scaling` always has a gamma and never a beta.

    Over no axis each number is its own mean, and the output is beta.
    """
    shape = _shape(choice, fill)
    axis = -1 if choice["axis"] == "default" else choice["axis"]
    axes = (axis,) if isinstance(axis, int) else axis
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
        channel_axis=axes[-1] if axes else -1,
    )


def _normalised(kind: str, choice: Choice, fill: Chooser, *names: str, weight: str | None = None) -> Draft:
    """One layer over the axes of the choice; `weight` names its weight along them."""
    shape = _shape(choice, fill)
    axis = -1 if choice["axis"] == "default" else choice["axis"]
    axes = (axis,) if isinstance(axis, int) else axis
    weights = {weight: Weight(tuple([0, *shape][axis] for axis in axes), "gamma")} if weight else {}
    config = explicit(choice, "axis", *names)
    return single("keras", kind, config, [shape], weights=weights, batch=choice["batch"], channel_axis=axes[-1])


_FITS = rule("rank", "axis", reason="the axes are the input's, without the batch")(
    lambda rank, axis: {"default": 2, 1: 2, -2: 3, (-2, -1): 3, (1, 2): 3}.get(axis, 4) <= rank
)


@row(
    "keras",
    "RMSNormalization",
    axes={**SHAPE, "axis": ("default", (-2, -1), (1, 2, 3)), "epsilon": ("default", 1e-3, 0.1)},
    profiles=("main", "negative", "large", "small"),
    rules=[_FITS],
    per_axis=4,
)
def rms_normalization(choice: Choice, fill: Chooser) -> Draft:
    """`small` inputs show epsilon. The axes end with the last one: Keras 3.15 multiplies others by a scale along the
    last axis, or fails."""
    return _normalised("RMSNormalization", choice, fill, "epsilon", weight="scale")


@row(
    "keras",
    "UnitNormalization",
    axes={**SHAPE, "axis": ("default", 1, -2, (1, 2))},
    profiles=("main", "negative", "large", "small", "impulse"),
    rules=[_FITS],
    per_axis=4,
)
def unit_normalization(choice: Choice, fill: Chooser) -> Draft:
    """`impulse` has vectors of length zero, which stay zero."""
    return _normalised("UnitNormalization", choice, fill)


@row(
    "keras",
    "GroupNormalization",
    axes={
        "rank": (3, 2, 4),
        "channels": ((2, 4), (3, 6), (1, 3), (-1, 3), (2, 6)),
        "axis": ("default", 1, -2),
        "epsilon": ("default", 1e-6, 0.1),
        **FLAGS,
        "batch": (2, 1, 3),
    },
    profiles=("main", "spread", "large", "small"),
    rules=[
        _FITS,
        rule("rank", "channels", reason="a group of one element is its own mean")(
            lambda rank, channels: rank > 2 or channels[0] not in (-1, channels[1])
        ),
    ],
    per_axis=5,
)
def group_normalization(choice: Choice, fill: Chooser) -> Draft:
    """Several groups of several channels, one group, and one group per channel."""
    groups, channels = choice["channels"]
    axis = -1 if choice["axis"] == "default" else choice["axis"]
    spatial = sized("distinct", fill, choice["rank"] - 2, batch=choice["batch"], options=(2, 3, 5, 7))
    shape = list(spatial)
    shape.insert(axis - 1 if axis > 0 else len(shape) + axis + 1, channels)
    laws = {"gamma": choice["scale"], "beta": choice["center"]}
    return single(
        "keras",
        "GroupNormalization",
        {"groups": groups, **explicit(choice, "axis", "epsilon", "center", "scale")},
        [tuple(shape)],
        weights={name: Weight((channels,), name) for name, flag in laws.items() if flag is not False},
        batch=choice["batch"],
        channel_axis=axis,
    )


@row(
    "keras",
    "SpectralNormalization",
    axes={"layer": ("Dense", "Conv2D"), "power_iterations": ("default", 3), "batch": (2, 1, 3)},
    profiles=("main", "large"),
    second_batches=SOME,
    per_axis=3,
)
def spectral_normalization(choice: Choice, fill: Chooser) -> Draft:
    """A converter that normalised once more at inference would show: the drawn kernel's norm is not 1.

    Not around an Embedding: Keras 3.15 casts the output to the dtype of the ids.
    """
    features, units = sized("distinct", fill, 2, options=(3, 5, 7))
    window = (2, 2) if choice["layer"] == "Conv2D" else ()
    config = {"filters": units, "kernel_size": window} if window else {"units": units}
    return single(
        "keras",
        "SpectralNormalization",
        {"layer": inner(choice["layer"], config), **explicit(choice, "power_iterations")},
        [(4, 3, features) if window else (features,)],
        weights={
            "kernel": Weight((*window, features, units), "kernel", fan_in=features * (4 if window else 1)),
            "vector_u": Weight((1, units), "bias"),
            "bias": Weight((units,), "bias"),
        },
        batch=choice["batch"],
    )
