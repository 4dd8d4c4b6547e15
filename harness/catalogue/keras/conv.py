"""Conv1D, Conv2D, Conv3D, DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D.

The number of outputs and the `residue` of an axis are drawn, and its input size follows from both. The residue is the
number of elements beyond the last window (`valid`), or beyond the smallest size with as many outputs (`same`,
`causal`), where it makes the total padding even, odd or zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, row, rule, single
from harness.catalogue.keras.core import low_rank

PROFILES = ("main", "negative", "large", "small", "impulse")
ACTIVATIONS = (None, "relu", "tanh")
FORMATS = ("channels_last", "channels_first")
OUTPUTS = range(2, 9)
"""Numbers of outputs along a spatial axis, from which input sizes are derived."""


def per_axis(value: Any) -> tuple[int, ...]:
    """The value as a tuple; in layers of one spatial axis it is an integer."""
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
    """The input shape without the batch, in the order of the choice's `data_format`."""
    if choice.get("open_sizes"):
        spatial = (None,) * len(spatial)
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


def _open_fits(opened: bool, padding: str, kernel: Any, dilation: Any, residue: Any) -> bool:
    spans = [(k - 1) * d + 1 for k, d in zip(per_axis(kernel), per_axis(dilation), strict=True)]
    return not opened or (max(per_axis(residue)) == 0 and (padding != "valid" or max(spans) <= OPEN_SIZE))


OPEN_SIZE = 5
"""Size of an open axis in the first inputs."""
OPEN_RULES = (
    *RULES,
    rule("open_sizes", "padding", "kernel", "dilation", "residue", reason="the draw determines open sizes")(_open_fits),
    rule("open_sizes", "data_format", "use_bias", reason="such a bias must not be as long as the width: see last_size")(
        lambda opened, data_format, use_bias: not opened or data_format == "channels_last" or not use_bias
    ),
)
OPEN = {"open_sizes": (False, True)}
UNGROUPED = rule("groups", reason="tf2onnx writes a call of the function that Keras compiles for groups")(
    lambda groups: groups == 1
)

AS_WIDE = {"data_format": "channels_first", "width": "as the bias"}
"""Pin of a bias that Keras' TensorFlow backend adds along the width: see `last_size`. The siblings' rows have no such
pin: on a route with few cases of a layer, the pin would take the place of a case that converts."""
LOW_RANK = ({"lora_rank": 2}, {"lora_rank": 1, "lora_alpha": 3, "use_bias": False, "padding": "valid"})
"""Pins of kernels with a low-rank update, the second three times as strong."""

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


def has_bias_in_front(choice: Choice) -> bool:
    """Whether a bias is added to channels in front of the spatial axes: see `last_size`."""
    return choice["data_format"] == "channels_first" and bool(choice["use_bias"])


def last_size(
    choice: Choice, fill: Chooser, options: Sequence[int], spatial: Sequence[int], channels: Sequence[int]
) -> int:
    """The last spatial size if it is one of the `options`, else an option that differs from all other sizes.

    Keras' TensorFlow backend (3.15.1) adds the bias of a channels_first convolution along the last axis if that has
    the length of the bias, because `add` takes it for a channels_last bias. This contradicts the documentation, so
    such a case has no right source model. The pin `AS_WIDE` shows the defect, the width of all other outputs differs
    from their number of channels.
    """
    if not has_bias_in_front(choice) or spatial[-1] in options:
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
    if "width" in choice:
        spatial[-1] = options[-1][OUTPUTS.index(chosen[-1])]
        return spatial, chosen
    apart = [n for n, outputs in zip(options[-1], OUTPUTS, strict=True) if outputs != chosen[-1] * multiplier]
    spatial[-1] = last_size(choice, fill, apart, spatial, chosen)
    return spatial, chosen


def config(choice: Choice, **arguments: Any) -> dict[str, Any]:
    """Constructor arguments: the layer's `arguments`, then those that every convolution has."""
    return {
        **arguments,
        "kernel_size": choice["kernel"],
        "strides": choice["strides"],
        "padding": choice["padding"],
        "dilation_rate": choice["dilation"],
        "data_format": choice["data_format"],
        "activation": choice["activation"],
        "use_bias": choice["use_bias"],
    }


def bias(choice: Choice, channels: int) -> dict[str, Weight]:
    """The bias, where the choice has one."""
    return {"bias": Weight((channels,), "bias")} if choice["use_bias"] else {}


def _convolution(kind: str, choice: Choice, fill: Chooser) -> Draft:
    kernel, groups = per_axis(choice["kernel"]), choice["groups"]
    spatial, (channels, filters) = _sizes(choice, fill, channel_options(groups, len(kernel)), 2)
    depth = channels // groups
    shape = (*kernel, depth, filters)
    weights = {"kernel": Weight(shape, "kernel", fan_in=prod(kernel) * depth)}
    adapter = {name: choice[name] for name in ("lora_rank", "lora_alpha") if name in choice}
    return single(
        "keras",
        kind,
        config(choice, filters=filters, groups=groups, **adapter),
        [placed(choice, spatial, channels)],
        weights={**weights, **bias(choice, filters), **low_rank(choice, "kernel", shape)},
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
        **OPEN,
        "kernel": (3, 1, 2, 4, 5),
        "strides": (1, 2, 3),
        "dilation": (1, 2, 3),
        "residue": (0, 1, 2),
    },
    profiles=PROFILES,
    rules=OPEN_RULES,
    pins=(*LOW_RANK, AS_WIDE),
    barriers=[UNGROUPED],
    second_batches=SOME,
)
def conv1d(choice: Choice, fill: Chooser) -> Draft:
    """The only convolution with `causal` padding."""
    return _convolution("Conv1D", choice, fill)


@row(
    "keras",
    "Conv2D",
    axes={**FREE, "groups": (1, 2), **OPEN, **PLANE},
    profiles=PROFILES,
    rules=OPEN_RULES,
    pins=(*LOW_RANK, AS_WIDE),
    barriers=[UNGROUPED],
    second_batches=SOME,
)
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
        "dilation": ((1, 1, 1), (2, 2, 2), (1, 1, 2), (1, 3, 1)),
        "residue": ((0, 0, 0), (0, 1, 0), (0, 1, 2), (1, 0, 1)),
    },
    later={"dilation": ((1, 3, 1),)},
    profiles=PROFILES,
    rules=RULES,
    pins=(*LOW_RANK, AS_WIDE),
    barriers=[
        rule("groups", "data_format", reason="tf2onnx writes a call of a compiled function")(
            lambda groups, data_format: groups == 1 and data_format == "channels_last"
        )
    ],
    second_batches=SOME,
    per_axis=5,
)
def conv3d(choice: Choice, fill: Chooser) -> Draft:
    """As Conv2D, with tiny sizes."""
    return _convolution("Conv3D", choice, fill)


LINE = {"kernel": (3, 1, 2, 4), "strides": (1, 2, 3), "dilation": (1, 2, 3), "residue": (0, 1, 2)}
"""Geometry of the one-dimensional siblings."""


def _depthwise(kind: str, choice: Choice, fill: Chooser) -> Draft:
    multiplier, kernel = choice["depth_multiplier"], per_axis(choice["kernel"])
    spatial, (channels,) = _sizes(choice, fill, channel_options(1), 1, multiplier=multiplier)
    weights = {"kernel": Weight((*kernel, channels, multiplier), "kernel", fan_in=prod(kernel))}
    return single(
        "keras",
        kind,
        config(choice, depth_multiplier=multiplier),
        [placed(choice, spatial, channels)],
        weights={**weights, **bias(choice, channels * multiplier)},
        channel_axis=channel_axis(choice),
    )


DEPTHWISE = {**FREE, "sizes": ("distinct", "equal"), "depth_multiplier": (1, 2, 3)}


@row("keras", "DepthwiseConv2D", axes={**DEPTHWISE, **PLANE}, profiles=PROFILES, rules=RULES, second_batches=SOME)
def depthwise_conv2d(choice: Choice, fill: Chooser) -> Draft:
    """Two channels or more, so that the order of channels and multiples shows."""
    return _depthwise("DepthwiseConv2D", choice, fill)


@row(
    "keras",
    "DepthwiseConv1D",
    axes={**DEPTHWISE, **OPEN, **LINE},
    profiles=PROFILES,
    rules=OPEN_RULES,
    second_batches=SOME,
    per_axis=4,
)
def depthwise_conv1d(choice: Choice, fill: Chooser) -> Draft:
    """As DepthwiseConv2D."""
    return _depthwise("DepthwiseConv1D", choice, fill)


def _separable(kind: str, choice: Choice, fill: Chooser) -> Draft:
    spatial, (channels, filters) = _sizes(choice, fill, channel_options(1), 2)
    multiplier, kernel = choice["depth_multiplier"], per_axis(choice["kernel"])
    deep = channels * multiplier
    weights = {
        "depthwise_kernel": Weight((*kernel, channels, multiplier), "kernel", fan_in=prod(kernel)),
        "pointwise_kernel": Weight((*(1,) * len(kernel), deep, filters), "kernel", fan_in=deep),
    }
    return single(
        "keras",
        kind,
        config(choice, filters=filters, depth_multiplier=multiplier),
        [placed(choice, spatial, channels)],
        weights={**weights, **bias(choice, filters)},
        channel_axis=channel_axis(choice),
    )


SEPARABLE = {**FREE, "depth_multiplier": (1, 2, 3)}


@row("keras", "SeparableConv2D", axes={**SEPARABLE, **PLANE}, profiles=PROFILES, rules=RULES, second_batches=SOME)
def separable_conv2d(choice: Choice, fill: Chooser) -> Draft:
    """`equal` makes the filters as many as the input channels."""
    return _separable("SeparableConv2D", choice, fill)


@row(
    "keras",
    "SeparableConv1D",
    axes={**SEPARABLE, **LINE},
    profiles=PROFILES,
    rules=RULES,
    second_batches=SOME,
    per_axis=4,
)
def separable_conv1d(choice: Choice, fill: Chooser) -> Draft:
    """As SeparableConv2D."""
    return _separable("SeparableConv1D", choice, fill)
