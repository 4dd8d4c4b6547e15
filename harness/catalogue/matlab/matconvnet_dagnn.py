"""MatConvNet DagNN: the layers that SimpleNN lacks (sum, concat, scale, crop), and graphs of all layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, row, single
from harness.catalogue.matlab.graphs import HOSTILE
from harness.catalogue.matlab.matconvnet import CHANNEL_AXIS, DIALECT, FOLLOWERS, LINKS, SHAPES, Shape, Step, image
from harness.spec import Exactness, Input, Layer, Spec


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
    return _several("sum", {}, [image(choice["sizes"], fill)] * choice["inputs"], choice)


@row(
    DIALECT,
    "concat",
    axes={"inputs": (2, 3, 11), "channels": ("distinct", "equal", "one_each"), "sizes": SHAPES, "batch": (2, 1)},
    profiles=("main", "special"),
    exactness=Exactness.MOVES,
    per_axis=3,
)
def concat(choice: Choice, fill: Chooser) -> Draft:
    """Along the channels, in the order of the inputs. Sorted by name, eleven inputs are in another order."""
    channels, height, width = image(choice["sizes"], fill)
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
    shape = image(choice["sizes"], fill)
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
    exactness=Exactness.MOVES,
    per_axis=4,
)
def crop(choice: Choice, fill: Chooser) -> Draft:
    """Crops to the second input's size. Some cases `crop` more rows and columns than the image has to `spare`."""
    height, width = distinct(fill, 2, (2, 3, 4))
    channels = 3
    others = {"other": 2, "same": channels, "one_channel": 1}[choice["reference"]]
    down, right = choice["spare"]
    shapes = [(channels, height + down, width + right), (others, height, width)]
    return _several("crop", {"crop": list(choice["crop"])}, shapes, choice)


GROWING: Mapping[str, Callable[[Chooser, Shape, bool], Step]] = {
    **LINKS,
    "scale": lambda fill, shape, _: (
        {},
        {"multipliers": Weight((shape[0],), "gamma"), "biases": Weight((shape[0],), "beta")},
        shape,
    ),
}
MOST = 12
"""Largest number of channels of a concatenation; upsampling only grows images with shorter sides."""


class _Graph:
    """A DagNN under construction. One layer reads each input first, so that inputs are read in their order."""

    def __init__(self, choice: Choice, fill: Chooser) -> None:
        self.fill, self.choice = fill, choice
        self.unused = list(HOSTILE)
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
            name = self.unused.pop(self.fill.integer(0, len(self.unused) - 1))
        self.layers.append(Layer(kind, name, config, inputs=tuple(inputs)))
        self.weights |= {f"{name}/{key}": law for key, law in laws.items()}
        self.shapes[name] = shape

    def ends(self) -> list[str]:
        """Layers whose output no layer reads."""
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
        if kind == "crop":
            self.crop(first)
        else:
            self.merge(kind, first, ends)

    def crop(self, first: str) -> None:
        """Crop a tensor to the size of a smaller one, where there is one."""
        channels, height, width = self.shapes[first]
        smaller = [name for name, (_, h, w) in self.shapes.items() if h <= height and w <= width and name != first] or [
            first
        ]
        less = [name for name in smaller if self.shapes[name][1:] != (height, width)] or smaller
        reference = self.fill.pick(less)
        _, *size = self.shapes[reference]
        corner = [self.fill.integer(0, height - size[0] + 1), self.fill.integer(0, width - size[1] + 1)]
        self.add("crop", [first, reference], ({"crop": corner}, {}, (channels, size[0], size[1])))

    def merge(self, kind: str, first: str, ends: Sequence[str]) -> None:
        """Add a tensor to others of its size, or concatenate them as far as channels go."""
        channels, height, width = self.shapes[first]
        same = [
            name
            for name, shape in self.shapes.items()
            if shape[1:] == (height, width) and (kind == "concat" or shape[0] == channels)
        ]
        loose = [name for name in same if name in ends and name != first] or same
        names = [self.fill.pick(loose), first, *([self.fill.pick(same)] if self.fill.pick((False, True)) else [])]
        total = sum(self.shapes[name][0] for name in names)
        if kind == "concat" and total <= MOST:
            self.add("concat", names, ({}, {}, (total, height, width)))
        else:
            self.add("sum", names if kind == "sum" else [first, first], ({}, {}, (channels, height, width)))


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
    """A layer on each input, then random layers and joins with the chosen join among them. With `several` branches
    stay open, and the outputs are the layers that no layer reads, in their order."""
    drawn = _Graph(choice, fill)
    alike = ("bnorm", "relu", "sigmoid", "scale", "lrn")
    for item in drawn.inputs:
        drawn.grow(item.name, (*FOLLOWERS, *alike))
    if choice["inputs"] < 3 and choice["depth"] > 3:
        drawn.grow(drawn.inputs[0].name, FOLLOWERS if choice["join"] == "crop" else alike)
    while len(drawn.layers) < choice["depth"] - 1:
        if choice["ends"] == "several" or fill.integer(0, 2):
            drawn.grow(fill.pick([*drawn.ends(), *drawn.shapes]), (*FOLLOWERS, "scale"))
        else:
            drawn.join(fill.pick(("sum", "concat", "crop")))
    drawn.join(choice["join"])
    spec = Spec(DIALECT, drawn.inputs, tuple(drawn.layers), tuple(drawn.ends()))
    return Draft(spec, drawn.weights, batch=choice["batch"], channel_axis=CHANNEL_AXIS)
