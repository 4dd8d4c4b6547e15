"""Conv1D, Conv2D, Conv3D, DepthwiseConv2D, SeparableConv2D, Conv2DTranspose.

A size is never drawn and then checked: the number of outputs and the `residue` are, and the input size follows.
The residue is what is left of the input beyond the last window (`valid`), or what the last stride adds to the
least size that still has as many outputs (`same`, `causal`); over it the total padding turns even, odd and zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, row, rule, single

PROFILES = ("main", "negative", "large", "small", "impulse")
ACTIVATIONS = (None, "relu", "tanh")
FORMATS = ("channels_last", "channels_first")
OUTPUTS = range(2, 9)
"""Numbers of outputs along a spatial axis, from which input sizes are derived."""


def per_axis(value: Any) -> tuple[int, ...]:
    """A choice that is one integer in layers of one spatial axis, as a tuple."""
    return (value,) if isinstance(value, int) else tuple(value)


def input_sizes(window: int, stride: int, residue: int, padding: str) -> list[int]:
    """Sizes of one axis that give 2, 3, ... outputs, smallest first; windows span `window` elements."""
    least = window if padding == "valid" else 1
    return [(outputs - 1) * stride + least + residue for outputs in OUTPUTS]


def fill_sizes(
    fill: Chooser, mode: str, spatial: Sequence[Sequence[int]], channels: Sequence[int], count: int
) -> tuple[list[int], list[int]]:
    """Spatial sizes and `count` channel numbers, each from its options (smallest first).

    `distinct`: all differ. `equal_filters`: all but the channel numbers, which agree. `equal`: these agree, and as
    many spatial axes as can have that size too.
    """
    spare = 2 if len(spatial) < 3 else 1  # volumes grow fast: take the smallest that will do
    if mode != "equal":
        different = count if mode == "distinct" else 1
        taken: list[int] = []
        for options in [channels] * different + list(spatial):
            taken.append(fill.pick([n for n in options if n not in taken][:spare]))
        return taken[different:], taken[:different] * (count // different)
    every = [channels, *spatial]
    fits = {n: sum(n in options for options in every) for options in every for n in options}
    size = fill.pick(sorted(n for n, axes in fits.items() if axes == max(fits.values()))[:spare])
    chosen = [size if size in options else fill.pick(options[:spare]) for options in every]
    return chosen[1:], chosen[:1] * count


def channel_options(groups: int, rank: int = 2) -> tuple[int, ...]:
    """Channel numbers with at least two channels in each group."""
    if groups > 1:
        return (2 * groups, 3 * groups)
    # in three dimensions more channels leave the small sizes to the axes, which are many
    return (2, 3, 4) if rank < 3 else (3, 5, 6)


def placed(choice: Choice, spatial: Sequence[int | None], channels: int) -> tuple[int | None, ...]:
    """The input shape, batch left out, with the channels where the choice's `data_format` has them."""
    return (channels, *spatial) if choice["data_format"] == "channels_first" else (*spatial, channels)


def channel_axis(choice: Choice) -> int:
    """Axis of the channels in inputs and outputs."""
    return 1 if choice["data_format"] == "channels_first" else -1


strides_or_dilation = rule("strides", "dilation", reason="Keras documents strides > 1 with dilation > 1 as an error")(
    lambda strides, dilation: max(per_axis(strides)) == 1 or max(per_axis(dilation)) == 1
)
residue_below_stride = rule("strides", "residue", reason="a residue of a whole stride is one more output")(
    lambda strides, residue: all(r < s for r, s in zip(per_axis(residue), per_axis(strides), strict=True))
)
RULES = (strides_or_dilation, residue_below_stride)

FREE = {
    # covering arrays lean towards first values: the padding that more faults need comes first
    "padding": ("same", "valid"),
    "sizes": ("distinct", "equal_filters", "equal"),
    "use_bias": (True, False),
    "activation": ACTIVATIONS,
    "data_format": FORMATS,
}
"""Axes that every convolution has."""

PLANE = {
    "kernel": ((3, 3), (1, 1), (2, 2), (2, 3), (5, 4)),
    "strides": ((1, 1), (2, 2), (1, 2), (3, 2)),
    "dilation": ((1, 1), (2, 2), (1, 3)),
    "residue": ((0, 0), (1, 0), (0, 1), (2, 1)),
}
"""Geometry of the two-dimensional convolutions. Axes that rules bind come last in a row: the array is shorter so."""


def _last_size(
    choice: Choice, fill: Chooser, options: Sequence[int], spatial: Sequence[int], channels: Sequence[int]
) -> int:
    """The last spatial size: the one drawn, or where it is not among the `options` another, different from all.

    Keras' TensorFlow backend (3.15.1) adds the bias of a channels_first convolution along the last axis when that
    happens to be as long as the bias, because `add` takes it for a channels_last bias. The documentation says
    otherwise, so such a case has no source model to convert: outputs as wide as they have channels are not drawn.
    """
    if choice["data_format"] == "channels_last" or not choice["use_bias"] or spatial[-1] in options:
        return spatial[-1]
    return fill.pick([n for n in options if n not in (*spatial, *channels)][:2])


def _sizes(
    choice: Choice, fill: Chooser, channels: Sequence[int], count: int, *, multiplier: int = 1
) -> tuple[list[int], list[int]]:
    """Spatial sizes and `count` channel numbers of an input that the choice's geometry accepts.

    The layer's outputs have `multiplier` times the last of the channel numbers.
    """
    options = [
        input_sizes((k - 1) * d + 1, s, r, choice["padding"])
        for k, s, d, r in zip(
            *(per_axis(choice[axis]) for axis in ("kernel", "strides", "dilation", "residue")), strict=True
        )
    ]
    spatial, chosen = fill_sizes(fill, choice["sizes"], options, channels, count)
    apart = [n for n, outputs in zip(options[-1], OUTPUTS, strict=True) if outputs != chosen[-1] * multiplier]
    spatial[-1] = _last_size(choice, fill, apart, spatial, chosen)
    return spatial, chosen


def _config(choice: Choice, **own: Any) -> dict[str, Any]:
    return {
        **own,
        "kernel_size": choice["kernel"],
        "strides": choice["strides"],
        "padding": choice["padding"],
        "dilation_rate": choice["dilation"],
        "data_format": choice["data_format"],
        "activation": choice["activation"],
        "use_bias": choice["use_bias"],
    }


def _bias(choice: Choice, channels: int) -> dict[str, Weight]:
    return {"bias": Weight((channels,), "bias")} if choice["use_bias"] else {}


def _convolution(kind: str, choice: Choice, fill: Chooser) -> Draft:
    kernel, groups = per_axis(choice["kernel"]), choice["groups"]
    spatial, (channels, filters) = _sizes(choice, fill, channel_options(groups, len(kernel)), 2)
    depth = channels // groups
    weights = {"kernel": Weight((*kernel, depth, filters), "kernel", fan_in=prod(kernel) * depth)}
    return single(
        "keras",
        kind,
        _config(choice, filters=filters, groups=groups),
        [placed(choice, spatial, channels)],
        weights={**weights, **_bias(choice, filters)},
        batch=2 if len(kernel) < 3 else fill.pick((2, 1)),
        channel_axis=channel_axis(choice),
    )


@row(
    "keras",
    "Conv1D",
    axes={
        **FREE,
        "padding": ("same", "valid", "causal"),
        "groups": (1, 2),
        "kernel": (3, 1, 2, 4, 5),
        "strides": (1, 2, 3),
        "dilation": (1, 2, 3),
        "residue": (0, 1, 2),
    },
    profiles=PROFILES,
    rules=RULES,
)
def conv1d(choice: Choice, fill: Chooser) -> Draft:
    """The only convolution with `causal` padding."""
    return _convolution("Conv1D", choice, fill)


@row("keras", "Conv2D", axes={**FREE, "groups": (1, 2), **PLANE}, profiles=PROFILES, rules=RULES)
def conv2d(choice: Choice, fill: Chooser) -> Draft:
    """Kernels, strides and dilation rates that differ between height and width are among the choices."""
    return _convolution("Conv2D", choice, fill)


@row(
    "keras",
    "Conv3D",
    axes={
        **FREE,
        "groups": (1, 2),
        "kernel": ((2, 3, 2), (3, 3, 3), (1, 2, 3), (3, 1, 2)),
        "strides": ((1, 1, 1), (2, 2, 2), (1, 2, 3)),
        "dilation": ((1, 1, 1), (2, 2, 2), (1, 1, 2)),
        "residue": ((0, 0, 0), (0, 1, 0), (0, 1, 2), (1, 0, 1)),
    },
    profiles=PROFILES,
    rules=RULES,
)
def conv3d(choice: Choice, fill: Chooser) -> Draft:
    """As Conv2D, with the sizes kept tiny."""
    return _convolution("Conv3D", choice, fill)


@row(
    "keras",
    "DepthwiseConv2D",
    axes={**FREE, "sizes": ("distinct", "equal"), "depth_multiplier": (1, 2, 3), **PLANE},
    profiles=PROFILES,
    rules=RULES,
)
def depthwise_conv2d(choice: Choice, fill: Chooser) -> Draft:
    """Two channels or more, so that the order of channels and multiples shows."""
    multiplier = choice["depth_multiplier"]
    spatial, (channels,) = _sizes(choice, fill, channel_options(1), 1, multiplier=multiplier)
    weights = {"kernel": Weight((*choice["kernel"], channels, multiplier), "kernel", fan_in=prod(choice["kernel"]))}
    return single(
        "keras",
        "DepthwiseConv2D",
        _config(choice, depth_multiplier=multiplier),
        [placed(choice, spatial, channels)],
        weights={**weights, **_bias(choice, channels * multiplier)},
        channel_axis=channel_axis(choice),
    )


@row("keras", "SeparableConv2D", axes={**FREE, "depth_multiplier": (1, 2, 3), **PLANE}, profiles=PROFILES, rules=RULES)
def separable_conv2d(choice: Choice, fill: Chooser) -> Draft:
    """`equal` makes the filters as many as the input channels."""
    spatial, (channels, filters) = _sizes(choice, fill, channel_options(1), 2)
    multiplier = choice["depth_multiplier"]
    deep = channels * multiplier
    weights = {
        "depthwise_kernel": Weight((*choice["kernel"], channels, multiplier), "kernel", fan_in=prod(choice["kernel"])),
        "pointwise_kernel": Weight((1, 1, deep, filters), "kernel", fan_in=deep),
    }
    return single(
        "keras",
        "SeparableConv2D",
        _config(choice, filters=filters, depth_multiplier=multiplier),
        [placed(choice, spatial, channels)],
        weights={**weights, **_bias(choice, filters)},
        channel_axis=channel_axis(choice),
    )


def _holds_last_window(kernel: Any, dilation: Any, padding: str, extra: Any) -> bool:
    if padding == "valid" or extra is None:
        return True
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    return all(window % 2 == 1 or e >= 1 for window, e in zip(spans, extra, strict=True))


@row(
    "keras",
    "Conv2DTranspose",
    axes={
        **FREE,
        "open_sizes": (False, True),
        "kernel": ((3, 3), (1, 1), (4, 4), (2, 3), (5, 2)),
        "strides": ((1, 1), (2, 2), (3, 3), (1, 2), (3, 2)),
        # Keras documents dilation rates that differ between axes as not supported here
        "dilation": ((1, 1), (2, 2)),
        "output_padding": (None, (0, 0), (1, 1), (0, 1), (2, 1)),
    },
    profiles=PROFILES,
    rules=(
        strides_or_dilation,
        rule("strides", "output_padding", reason="Keras wants output_padding below the stride")(
            lambda strides, extra: extra is None or all(e < s for e, s in zip(extra, strides, strict=True))
        ),
        rule(
            "kernel",
            "dilation",
            "padding",
            "output_padding",
            reason="an even window with output_padding 0 makes `same` shorter than TensorFlow accepts",
        )(_holds_last_window),
    ),
)
def conv2d_transpose(choice: Choice, fill: Chooser) -> Draft:
    """`open_sizes` leaves height and width to run time: a converter cannot fold the output's shape."""
    sizes = (2, 3, 4, 5, 6, 7)
    spatial, (channels, filters) = fill_sizes(fill, choice["sizes"], [sizes, sizes], channel_options(1), 2)
    # the output is at least as wide as the input
    spatial[-1] = _last_size(choice, fill, [n for n in sizes if n > filters], spatial, (channels, filters))
    weights = {
        "kernel": Weight((*choice["kernel"], filters, channels), "kernel", fan_in=prod(choice["kernel"]) * channels)
    }
    return single(
        "keras",
        "Conv2DTranspose",
        _config(choice, filters=filters, output_padding=choice["output_padding"]),
        [placed(choice, (None, None) if choice["open_sizes"] else spatial, channels)],
        weights={**weights, **_bias(choice, filters)},
        # open sizes become five by five: one sample keeps the case small
        batch=1 if choice["open_sizes"] else 2,
        channel_axis=channel_axis(choice),
    )
