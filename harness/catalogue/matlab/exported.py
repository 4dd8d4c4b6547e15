"""Rows of ONNX files in the dialects of MATLAB's exporter, which differ from the ONNX of other exporters.

The configuration of the input layer contains the file's opset and its form of fully connected layers;
`harness.matlab.to_onnx` writes the file.
"""

from __future__ import annotations

from typing import Any

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, row, rule
from harness.spec import Exactness, Input, Layer, Spec

DIALECT = "onnx"
OPSETS = (8, 7, 9, 10, 11, 12, 13, 14)
"""exportONNXNetwork writes 6 to 14, by option and release. ONNX Runtime has no kernels for 6."""
SAME_FROM_11 = rule("padding", "opset", reason="the subgraph of `same` needs Pad with computed pads, from opset 11")(
    lambda padding, opset: padding != "same" or opset >= 11
)


def _file(
    choice: Choice,
    shape: tuple[int, int, int],
    layers: list[tuple[str, str, dict[str, Any]]],
    weights: dict[str, Weight],
    *,
    normalization: str = "none",
) -> Draft:
    config: dict[str, Any] = {"Opset": choice["opset"], "FullyConnected": choice.get("connected", "gemm")}
    if normalization != "none":
        config["Normalization"] = normalization
    chain = [Layer("ImageInputLayer", "imageinput", config, ("imageinput_in",))]
    for kind, name, options in layers:
        chain.append(Layer(kind, name, options, (chain[-1].name,)))
    spec = Spec(DIALECT, (Input("imageinput_in", shape),), tuple(chain), (chain[-1].name,))
    return Draft(spec, weights, batch=choice["batch"], channel_axis=1)


def _statistics(kind: str, shape: tuple[int, int, int], per: str) -> dict[str, Weight]:
    channels, height, width = shape
    size = (channels,) if per == "channel" else (height, width, channels)
    laws = {
        "none": {},
        "zerocenter": {"Mean": "mean"},
        "zscore": {"Mean": "mean", "StandardDeviation": "even"},
        "rescale-symmetric": {"Min": "mean", "Max": "near_ten"},
        "rescale-zero-one": {"Min": "mean", "Max": "near_ten"},
    }[kind]
    return {f"imageinput/{name}": Weight(size, law) for name, law in laws.items()}


@row(
    DIALECT,
    "ImageInputLayer",
    axes={
        "Normalization": ("zerocenter", "zscore", "rescale-symmetric", "rescale-zero-one"),
        "per": ("element", "channel"),
        "opset": OPSETS,
        "batch": (2, 1, 3),
    },
    profiles=("main", "large"),
    per_axis=3,
)
def image_input(choice: Choice, fill: Chooser) -> Draft:
    """Sub, then Div, then Mul and Sub, with constants of the image's size or one per channel."""
    channels, height, width = distinct(fill, 3, (2, 3, 4, 5))
    shape = (channels, height, width)
    weights = _statistics(choice["Normalization"], shape, choice["per"])
    return _file(choice, shape, [("ReLULayer", "relu", {})], weights, normalization=choice["Normalization"])


@row(
    DIALECT,
    "Convolution2DLayer",
    axes={
        "window": ((3, 3), (2, 2), (4, 3), (1, 1)),
        "padding": ("none", "lopsided", "same"),
        "Stride": ((1, 1), (2, 2), (2, 3)),
        "DilationFactor": ((1, 1), (2, 1)),
        "opset": OPSETS,
        "batch": (2, 1, 3),
    },
    rules=[SAME_FROM_11],
    profiles=("main", "impulse"),
    per_axis=4,
)
def convolution(choice: Choice, fill: Chooser) -> Draft:
    """`same` is a subgraph of Shape, Slice, Cast, Div, Ceil, Mul, Max, Floor, Concat and Pad before the Conv."""
    window = choice["window"]
    inputs, filters = distinct(fill, 2, (2, 3, 5))
    height, width = distinct(fill, 2, (7, 8, 9))
    pads = {"none": {}, "lopsided": {"PaddingSize": [2, 1, 0, 3]}, "same": {"PaddingMode": "same"}}
    config = {
        "Stride": list(choice["Stride"]),
        "DilationFactor": list(choice["DilationFactor"]),
        **pads[choice["padding"]],  # type: ignore[dict-item]
    }
    weights = {
        "conv/Weights": Weight((*window, inputs, filters), "kernel", fan_in=window[0] * window[1] * inputs),
        "conv/Bias": Weight((filters,), "bias"),
    }
    return _file(choice, (inputs, height, width), [("Convolution2DLayer", "conv", config)], weights)


@row(
    DIALECT,
    "Pooling",
    axes={
        "kind": ("MaxPooling2DLayer", "AveragePooling2DLayer"),
        "window": ((2, 2), (3, 2), (3, 3)),
        "padding": ("none", "even", "lopsided", "same"),
        "Stride": ((1, 1), (2, 2), (2, 3)),
        "opset": OPSETS,
        "batch": (2, 1, 3),
    },
    rules=[SAME_FROM_11],
    profiles=("main", "negative"),
    exactness=lambda choice: Exactness.SELECTS if choice["kind"].startswith("Max") else Exactness.COMPUTES,
    per_axis=4,
)
def pooling(choice: Choice, fill: Chooser) -> Draft:
    """Padding counts in averages, as in MATLAB: count_include_pad = 1."""
    channels = fill.integer(2, 3)
    height, width = distinct(fill, 2, (7, 8, 9))
    pads = {
        "none": {},
        "even": {"PaddingSize": [1, 1, 1, 1]},
        "lopsided": {"PaddingSize": [1, 0, 0, 1]},
        "same": {"PaddingMode": "same"},
    }
    config = {"PoolSize": list(choice["window"]), "Stride": list(choice["Stride"]), **pads[choice["padding"]]}  # type: ignore[dict-item]
    return _file(choice, (channels, height, width), [(choice["kind"], "pool", config)], {})


@row(
    DIALECT,
    "SoftmaxLayer",
    axes={"opset": OPSETS, "sizes": ("image", "flat"), "batch": (2, 1, 3)},
    profiles=("main", "spread"),
    per_axis=3,
)
def softmax(choice: Choice, fill: Chooser) -> Draft:
    """Over the channels of an image by way of Transpose: before opset 13 Softmax flattens from its axis on."""
    channels, height, width = distinct(fill, 3, (2, 3, 4, 5))
    if choice["sizes"] == "flat":
        height = width = 1
    return _file(choice, (channels, height, width), [("SoftmaxLayer", "softmax", {})], {})


@row(
    DIALECT,
    "Network",
    axes={
        "connected": ("gemm", "conv"),
        "Normalization": ("zerocenter", "none", "zscore"),
        "padding": ("none", "same"),
        "activation": ("ReLULayer", "LeakyReLULayer", "ELULayer", "ClippedReLULayer", "TanhLayer"),
        "norm": ("BatchNormalizationLayer", "CrossChannelNormalizationLayer"),
        "opset": OPSETS,
        "batch": (2, 1, 3),
    },
    rules=[SAME_FROM_11],
    profiles=("main", "large"),
    per_axis=4,
)
def network(choice: Choice, fill: Chooser) -> Draft:
    """Convolution, normalisation, activation, pooling, fully connected, softmax: a small classifier as exported.

    The fully connected layer reads an image of distinct sizes, so its column-major order shows.
    """
    channels, filters = distinct(fill, 2, (2, 3, 5))
    height, width, outputs = 8, 11, fill.integer(2, 4)
    same = choice["padding"] == "same"
    conv: dict[str, Any] = {"Stride": [1, 2], **({"PaddingMode": "same"} if same else {})}
    after = (height, -(-width // 2)) if same else (height - 2, (width - 2) // 2 + 1)
    pooled = ((after[0] - 2) // 2 + 1, (after[1] - 2) // 2 + 1)
    options = {
        "ReLULayer": {},
        "LeakyReLULayer": {"Scale": 0.2},
        "ELULayer": {"Alpha": 1.5},
        "ClippedReLULayer": {"Ceiling": 2.5},
        "TanhLayer": {},
    }[choice["activation"]]
    norm = {"Epsilon": 1e-4} if choice["norm"].startswith("Batch") else {"WindowChannelSize": 3, "Alpha": 0.3}
    layers = [
        ("Convolution2DLayer", "conv", conv),
        (choice["norm"], "norm", norm),
        (choice["activation"], "activation", options),
        ("MaxPooling2DLayer", "pool", {"PoolSize": [2, 2], "Stride": [2, 2]}),
        ("FullyConnectedLayer", "fc", {"InputShape": [filters, *pooled]}),
        ("SoftmaxLayer", "softmax", {}),
    ]
    shape = (channels, height, width)
    weights = _statistics(choice["Normalization"], shape, "element") | {
        "conv/Weights": Weight((3, 3, channels, filters), "kernel", fan_in=9 * channels),
        "conv/Bias": Weight((filters,), "bias"),
    }
    if choice["norm"].startswith("Batch"):
        weights |= {
            "norm/Scale": Weight((filters,), "gamma"),
            "norm/Offset": Weight((filters,), "beta"),
            "norm/TrainedMean": Weight((filters,), "mean"),
            "norm/TrainedVariance": Weight((filters,), "variance"),
        }
    features = filters * pooled[0] * pooled[1]
    weights |= {
        "fc/Weights": Weight((outputs, features), "kernel", fan_in=features),
        "fc/Bias": Weight((outputs,), "bias"),
    }
    return _file(choice, shape, layers, weights, normalization=choice["Normalization"])
