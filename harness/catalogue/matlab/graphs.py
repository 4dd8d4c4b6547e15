"""Random directed graphs of Deep Learning Toolbox layers whose shapes always fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, row
from harness.catalogue.matlab.toolbox import DIALECT, INPUTS, channel_axis
from harness.spec import Input, Layer, Spec, source_of

Shape = tuple[int, ...]
"""C x H x W of an image; C and multiples of the open time of a sequence; C of features."""
Step = tuple[dict[str, Any], dict[str, Weight], Shape]
HOSTILE = (
    "conv 1", "conv_1", "conv.1", "conv-1", "class", "lambda", "None", "self", "forward", "Tensor", "training", "1st",
    "--relu", "(a|b) & c", "it's 100%", "a,b;c", "x_in", "print", "torch", "weight", "%d", "{0}", "res2a=branch", "#",
)  # fmt: skip
"""Names that are legal in MATLAB and awkward in Python; the first four are equal as identifiers."""


def _convolution(fill: Chooser, shape: Shape, equal: bool) -> Step:
    window = (fill.pick((1, 3)), fill.pick((1, 2, 3)))
    filters = shape[0] if equal else fill.pick((2, 3, 4))
    weights = {
        "Weights": Weight((*window, shape[0], filters), "kernel", fan_in=window[0] * window[1] * shape[0]),
        "Bias": Weight((filters,), "bias"),
    }
    config = {"Stride": [1, 1], "DilationFactor": [1, 1], "PaddingMode": "same"}
    return config, weights, (filters, *shape[1:])


def _dense(fill: Chooser, shape: Shape, equal: bool) -> Step:
    units = shape[0] if equal else fill.pick((2, 3, 4))
    weights = {
        "Weights": Weight((units, shape[0]), "kernel", fan_in=shape[0]),
        "Bias": Weight((units,), "bias"),
    }
    return {}, weights, (units, *shape[1:])


def _head(fill: Chooser, shape: Shape) -> Step:
    inputs = shape[0] * shape[1] * shape[2]
    weights = {"Weights": Weight((4, inputs), "kernel", fan_in=inputs), "Bias": Weight((4,), "bias")}
    return {}, weights, (4,)


def _same(**config: Any) -> Callable[[Chooser, Shape, bool], Step]:
    return lambda fill, shape, equal: (dict(config), {}, shape)


def _slopes(fill: Chooser, shape: Shape, equal: bool) -> Step:
    return {}, {"Alpha": Weight((shape[0],), "alpha")}, shape


COMMON: Mapping[str, Callable[[Chooser, Shape, bool], Step]] = {
    "ReLULayer": _same(),
    "LeakyReLULayer": _same(Scale=0.2),
    "PReLULayer": _slopes,
    "TanhLayer": _same(),
    "SigmoidLayer": _same(),
    "SwishLayer": _same(),
    "DropoutLayer": _same(Probability=0.5),
    "SoftmaxLayer": _same(),
}
STEPS: Mapping[str, Mapping[str, Callable[[Chooser, Shape, bool], Step]]] = {
    "images": {"Convolution2DLayer": _convolution, **COMMON},
    "sequences": {"FullyConnectedLayer": _dense, **COMMON},
}
JOINS = ("AdditionLayer", "DepthConcatenationLayer", "ConcatenationLayer", "MultiplicationLayer")
MOST = 12
"""No axis grows beyond this."""


class _Graph:
    """A graph under construction."""

    def __init__(self, choice: Choice, fill: Chooser) -> None:
        self.fill, self.choice = fill, choice
        self.unused = list(HOSTILE)
        self.images = choice["over"] == "images"
        shape: Shape = ((3, 3, 3) if choice["sizes"] == "equal" else (2, 4, 3)) if self.images else (3, 1)
        self.first = self.name("in", 0)
        self.outside = f"{self.first}_in"
        sizes = shape if self.images else (None, shape[0])
        self.input = Input(self.outside, sizes)
        self.layers = [Layer(INPUTS[len(sizes)], self.first, {}, (self.outside,))]
        self.weights: dict[str, Weight] = {}
        self.shapes: dict[str, Shape] = {self.first: shape}

    def name(self, kind: str, k: int) -> str:
        if self.choice["names"] == "plain":
            return f"{kind.removesuffix('Layer').lower()}{k or ''}"
        name = self.unused[self.fill.integer(0, len(self.unused) - 1)]
        self.unused.remove(name)
        return name

    def add(self, kind: str, inputs: Sequence[str], step: Step) -> None:
        config, weights, shape = step
        name = self.name(kind, len(self.layers))
        self.layers.append(Layer(kind, name, config, tuple(inputs)))
        self.weights |= {f"{name}/{key}": law for key, law in weights.items()}
        self.shapes[name] = shape

    def ends(self) -> list[str]:
        """Layers whose output no layer reads."""
        read = {source_of(tensor) for layer in self.layers for tensor in layer.inputs}
        return [layer.name for layer in self.layers if layer.name not in read]

    def grow(self, source: str) -> None:
        steps = STEPS[self.choice["over"]]
        shape, equal = self.shapes[source], self.choice["sizes"] == "equal"
        kind = self.fill.pick(
            (*steps, next(iter(steps)), next(iter(steps)))
        )  # what learns is drawn three times as often
        self.add(kind, [source], steps[kind](self.fill, shape, equal))

    def join(self, kind: str) -> None:
        """Join two or three tensors that fit, loose ends first; a tensor may be joined with itself."""
        kind, config, along = self.direction(kind)
        ends = self.ends()
        first = self.fill.pick([name for name in ends if name in self.shapes])
        fitting = self.fitting(first, along)
        others = [name for name in fitting if name in ends and name != first] or fitting
        names = [self.fill.pick(others), first, *([self.fill.pick(fitting)] if self.fill.pick((False, True)) else [])]
        shape = list(self.shapes[first])
        if along is not None:
            total = sum(self.shapes[name][along] for name in names)
            if total > (MOST if self.images or along == 0 else 3):
                kind, config, names, total = "AdditionLayer", {}, [first, first], shape[along]
            shape[along] = total
        self.add(kind, names, (config, {}, tuple(shape)))

    def direction(self, kind: str) -> tuple[str, dict[str, Any], int | None]:
        """Kind, configuration and axis (of a sample) of a join; the axis of sums and products is None."""
        if kind == "DepthConcatenationLayer" and self.images:
            return kind, {}, 0
        if kind in ("DepthConcatenationLayer", "ConcatenationLayer"):
            dim, along = self.fill.pick(((1, 1), (2, 2), (3, 0)) if self.images else ((1, 0), (3, 1)))
            return "ConcatenationLayer", {"Dim": dim}, along
        return kind, {}, None

    def fitting(self, first: str, along: int | None) -> list[str]:
        """Tensors with the sizes of `first` along all axes but `along`."""

        def other(shape: Shape) -> Shape:
            return tuple(n for k, n in enumerate(shape) if k != along)

        return [name for name, shape in self.shapes.items() if other(shape) == other(self.shapes[first])]


@row(
    DIALECT,
    "Graph",
    axes={
        "over": ("images", "sequences"),
        "depth": (3, 4, 5, 6, 7, 8, 9),
        "join": JOINS,
        "outputs": ("ends", "middle", "input"),
        "names": ("hostile", "plain"),
        "sizes": ("distinct", "equal"),
        "head": (False, True),
        "batch": (2, 1, 3),
    },
    profiles=("main", "spread"),
    per_axis=4,
)
def graph(choice: Choice, fill: Chooser) -> Draft:
    """Two branches, a join of the chosen kind, then random layers and joins. Every layer whose output no layer reads
    is an output, the last one first; `middle` adds a layer that others read, `input` the input layer. With `head` the
    last layer is fully connected over an image."""
    drawn = _Graph(choice, fill)
    drawn.grow(drawn.first)
    drawn.grow(fill.pick((drawn.first, drawn.layers[-1].name)))
    drawn.join(choice["join"])
    while len(drawn.layers) - 1 < choice["depth"]:
        last = len(drawn.layers) - 1 == choice["depth"] - 1
        ends = drawn.ends()
        if last and choice["head"] and choice["over"] == "images":
            drawn.add("FullyConnectedLayer", [ends[-1]], _head(fill, drawn.shapes[ends[-1]]))
        elif len(ends) > 1 or fill.integer(0, 2) == 0:
            drawn.join(fill.pick(JOINS))
        else:
            drawn.grow(fill.pick((*ends, *ends, *drawn.shapes)))
    outputs = drawn.ends()[::-1]
    if choice["outputs"] == "middle":
        outputs.append(next(layer.name for layer in drawn.layers[1:] if layer.name not in outputs))
    elif choice["outputs"] == "input":
        outputs.insert(0, drawn.first)
    spec = Spec(DIALECT, (drawn.input,), tuple(drawn.layers), tuple(outputs))
    rank = 4 if choice["over"] == "images" else 3
    return Draft(spec, drawn.weights, batch=choice["batch"], channel_axis=channel_axis(rank))
