"""MatConvNet SimpleNN: conv, convt, relu, pool, bnorm, lrn, softmax, sigmoid, dropout, and chains of them;
what DagNN has beyond that, sum, concat, scale and crop, and graphs of them all.

Inputs and goldens of this dialect are N x C x H x W, PyTorch's order, so that artifacts need no permutation
when they run; MATLAB holds the same numbers as H x W x C x N. Between the two: `nchw = hwcn.transpose(3, 2, 0, 1)`
and `hwcn = nchw.transpose(2, 3, 1, 0)`. Weights keep MATLAB's own layout, H x W x C/G x F for a filter bank.

No profile with NaN but for layers that only move data: MATLAB's `max` skips it where the other frameworks keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, row, single
from harness.catalogue.matlab.toolbox_graphs import HOSTILE
from harness.spec import Input, Layer, Spec

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
    """`unit`, or a stride of 2 and more that tiles the image as the choice says. One axis, so that no rule is needed:
    `inexact` means nothing at stride 1."""
    return (1, 1) if choice["stride"] == "unit" else fill.pick(STRIDES)


def _input_sizes(
    choice: Choice, kernel: Pair, outputs: Pair, *, stride: Pair, dilate: Pair, pad: Sequence[int], square: bool
) -> tuple[int, int]:
    """Image that gives at least `outputs` and is tiled as the choice says; with `square` so, if it can be."""
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
"""Of a filter bank. Those with one leave a bank whose last or inner dimensions are singleton in the file."""


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
    exactness=lambda choice: "selects" if choice["method_pad"][0] == "max" else "computes",
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


def _shape(sizes: str, fill: Chooser, channels: Sequence[int] = (2, 3, 5, 7)) -> Shape:
    if sizes == "equal":
        count = fill.integer(3, 4)
        return count, count, count
    count, height, width = distinct(fill, 3, channels)
    if sizes == "flat":
        return 3 * count, 1, 1
    return 1 if sizes == "one_channel" else count, height, width


@row(
    DIALECT,
    "relu",
    axes={"leak": (0.0, 0.2, 0.01, 1.5), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "ties"),
    exactness=lambda choice: "computes" if choice["leak"] else "selects",
)
def relu(choice: Choice, fill: Chooser) -> Draft:
    """A leak above 1 is legal and tells `leak * x` from `max(x, leak * x)`."""
    return _draft("relu", {"leak": choice["leak"]}, _shape(choice["sizes"], fill), {}, choice)


@row(
    DIALECT,
    "bnorm",
    axes={"epsilon": (1e-5, 1e-4, 1e-6), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
)
def bnorm(choice: Choice, fill: Chooser) -> Draft:
    """`moments` is C x 2, [mu sigma]; sigma has epsilon in it already, so `epsilon` must change nothing."""
    shape = _shape(choice["sizes"], fill)
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
    shape = _shape(choice["sizes"], fill, (2, 5, 7) if choice["sizes"] == "distinct" else (2, 3, 5))
    return _draft("lrn", config, shape, {}, choice)


@row(
    DIALECT,
    "softmax",
    axes={"sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "impulse", "ties"),
)
def softmax(choice: Choice, fill: Chooser) -> Draft:
    """Over the channels (MATLAB's third dimension), whatever the image."""
    return _draft("softmax", {}, _shape(choice["sizes"], fill), {}, choice)


@row(
    DIALECT,
    "sigmoid",
    axes={"sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "small", "impulse", "ties"),
)
def sigmoid(choice: Choice, fill: Chooser) -> Draft:
    """Elementwise."""
    return _draft("sigmoid", {}, _shape(choice["sizes"], fill), {}, choice)


@row(
    DIALECT,
    "dropout",
    axes={"rate": (0.5, 0.1, 0.9), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
    exactness="moves",
)
def dropout(choice: Choice, fill: Chooser) -> Draft:
    """Nothing but a copy in test mode."""
    return _draft("dropout", {"rate": choice["rate"]}, _shape(choice["sizes"], fill), {}, choice)


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


_CHAIN: Mapping[str, Callable[[Chooser, Shape, bool], Step]] = {
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
    """A chain whose shapes always fit: every layer is drawn to suit the shape before it.

    `hostile` names are legal in MATLAB and not as names of PyTorch modules.
    """
    shape: Shape = (4, 4, 4) if choice["sizes"] == "equal" else (fill.integer(2, 3), 5, 4)
    source = Input("x", shape)
    layers: list[Layer] = []
    weights: dict[str, Weight] = {}
    for k in range(choice["depth"]):
        kind = fill.pick(FOLLOWERS) if k else choice["first"]
        config, laws, shape = _CHAIN[kind](fill, shape, choice["geometry"] == "lopsided")
        name = f"{kind}{k + 1}" if choice["names"] == "plain" else f"{k + 1}.{kind} 3x3"
        layers.append(Layer(kind, name, config, inputs=(layers[-1].name if layers else "x",)))
        weights.update({f"{name}/{weight}": law for weight, law in laws.items()})
    spec = Spec(DIALECT, (source,), tuple(layers), (layers[-1].name,))
    return Draft(spec, weights, batch=choice["batch"], channel_axis=CHANNEL_AXIS)


# --- DagNN -------------------------------------------------------------------------------------------------------


def _several(
    kind: str,
    config: dict[str, Any],
    shapes: Sequence[Shape],
    choice: Choice,
    weights: Mapping[str, Weight] | None = None,
) -> Draft:
    return single(DIALECT, kind, config, shapes, weights=weights, batch=choice["batch"], channel_axis=CHANNEL_AXIS)


@row(
    DIALECT,
    "sum",
    axes={"inputs": (2, 3, 5), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "spread", "large"),
    per_axis=4,
)
def add(choice: Choice, fill: Chooser) -> Draft:
    """Inputs of one size."""
    return _several("sum", {}, [_shape(choice["sizes"], fill)] * choice["inputs"], choice)


@row(
    DIALECT,
    "concat",
    axes={"inputs": (2, 3, 11), "channels": ("distinct", "equal", "one_each"), "sizes": SHAPES, "batch": (2, 1)},
    profiles=("main", "special"),
    exactness="moves",
    per_axis=3,
)
def concat(choice: Choice, fill: Chooser) -> Draft:
    """Along the channels, in the order of the inputs: the names of eleven are not in the order of their numbers."""
    channels, height, width = _shape(choice["sizes"], fill)
    count = 1 if choice["channels"] == "one_each" or choice["inputs"] > 3 else min(channels, 4)
    counts = [1 + (count + k) % 4 if choice["channels"] == "distinct" else count for k in range(choice["inputs"])]
    return _several("concat", {}, [(n, height, width) for n in counts], choice)


@row(
    DIALECT,
    "scale",
    axes={"factors": ("channel", "one"), "bias": (True, False), "sizes": SHAPES, "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread", "large"),
    per_axis=4,
)
def scale(choice: Choice, fill: Chooser) -> Draft:
    """A factor for each channel, or one for all."""
    shape = _shape(choice["sizes"], fill)
    count = shape[0] if choice["factors"] == "channel" else 1
    weights = {"multipliers": Weight((count,), "gamma")} | (
        {"biases": Weight((count,), "beta")} if choice["bias"] else {}
    )
    return _several("scale", {}, [shape], choice, weights)


@row(
    DIALECT,
    "crop",
    axes={
        "crop": ((0, 0), (1, 2), (2, 0), (0, 3), (1, 1)),
        "spare": ((2, 3), (3, 1), (1, 4), (0, 2), (3, 0), (0, 0)),
        "reference": ("other", "same", "one_channel"),
        "batch": (2, 1),
    },
    profiles=("main", "special"),
    exactness="moves",
    per_axis=4,
)
def crop(choice: Choice, fill: Chooser) -> Draft:
    """To the second input's height and width. `crop` asks for more than the `spare` rows and columns in some cases."""
    height, width = distinct(fill, 2, (2, 3, 4))
    channels = 3
    others = {"other": 2, "same": channels, "one_channel": 1}[choice["reference"]]
    down, right = choice["spare"]
    shapes = [(channels, height + down, width + right), (others, height, width)]
    return _several("crop", {"crop": list(choice["crop"])}, shapes, choice)


GROWING: Mapping[str, Callable[[Chooser, Shape, bool], Step]] = {
    **_CHAIN,
    "scale": lambda fill, shape, _: (
        {},
        {"multipliers": Weight((shape[0],), "gamma"), "biases": Weight((shape[0],), "beta")},
        shape,
    ),
}
MOST = 12
"""Channels of a concatenation, and pixels along an axis from which on nothing grows."""


class _Graph:
    """A DagNN under construction. Each input is read by a layer of its own first, so that they are in that order."""

    def __init__(self, choice: Choice, fill: Chooser) -> None:
        self.fill, self.choice = fill, choice
        self.left = list(HOSTILE)
        size = 4 if choice["sizes"] == "equal" else 0
        shapes = [(size, size, size) if size else (channels, 5, 4) for channels in (2, 3, 4)]
        names = ["x"] if choice["inputs"] == 1 else [f"x{k + 1}" for k in range(choice["inputs"])]
        self.shapes: dict[str, Shape] = dict(zip(names, shapes, strict=False))
        self.inputs = tuple(Input(name, self.shapes[name]) for name in names)
        self.layers: list[Layer] = []
        self.weights: dict[str, Weight] = {}

    def add(self, kind: str, inputs: Sequence[str], step: Step) -> None:
        config, laws, shape = step
        name = f"{kind}{len(self.layers) + 1}"
        if self.choice["names"] == "hostile":
            name = self.left.pop(self.fill.integer(0, len(self.left) - 1))
        self.layers.append(Layer(kind, name, config, inputs=tuple(inputs)))
        self.weights |= {f"{name}/{key}": law for key, law in laws.items()}
        self.shapes[name] = shape

    def ends(self) -> list[str]:
        """Layers that none reads."""
        read = {tensor for layer in self.layers for tensor in layer.inputs}
        return [layer.name for layer in self.layers if layer.name not in read]

    def grow(self, source: str, kinds: Sequence[str]) -> None:
        shape = self.shapes[source]
        kind = self.fill.pick([kind for kind in kinds if kind != "convt" or max(shape) < MOST])
        self.add(kind, [source], GROWING[kind](self.fill, shape, self.choice["geometry"] == "lopsided"))

    def join(self, kind: str) -> None:
        """Join two or three tensors that fit, loose ends first; a tensor may be joined with itself. What does not fit
        is cropped."""
        ends = self.ends()
        first = self.fill.pick(ends)
        channels, height, width = self.shapes[first]
        if kind == "crop":
            smaller = [name for name, (_, h, w) in self.shapes.items() if h <= height and w <= width and name != first]
            if not smaller:
                smaller = [first]
            less = [name for name in smaller if self.shapes[name][1:] != (height, width)] or smaller
            reference = self.fill.pick(less)
            _, *size = self.shapes[reference]
            corner = [self.fill.integer(0, height - size[0] + 1), self.fill.integer(0, width - size[1] + 1)]
            self.add("crop", [first, reference], ({"crop": corner}, {}, (channels, size[0], size[1])))
            return
        same = [
            name
            for name, shape in self.shapes.items()
            if shape[1:] == (height, width) and (kind == "concat" or shape[0] == channels)
        ]
        loose = [name for name in same if name in ends and name != first] or same
        taken = [self.fill.pick(loose), first, *([self.fill.pick(same)] if self.fill.pick((False, True)) else [])]
        total = sum(self.shapes[name][0] for name in taken)
        if kind == "concat" and total <= MOST:
            self.add("concat", taken, ({}, {}, (total, height, width)))
        else:
            self.add("sum", taken if kind == "sum" else [first, first], ({}, {}, (channels, height, width)))


@row(
    DIALECT,
    "DagNN",
    axes={
        "join": ("sum", "concat", "crop"),
        "depth": (3, 4, 5, 6, 7, 8),
        "inputs": (1, 2, 3),
        "ends": ("joined", "several"),
        "geometry": ("plain", "lopsided"),
        "sizes": ("distinct", "equal"),
        "names": ("plain", "hostile"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "spread"),
    per_axis=3,
)
def graph(choice: Choice, fill: Chooser) -> Draft:
    """A layer on each input, then layers and joins at random, the chosen join among them. With `several`, branches are
    left open: all that no layer reads are outputs, in the order of the layers."""
    made = _Graph(choice, fill)
    alike = ("bnorm", "relu", "sigmoid", "scale", "lrn")
    for item in made.inputs:
        made.grow(item.name, (*FOLLOWERS, *alike))
    if choice["inputs"] < 3 and choice["depth"] > 3:
        made.grow(made.inputs[0].name, FOLLOWERS if choice["join"] == "crop" else alike)
    while len(made.layers) < choice["depth"] - 1:
        if choice["ends"] == "several" or fill.integer(0, 2):
            made.grow(fill.pick([*made.ends(), *made.shapes]), (*FOLLOWERS, "scale"))
        else:
            made.join(fill.pick(("sum", "concat", "crop")))
    made.join(choice["join"])
    spec = Spec(DIALECT, made.inputs, tuple(made.layers), tuple(made.ends()))
    return Draft(spec, made.weights, batch=choice["batch"], channel_axis=CHANNEL_AXIS)
