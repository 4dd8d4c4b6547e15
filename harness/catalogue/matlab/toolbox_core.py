"""Rows of inputs, activations, merges and moves of Deep Learning Toolbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Row, Weight, distinct, row, rule
from harness.catalogue.matlab.toolbox import DIALECT, after_inputs, channel_axis
from harness.spec import Exactness, Input, Layer, Spec

Shape = tuple[int | None, ...]
SHAPES = ("image", "features", "sequence", "volume")
MOVED = ("main", "special")
"""Profiles of layers that only move data: NaN, infinities and -0.0 must arrive, too."""


def shape_of(kind: str, fill: Chooser, *, equal: bool = False) -> Shape:
    """The shape of one sample: C x H x W (x D), T x C with T open, or C; sizes pairwise different, or all equal."""
    if kind == "one_channel":
        return (1, *distinct(fill, 2, (2, 3, 4)))
    if kind == "point":
        return (fill.pick((3, 5)), 1, 1)
    if kind == "column":
        return (1, fill.pick((3, 4)), 1)
    count = {"features": 1, "sequence": 1, "image": 3, "volume": 4}[kind]
    sizes = [fill.pick((2, 3))] * count if equal else distinct(fill, count, (2, 3, 4, 5))
    return (None, *sizes) if kind == "sequence" else tuple(sizes)


def channels_of(shape: Shape) -> int:
    """How many channels or features such a sample has."""
    count = shape[1] if len(shape) == 2 else shape[0]
    assert count is not None, "only time is open"
    return count


# --- inputs ------------------------------------------------------------------------------------------------------

STATISTICS: Mapping[str, Mapping[str, str]] = {
    "none": {},
    "zerocenter": {"Mean": "mean"},
    "zscore": {"Mean": "mean", "StandardDeviation": "even"},
    "rescale-symmetric": {"Min": "near_zero", "Max": "even"},
    "rescale-zero-one": {"Min": "near_zero", "Max": "even"},
}
"""Drawing law of each statistic that a normalisation needs."""


def _input_row(kind: str, sizes: tuple[str, ...], per: tuple[str, ...], pins: tuple[Choice, ...] = ()) -> Row:
    def build(choice: Choice, fill: Chooser) -> Draft:
        """The input layer alone: the Spec's own, with the statistics of its normalisation."""
        size = choice["sizes"]
        shape = shape_of(size.removeprefix("equal_"), fill, equal=size.startswith("equal_"))
        stored = {"element": (*shape[1:], shape[0]), "channel": (channels_of(shape),), "scalar": (1,)}[choice["per"]]
        law = STATISTICS[choice["Normalization"]]
        weights = {f"in/{name}": Weight(tuple(n for n in stored if n), how) for name, how in law.items()}
        config = {"Normalization": choice["Normalization"]} if law else {}
        spec = Spec(DIALECT, (Input("in_in", shape),), (Layer(kind, "in", config, ("in_in",)),), ("in",))
        return Draft(spec, weights, batch=choice["batch"], channel_axis=channel_axis(len(shape) + 1))

    return row(
        DIALECT,
        kind,
        axes={"Normalization": tuple(STATISTICS), "per": per, "sizes": sizes, "batch": (2, 1, 3)},
        profiles=("main", "spread", "large"),
        rules=[
            rule("Normalization", "per", reason="without a normalisation there are no statistics")(
                lambda normalization, each: normalization != "none" or each == per[0]
            )
        ],
        pins=pins,
        exactness=lambda choice: Exactness.MOVES if choice["Normalization"] == "none" else Exactness.COMPUTES,
        per_axis=4,
    )(build)


SQUARE: tuple[Choice, ...] = tuple(
    {"Normalization": normalization, "per": "element"} for normalization in STATISTICS if normalization != "none"
)
"""Statistics per element, which three axes together would put on a square image too seldom."""
image_input = _input_row(
    "ImageInputLayer",
    ("image", "equal_image", "one_channel", "column", "point"),
    ("element", "channel", "scalar"),
    tuple({**pin, "sizes": "equal_image"} for pin in SQUARE),
)
image_3d_input = _input_row(
    "Image3DInputLayer",
    ("volume", "equal_volume"),
    ("element", "channel", "scalar"),
    tuple({**pin, "sizes": "equal_volume"} for pin in SQUARE),
)
sequence_input = _input_row("SequenceInputLayer", ("sequence",), ("channel", "scalar"))
feature_input = _input_row("FeatureInputLayer", ("features",), ("channel", "scalar"))


# --- dense, flatten ----------------------------------------------------------------------------------------------


@row(
    DIALECT,
    "FullyConnectedLayer",
    axes={
        "shape": ("image", "features", "sequence", "volume", "equal_image", "one_channel", "point"),
        "outputs": ("distinct", "one", "equal"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "impulse"),
    per_axis=4,
)
def fully_connected(choice: Choice, fill: Chooser) -> Draft:
    """Images are flattened column by column; sequences go through step by step. `equal`: as many outputs as inputs."""
    kind = choice["shape"]
    shape = shape_of(kind.removeprefix("equal_"), fill, equal=kind.startswith("equal_"))
    inputs = 1
    for size in shape:
        inputs *= size or 1
    outputs = {"distinct": fill.pick((7, 11)), "one": 1, "equal": inputs}[choice["outputs"]]
    weights = {"Weights": Weight((outputs, inputs), "kernel", fan_in=inputs), "Bias": Weight((outputs,), "bias")}
    rank = 3 if kind == "sequence" else 2
    return after_inputs("FullyConnectedLayer", {}, [shape], weights, choice, rank=rank)


@row(
    DIALECT,
    "FlattenLayer",
    axes={"shape": ("image", "features", "sequence", "volume", "one_channel", "point"), "batch": (2, 1)},
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=2,
)
def flatten(choice: Choice, fill: Chooser) -> Draft:
    """Images to features, column by column."""
    shape = shape_of(choice["shape"], fill)
    return after_inputs("FlattenLayer", {}, [shape], {}, choice, rank=3 if choice["shape"] == "sequence" else 2)


# --- activations -------------------------------------------------------------------------------------------------


def _activation(
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


relu = _activation("ReLULayer", shapes=SHAPES, profiles=("main", "spread"), exactness=Exactness.SELECTS)
leaky_relu = _activation("LeakyReLULayer", {"Scale": ("default", 0.2, 1.5)}, profiles=("main", "spread", "negative"))
clipped_relu = _activation(
    "ClippedReLULayer", {"Ceiling": (6, 0.5, 10)}, profiles=("main", "spread", "ties"), exactness=Exactness.SELECTS
)
elu = _activation("ELULayer", {"Alpha": ("default", 0.3, 2)}, profiles=("main", "spread", "large", "small"))
prelu = _activation(
    "PReLULayer",
    {"slopes": ("channel", "one")},
    shapes=SHAPES,
    profiles=("main", "negative", "spread"),
    weights=lambda choice, shape: {
        "Alpha": Weight((channels_of(shape) if choice["slopes"] == "channel" else 1,), "alpha")
    },
    configured=False,
)
tanh = _activation("TanhLayer", profiles=("main", "large", "small"))
sigmoid = _activation("SigmoidLayer")
swish = _activation("SwishLayer")
softplus = _activation("SoftplusLayer")
gelu = _activation("GELULayer", {"Approximation": ("none", "tanh", "default")})
softmax = _activation("SoftmaxLayer", shapes=SHAPES, profiles=("main", "spread", "large", "small"))
dropout = _activation("DropoutLayer", {"Probability": (0.5, 0.9)}, profiles=MOVED, exactness=Exactness.MOVES)
classification_output = _activation("ClassificationOutputLayer", profiles=MOVED, exactness=Exactness.MOVES)


# --- merges ------------------------------------------------------------------------------------------------------


def _merge(kind: str, counts: tuple[int, ...], profiles: tuple[str, ...]) -> Row:
    def build(choice: Choice, fill: Chooser) -> Draft:
        """Inputs of the same shape."""
        shape = shape_of(choice["shape"], fill)
        return after_inputs(kind, {}, [shape] * choice["inputs"], {}, choice)

    axes = {"shape": SHAPES, "inputs": counts, "batch": (2, 1)}
    return row(DIALECT, kind, axes=axes, profiles=profiles, per_axis=3)(build)


addition = _merge("AdditionLayer", (2, 3, 5), ("main", "spread", "large"))
multiplication = _merge("MultiplicationLayer", (2, 3), ("main", "spread", "small"))


def _varied(shape: Shape, axis: int, count: int) -> list[Shape]:
    """`count` shapes that differ in one axis, sizes rising from 1 in steps of different length."""
    sizes = [2, 1, 3, 4][:count] if count <= 4 else [1] * count
    return [tuple(size if k == axis else n for k, n in enumerate(shape)) for size in sizes]


@row(
    DIALECT,
    "DepthConcatenationLayer",
    axes={"shape": ("image", "volume"), "inputs": (2, 3, 11), "batch": (2, 1)},
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=2,
)
def depth_concatenation(choice: Choice, fill: Chooser) -> Draft:
    """Along the channels. Of eleven inputs, `in10` comes after `in9`, not after `in1`."""
    shapes = _varied(shape_of(choice["shape"], fill), 0, choice["inputs"])
    return after_inputs("DepthConcatenationLayer", {}, shapes, {}, choice)


DIMENSIONS: Mapping[str, tuple[str, int, int]] = {
    "image height": ("image", 1, 1),
    "image width": ("image", 2, 2),
    "image channels": ("image", 3, 0),
    "volume height": ("volume", 1, 1),
    "volume width": ("volume", 2, 2),
    "volume depth": ("volume", 3, 3),
    "volume channels": ("volume", 4, 0),
    "sequence channels": ("sequence", 1, 1),
    "sequence time": ("sequence", 3, 0),
    "features": ("features", 1, 0),
}
"""Shape, MATLAB's dimension (of SSCB, SSSCB, CBT, CB) and axis of a sample here."""


@row(
    DIALECT,
    "ConcatenationLayer",
    axes={"along": tuple(DIMENSIONS), "inputs": (2, 3), "batch": (2, 1)},
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=2,
)
def concatenation(choice: Choice, fill: Chooser) -> Draft:
    """Along every dimension but the samples'; the inputs differ in size there, unless time is open."""
    kind, dim, axis = DIMENSIONS[choice["along"]]
    shape = shape_of(kind, fill)
    shapes = [shape] * choice["inputs"] if shape[axis] is None else _varied(shape, axis, choice["inputs"])
    return after_inputs("ConcatenationLayer", {"Dim": dim}, shapes, {}, choice)


# --- embedding and moves -----------------------------------------------------------------------------------------


@row(
    DIALECT,
    "WordEmbeddingLayer",
    axes={"OOVMode": ("map-to-last", "default", "error"), "Dimension": (3, 1, 5), "words": (7, 2), "batch": (2, 1)},
    profiles=("main",),
    exactness=Exactness.MOVES,
    per_axis=2,
)
def word_embedding(choice: Choice, fill: Chooser) -> Draft:
    """Indices from 1. With a vector for unknown words there are indices 0 and above the last word; `error` has none."""
    words, width, mode = choice["words"], choice["Dimension"], choice["OOVMode"]
    config = {} if mode == "default" else {"OOVMode": mode}
    columns = words if mode == "error" else words + 1
    weights = {"Weights": Weight((width, columns), "embedding")}
    draft = after_inputs("WordEmbeddingLayer", config, [(None, 1)], weights, choice, dtype="int64")
    if mode == "error":
        return replace(draft, bounds={"in_in": words + 1}, least={"in_in": 1})
    return replace(draft, bounds={"in_in": words + 4})


@row(
    DIALECT,
    "DepthToSpace2DLayer",
    axes={
        "BlockSize": ((2, 2), (3, 3), (2, 3), (3, 1), (1, 2)),
        "Mode": ("dcr", "crd", "default"),
        "depth": (1, 2, 3),
        "batch": (2, 1),
    },
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def depth_to_space(choice: Choice, fill: Chooser) -> Draft:
    """Blocks as [rows columns]."""
    rows, columns = choice["BlockSize"]
    height, width = distinct(fill, 2, (2, 3, 4))
    config = {"BlockSize": [rows, columns], **({} if choice["Mode"] == "default" else {"Mode": choice["Mode"]})}
    return after_inputs("DepthToSpace2DLayer", config, [(rows * columns * choice["depth"], height, width)], {}, choice)


TARGETS: Mapping[str, tuple[tuple[int, int], Mapping[str, Any]]] = {
    "up by whole": ((3, 4), {"Scale": [2, 3]}),
    "up by fraction": ((4, 5), {"Scale": [1.5, 2.25]}),
    "down by fraction": ((5, 7), {"Scale": [0.6, 0.4]}),
    "ties": ((10, 12), {"OutputSize": [3, 8]}),
    "to one": ((4, 3), {"OutputSize": [1, 1]}),
    "up and down": ((4, 7), {"OutputSize": [9, 5]}),
    "double": ((3, 2), {"OutputSize": [6, 4]}),
    "same": ((3, 4), {"OutputSize": [3, 4]}),
}
"""Height and width of the image, and what they become; `ties` puts places half-way between two pixels."""


@row(
    DIALECT,
    "Resize2DLayer",
    axes={
        "target": tuple(TARGETS),
        "how": ("round", "floor", "onnx-10", "bilinear"),
        "GeometricTransformMode": ("half-pixel", "asymmetric"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "spread", "large"),
    exactness=lambda choice: Exactness.COMPUTES if choice["how"] == "bilinear" else Exactness.MOVES,
    per_axis=4,
)
def resize(choice: Choice, fill: Chooser) -> Draft:
    """`how` is NearestRoundingMode of `nearest`, or `bilinear`."""
    sizes, target = TARGETS[choice["target"]]
    method = {"Method": "bilinear"} if choice["how"] == "bilinear" else {"NearestRoundingMode": choice["how"]}
    config = {"Method": "nearest", **method, "GeometricTransformMode": choice["GeometricTransformMode"], **target}
    return after_inputs("Resize2DLayer", config, [(fill.pick((2, 3)), *sizes)], {}, choice)


@row(
    DIALECT,
    "Crop2DLayer",
    axes={
        "Mode": ("centercrop", "corner", "inside"),
        "spare": ((2, 4), (1, 3), (3, 2), (0, 1), (0, 0)),
        "batch": (2, 1),
    },
    profiles=MOVED,
    exactness=Exactness.MOVES,
    per_axis=3,
)
def crop(choice: Choice, fill: Chooser) -> Draft:
    """To the second input's height and width; `spare` rows and columns are cut off. Location is [x y]."""
    channels, others = distinct(fill, 2, (1, 2, 3))
    height, width = distinct(fill, 2, (2, 3, 4))
    down, right = choice["spare"]
    config: dict[str, Any] = {"Mode": "centercrop"}
    if choice["Mode"] != "centercrop":
        x, y = (1, 1) if choice["Mode"] == "corner" else (1 + (right + 1) // 2, 1 + down // 2)
        config = {"Mode": "custom", "Location": [x, y]}
    shapes = [(channels, height + down, width + right), (others, height, width)]
    return after_inputs("Crop2DLayer", config, shapes, {}, choice)
