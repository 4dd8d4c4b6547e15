"""MatConvNet SimpleNN: conv, convt, relu, pool, bnorm, lrn, softmax, sigmoid, dropout, and chains of them.

Inputs and goldens of this dialect are N x C x H x W, PyTorch's order, so that artifacts run without a permutation.
MATLAB has the same numbers as H x W x C x N: `nchw = hwcn.transpose(3, 2, 0, 1)` and
`hwcn = nchw.transpose(2, 3, 1, 0)`. Weights have MATLAB's layout, H x W x C/G x F for a filter bank.

Only layers that move data have profiles with NaN, which MATLAB's `max` skips and that of other frameworks returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, row, single
from harness.spec import Exactness, Input, Layer, Spec

DIALECT = "matconvnet"
CHANNEL_AXIS = 1
Pair = Sequence[int]
Shape = tuple[int, int, int]
Step = tuple[dict[str, Any], dict[str, Weight], Shape]
"""Configuration, weights and output shape (C, H, W) of one layer in a chain."""

STRIDES = ((2, 3), (2, 2), (3, 2))
KERNELS: Mapping[str, tuple[int, int]] = {
    "odd": (3, 3),
    "even": (2, 2),
    "oblong": (4, 3),
    "point": (1, 1),
    "full": (4, 3),
}
SHAPES = ("distinct", "equal", "flat", "one_channel")


def conv_size(size: int, kernel: int, stride: int, dilate: int, pads: int) -> int:
    """Output size of vl_nnconv and vl_nnpool along one axis; `pads` is the sum of both sides."""
    return (size + pads - dilate * (kernel - 1) - 1) // stride + 1


def _stride(choice: Choice, fill: Chooser) -> tuple[int, int]:
    """`unit`, or a stride of 2 and more that tiles the image as the choice says. Stride and tiling are one axis: at
    stride 1 `inexact` means nothing."""
    return (1, 1) if choice["stride"] == "unit" else fill.pick(STRIDES)


def _input_sizes(
    choice: Choice, kernel: Pair, outputs: Pair, *, stride: Pair, dilate: Pair, pad: Sequence[int], square: bool
) -> tuple[int, int]:
    """Size of an image with at least `outputs` and the choice's tiling; square if `square` and possible."""
    pads = (pad[0] + pad[1], pad[2] + pad[3])
    rest = [s - 1 if choice["stride"] == "inexact" else 0 for s in stride]

    def fitting(axis: int) -> list[int]:
        window = dilate[axis] * (kernel[axis] - 1) + 1
        sizes = [(outputs[axis] + more - 1) * stride[axis] + window + rest[axis] - pads[axis] for more in range(6)]
        return [size for size in sizes if size >= min(outputs[axis], 2)]

    heights, widths = fitting(0), fitting(1)
    common = sorted(set(heights) & set(widths))
    if square and common:
        return common[0], common[0]
    if heights[0] == widths[0] and not square and outputs[1] > 1:
        return heights[0], widths[1]
    return heights[0], widths[0]


CHANNELS = ("distinct", "equal", "one_filter", "one_input", "one_each", "two_groups", "depthwise")
"""Channels and filters of a bank. One of either leaves a dimension of size 1, which the file may drop."""


def _channels(choice: Choice, fill: Chooser) -> tuple[int, int, int]:
    """(input channels, filters, groups) of a filter bank."""
    kind = choice["channels"]
    if kind == "two_groups":
        return 4, fill.pick((4, 6)), 2
    if kind == "depthwise":
        count = fill.pick((2, 3))
        return count, fill.pick((2, 1)) * count, count
    if kind == "equal":
        count = fill.integer(2, 4)
        return count, count, 1
    inputs, filters = distinct(fill, 2, (2, 3, 5))
    return 1 if kind in ("one_input", "one_each") else inputs, 1 if kind in ("one_filter", "one_each") else filters, 1


def _bank(shape: tuple[int, int, int, int], biases: int) -> dict[str, Weight]:
    weights = {"filters": Weight(shape, "kernel", fan_in=shape[0] * shape[1] * shape[2])}
    return {**weights, "biases": Weight((biases,), "bias")} if biases else weights


@row(
    DIALECT,
    "conv",
    axes={
        "kernel": tuple(KERNELS),
        "channels": CHANNELS,
        "stride": ("unit", "exact", "inexact"),
        "pad": ((0, 0, 0, 0), (2, 2, 1, 1), (2, 1, 0, 3)),
        "dilate": ((1, 1), (2, 1), (1, 3)),
        "bias": (True, False),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "impulse"),
)
def conv(choice: Choice, fill: Chooser) -> Draft:
    """`full` is MatConvNet's fully connected layer: a filter as large as the image, or the padded image.

    There is no field for groups: they are the input's channels over the filters' depth.
    """
    inputs, filters, groups = _channels(choice, fill)
    kernel, stride = KERNELS[choice["kernel"]], _stride(choice, fill)
    outputs = (1, 1) if choice["kernel"] == "full" else (fill.integer(2, 3), 2)
    config = {"pad": list(choice["pad"]), "stride": list(stride), "dilate": list(choice["dilate"])}
    height, width = _input_sizes(choice, kernel, outputs, **config, square=choice["channels"] == "equal")
    weights = _bank((*kernel, inputs // groups, filters), filters if choice["bias"] else 0)
    return _draft("conv", config, (inputs, height, width), weights, choice)


@row(
    DIALECT,
    "convt",
    axes={
        "kernel": ("odd", "even", "oblong", "point"),
        "channels": CHANNELS,
        "upsample": ((1, 1), (2, 2), (2, 3)),
        "crop": ((0, 0, 0, 0), (1, 1, 1, 1), (1, 1, 0, 0), (1, 0, 2, 1)),
        "bias": (True, False),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "impulse"),
)
def convt(choice: Choice, fill: Chooser) -> Draft:
    """Filters are H x W x K x C with K = outputs / groups: the third dimension is the output's, unlike conv's."""
    inputs, outputs, groups = _channels(choice, fill)
    kernel, crop, up = KERNELS[choice["kernel"]], choice["crop"], choice["upsample"]
    drops = (crop[0] + crop[1], crop[2] + crop[3])
    smallest = [-(-(2 + drops[k] - kernel[k]) // up[k]) + 1 for k in (0, 1)]
    height, width = (max(size, 2) for size in smallest)
    if choice["channels"] == "equal":
        height = width = max(height, width)
    elif height == width:
        height += 1
    config = {"upsample": list(up), "crop": list(crop), "numGroups": groups}
    weights = _bank((*kernel, outputs // groups, inputs), outputs if choice["bias"] else 0)
    return _draft("convt", config, (inputs, height, width), weights, choice)


POOL_PADS = ("none", "one", "end", "lopsided", "thick")


def _pool_pad(kind: str, window: Pair) -> list[int]:
    """[top bottom left right]; each less than the window, as MatConvNet demands."""
    top, left = window[0] - 1, window[1] - 1
    pads = {"none": [0] * 4, "one": [1] * 4, "end": [0, 1, 0, 1], "lopsided": [top, 0, 1, left]}
    return pads.get(kind, [top, top, left, left])


@row(
    DIALECT,
    "pool",
    axes={
        "window": ((2, 2), (3, 3), (3, 2), (4, 4)),
        "method_pad": tuple((method, pad) for method in ("max", "avg") for pad in POOL_PADS),
        "stride": ("unit", "exact", "inexact"),
        "sizes": ("distinct", "equal"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "large", "ties"),
    exactness=lambda choice: Exactness.SELECTS if choice["method_pad"][0] == "max" else Exactness.COMPUTES,
)
def pool(choice: Choice, fill: Chooser) -> Draft:
    """Pads of more than half of the window included, which PyTorch's own pooling refuses.

    Method and pad are one axis, so that each profile meets each of them: what padding stands for shows in `max` on
    negative images and in `avg` on any.
    """
    method, border = choice["method_pad"]
    window, equal = choice["window"], choice["sizes"] == "equal"
    places = {"stride": list(_stride(choice, fill)), "pad": _pool_pad(border, window)}
    outputs = (fill.integer(2, 3), 2)
    height, width = _input_sizes(choice, window, outputs, **places, dilate=(1, 1), square=equal)
    channels = height if equal and height < 6 else fill.integer(2, 3)
    config = {"method": method, "pool": list(window), **places}
    return _draft("pool", config, (channels, height, width), {}, choice)


def image(sizes: str, fill: Chooser, options: Sequence[int] = (2, 3, 5, 7)) -> Shape:
    """Size of an image of one of the `SHAPES`; distinct sizes are taken from `options`."""
    if sizes == "equal":
        count = fill.integer(3, 4)
        return count, count, count
    count, height, width = distinct(fill, 3, options)
    if sizes == "flat":
        return 3 * count, 1, 1
    return 1 if sizes == "one_channel" else count, height, width


@row(
    DIALECT,
    "relu",
    axes={"leak": (0.0, 0.2, 0.01, 1.5), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "ties"),
    exactness=lambda choice: Exactness.COMPUTES if choice["leak"] else Exactness.SELECTS,
)
def relu(choice: Choice, fill: Chooser) -> Draft:
    """A leak above 1 is legal and tells `leak * x` from `max(x, leak * x)`."""
    return _draft("relu", {"leak": choice["leak"]}, image(choice["sizes"], fill), {}, choice)


@row(
    DIALECT,
    "bnorm",
    axes={"epsilon": (1e-5, 1e-4, 1e-6), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
)
def bnorm(choice: Choice, fill: Chooser) -> Draft:
    """`moments` is C x 2, [mu sigma]; sigma has epsilon in it already, so `epsilon` must change nothing."""
    shape = image(choice["sizes"], fill)
    return _draft("bnorm", {"epsilon": choice["epsilon"]}, shape, _normalizer(shape[0]), choice)


def _normalizer(channels: int) -> dict[str, Weight]:
    return {
        "multipliers": Weight((channels,), "gamma"),
        "biases": Weight((channels,), "beta"),
        "moments": Weight((channels, 2), "moments"),
    }


@row(
    DIALECT,
    "lrn",
    axes={
        "window": (5, 1, 2, 3, 4, 9),
        "kappa": (1.0, 2.0, 0.5),
        "alpha": (0.0001 / 5, 0.1, 0.7, 2.0),
        "beta": (0.75, 0.5, 1.0),
        "sizes": ("distinct", "equal", "flat", "one_channel"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
)
def lrn(choice: Choice, fill: Chooser) -> Draft:
    """Windows odd and even, and wider than the channels. `param` is [N kappa alpha beta]; alpha is per element."""
    config = {"param": [choice["window"], choice["kappa"], choice["alpha"], choice["beta"]]}
    shape = image(choice["sizes"], fill, (2, 5, 7) if choice["sizes"] == "distinct" else (2, 3, 5))
    return _draft("lrn", config, shape, {}, choice)


@row(
    DIALECT,
    "softmax",
    axes={"sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "impulse", "ties"),
)
def softmax(choice: Choice, fill: Chooser) -> Draft:
    """Over the channels (MATLAB's third dimension), for images of every size."""
    return _draft("softmax", {}, image(choice["sizes"], fill), {}, choice)


@row(
    DIALECT,
    "sigmoid",
    axes={"sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "small", "impulse", "ties"),
)
def sigmoid(choice: Choice, fill: Chooser) -> Draft:
    """Elementwise."""
    return _draft("sigmoid", {}, image(choice["sizes"], fill), {}, choice)


@row(
    DIALECT,
    "dropout",
    axes={"rate": (0.5, 0.1, 0.9), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
    exactness=Exactness.MOVES,
)
def dropout(choice: Choice, fill: Chooser) -> Draft:
    """A copy of its input in test mode."""
    return _draft("dropout", {"rate": choice["rate"]}, image(choice["sizes"], fill), {}, choice)


def _draft(kind: str, config: dict[str, Any], shape: Shape, weights: Mapping[str, Weight], choice: Choice) -> Draft:
    """A one-layer network over images (C, H, W)."""
    return single(DIALECT, kind, config, [shape], weights=weights, batch=choice["batch"], channel_axis=CHANNEL_AXIS)


def _pads(fill: Chooser, lopsided: bool, below: Pair) -> list[int]:
    """[top bottom left right], each less than the window along its axis; all four drawn if `lopsided`."""
    if lopsided:
        return [fill.integer(0, min(2, window - 1)) for window in (below[0], below[0], below[1], below[1])]
    return [fill.integer(0, min(1, min(below) - 1))] * 4


def _chain_conv(fill: Chooser, shape: Shape, lopsided: bool) -> Step:
    channels, height, width = shape
    filters = fill.pick((2, 3, 4))
    kernel = (fill.integer(1, min(3, height)), fill.integer(1, min(3, width)))
    pad = _pads(fill, lopsided, kernel)
    dilate = [
        fill.integer(1, 2) if n > 1 and 2 * n - 1 <= m else 1 for n, m in zip(kernel, (height, width), strict=True)
    ]
    stride = [fill.integer(1, 2), fill.integer(1, 2)] if lopsided else [1, 1]
    groups = 2 if channels % 2 == 0 and filters % 2 == 0 and fill.pick((False, True)) else 1
    weights = _bank((*kernel, channels // groups, filters), fill.pick((filters, 0)))
    after = (
        conv_size(height, kernel[0], stride[0], dilate[0], pad[0] + pad[1]),
        conv_size(width, kernel[1], stride[1], dilate[1], pad[2] + pad[3]),
    )
    return {"pad": pad, "stride": stride, "dilate": dilate}, weights, (filters, *after)


def _chain_convt(fill: Chooser, shape: Shape, lopsided: bool) -> Step:
    channels, height, width = shape
    outputs = fill.pick((2, 3))
    kernel = (fill.integer(2, 3), fill.integer(2, 3))
    # upsampling only small images keeps the cases small
    up = [fill.integer(1, 2), fill.integer(1, 2)] if height * width <= 16 else [1, 1]
    crop = [fill.integer(0, 1) for _ in range(4)] if lopsided else [1 if height * width > 16 else 0] * 4
    if height < 2 or width < 2:
        crop = [0, 0, 0, 0]
    weights = _bank((*kernel, outputs, channels), fill.pick((outputs, 0)))
    after = (
        up[0] * (height - 1) + kernel[0] - crop[0] - crop[1],
        up[1] * (width - 1) + kernel[1] - crop[2] - crop[3],
    )
    return {"upsample": up, "crop": crop, "numGroups": 1}, weights, (outputs, *after)


def _chain_pool(fill: Chooser, shape: Shape, lopsided: bool) -> Step:
    channels, height, width = shape
    window = [fill.integer(1, min(3, height)), fill.integer(1, min(3, width))]
    pad = _pads(fill, lopsided, window)
    stride = [fill.integer(1, 2), fill.integer(1, 2)] if lopsided else [1, 1]
    after = (
        conv_size(height, window[0], stride[0], 1, pad[0] + pad[1]),
        conv_size(width, window[1], stride[1], 1, pad[2] + pad[3]),
    )
    config = {"method": fill.pick(("max", "avg")), "pool": window, "stride": stride, "pad": pad}
    return config, {}, (channels, *after)


LINKS: Mapping[str, Callable[[Chooser, Shape, bool], Step]] = {
    "conv": _chain_conv,
    "convt": _chain_convt,
    "pool": _chain_pool,
    "bnorm": lambda fill, shape, _: ({"epsilon": 1e-5}, _normalizer(shape[0]), shape),
    "relu": lambda fill, shape, _: ({"leak": fill.pick((0.0, 0.2))}, {}, shape),
    "lrn": lambda fill, shape, _: (
        {"param": [fill.integer(1, 5), fill.pick((1.0, 2.0)), fill.pick((0.1, 1.5)), fill.pick((0.75, 0.5))]},
        {},
        shape,
    ),
    "softmax": lambda fill, shape, _: ({}, {}, shape),
    "sigmoid": lambda fill, shape, _: ({}, {}, shape),
    "dropout": lambda fill, shape, _: ({"rate": 0.5}, {}, shape),
}
"""For each kind, a function that draws a layer to fit the shape before it, lopsided or not."""
FOLLOWERS = ("conv", "relu", "pool", "bnorm", "lrn", "conv", "convt", "dropout", "sigmoid", "softmax")
"""Kinds of the second and later layers; a convolution is drawn twice as often, as in real networks."""


@row(
    DIALECT,
    "SimpleNN",
    axes={
        "first": ("conv", "convt", "pool", "bnorm", "relu", "lrn", "softmax"),
        "depth": (2, 3, 4, 5, 6),
        "geometry": ("plain", "lopsided"),
        "sizes": ("distinct", "equal"),
        "names": ("plain", "hostile"),
        "batch": (2, 1, 3),
    },
)
def chain(choice: Choice, fill: Chooser) -> Draft:
    """A chain whose shapes always fit: every layer is drawn to fit the shape before it.

    `hostile` names are legal in MATLAB and not as names of PyTorch modules.
    """
    shape: Shape = (4, 4, 4) if choice["sizes"] == "equal" else (fill.integer(2, 3), 5, 4)
    source = Input("x", shape)
    layers: list[Layer] = []
    weights: dict[str, Weight] = {}
    for k in range(choice["depth"]):
        kind = fill.pick(FOLLOWERS) if k else choice["first"]
        config, laws, shape = LINKS[kind](fill, shape, choice["geometry"] == "lopsided")
        name = f"{kind}{k + 1}" if choice["names"] == "plain" else f"{k + 1}.{kind} 3x3"
        layers.append(Layer(kind, name, config, inputs=(layers[-1].name if layers else "x",)))
        weights.update({f"{name}/{weight}": law for weight, law in laws.items()})
    spec = Spec(DIALECT, (source,), tuple(layers), (layers[-1].name,))
    return Draft(spec, weights, batch=choice["batch"], channel_axis=CHANNEL_AXIS)
