"""Chains that converters and runtimes fuse into one layer: a pad, bias, scale or activation, a moved transpose.

Each layer alone may be right everywhere; the rows test the layer that replaces them. The chains come from ONNX
Runtime's list of graph optimizations
(https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html) and from tf2onnx' optimizers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, row, rule
from harness.catalogue.keras.graphs import GraphBuilder, Weights, conv, norm
from harness.spec import Input

CHAINS = tuple(
    f"{first}, {then}"
    for first, after in {
        "ZeroPadding2D": (
            "MaxPooling2D", "AveragePooling2D", "Conv2D", "DepthwiseConv2D", "Conv2DTranspose", "BatchNormalization",
            "ZeroPadding2D", "Cropping2D",
        ),
        "BatchNormalization": (
            "Conv2D", "DepthwiseConv2D", "Conv2DTranspose", "ReLU", "BatchNormalization", "MaxPooling2D",
            "ZeroPadding2D",
        ),
        "Conv2D": (
            "BatchNormalization", "ReLU", "LeakyReLU", "Conv2D", "MaxPooling2D", "AveragePooling2D", "Softmax",
            "Rescaling",
        ),
        "DepthwiseConv2D": ("BatchNormalization", "Conv2D", "ReLU"),
        "Conv2DTranspose": ("BatchNormalization", "LeakyReLU", "Cropping2D"),
        "Rescaling": ("Conv2D", "DepthwiseConv2D", "MaxPooling2D", "BatchNormalization"),
        "UpSampling2D": ("Conv2D", "MaxPooling2D", "AveragePooling2D"),
        "Cropping2D": ("Conv2D", "MaxPooling2D", "ZeroPadding2D"),
        "ReLU": ("Conv2D", "MaxPooling2D", "LeakyReLU"),
        "AveragePooling2D": ("Conv2D", "AveragePooling2D", "BatchNormalization"),
        "MaxPooling2D": ("MaxPooling2D", "ReLU", "Conv2D"),
        "Add": ("Maximum",),
        "Halves": ("Activation, MaxPooling2D", "Conv2D"),
    }.items()
    for then in after
)  # fmt: skip
FILTERS = 3
IMAGE = (6, 7, 2)
"""Height, width and channels; no output of a layer is as wide as FILTERS."""

MERGING = ("Add", "Maximum")
"""Layers of two tensors: the newest, and the input."""

Image = tuple[int, int, int]


def _layer(kind: str, image: Image, padding: str, data_format: str) -> tuple[dict[str, Any], Image, Weights]:
    """Configuration, output image and weights of one layer; windows are 3 x 2."""
    height, width, channels = image
    form = {"data_format": data_format}
    windows = (height, width) if padding == "same" else (height - 2, width - 1)
    sliding = {"kernel_size": (3, 2), "padding": padding, **form}
    pooling = {"pool_size": (3, 2), "strides": (1, 1), "padding": padding, **form}
    axis = 1 if data_format == "channels_first" else -1
    depthwise = {"kernel": Weight((3, 2, channels, 1), "kernel", fan_in=6), "bias": Weight((channels,), "bias")}
    transposed = {
        "kernel": Weight((3, 2, FILTERS, channels), "kernel", fan_in=6 * channels),
        "bias": Weight((FILTERS,), "bias"),
    }
    table: dict[str, tuple[dict[str, Any], Image, Weights]] = {
        "ZeroPadding2D": ({"padding": ((1, 2), (1, 1)), **form}, (height + 3, width + 2, channels), {}),
        "Cropping2D": ({"cropping": ((1, 0), (0, 1)), **form}, (height - 1, width - 1, channels), {}),
        "UpSampling2D": ({"size": (2, 2), **form}, (2 * height, 2 * width, channels), {}),
        "BatchNormalization": ({"axis": axis}, image, norm(channels)),
        "Rescaling": ({"scale": -0.5, "offset": 0.75}, image, {}),
        "ReLU": ({"max_value": 1.5}, image, {}),
        "Activation": ({"activation": "tanh"}, image, {}),
        "Halves": ({"axis": axis}, (height, width, channels // 2), {}),
        "Add": ({}, image, {}),
        "Maximum": ({}, image, {}),
        "LeakyReLU": ({"negative_slope": 0.25}, image, {}),
        "Softmax": ({"axis": axis}, image, {}),
        "MaxPooling2D": (pooling, (*windows, channels), {}),
        "AveragePooling2D": (pooling, (*windows, channels), {}),
        "Conv2D": ({"filters": FILTERS, **sliding}, (*windows, FILTERS), conv((3, 2), channels, FILTERS)),
        "DepthwiseConv2D": (sliding, (*windows, channels), depthwise),
        "Conv2DTranspose": (
            {"filters": FILTERS, "kernel_size": (3, 2), **form},
            (height + 2, width + 1, FILTERS),
            transposed,
        ),
    }
    return table[kind]


@row(
    "keras",
    "Fusion",
    axes={
        "chain": CHAINS,
        "data_format": ("channels_first", "channels_last"),
        "padding": ("valid", "same"),
        "activation": (False, True),
        "batch": (2, 1),
    },
    profiles=("negative", "main", "small"),
    rules=[
        rule("chain", "activation", reason="a ReLU would hide what a maximum gets wrong below zero")(
            lambda chain, activation: not activation or not chain.endswith(("Maximum", "MaxPooling2D"))
        )
    ],
    # the two pads together are as long as the window
    pins=[{"chain": "ZeroPadding2D, MaxPooling2D", "data_format": "channels_first", "padding": "same"}],
    second_batches=SOME,
    per_axis=2,
)
def fused(choice: Choice, fill: Chooser) -> Draft:
    """The layers of the chain, then perhaps a ReLU. Of two halves, the chain reads the second; both are computed."""
    channels_first = choice["data_format"] == "channels_first"

    def shape(image: Image) -> Image:
        return (image[2], image[0], image[1]) if channels_first else image

    builder = GraphBuilder(fill, {"x": shape(IMAGE)})
    image, tensor = IMAGE, "x"
    for kind in (*choice["chain"].split(", "), *(("ReLU",) if choice["activation"] else ())):
        config, image, weights = _layer(kind, image, choice["padding"], choice["data_format"])
        reads = (tensor, "x") if kind in MERGING else (tensor,)
        name = builder.add(kind, config, reads, shape(image), weights)
        tensor = f"{name}:1" if kind == "Halves" else name
    draft = builder.draft((Input("x", shape(IMAGE)),), (tensor,), choice["batch"])
    return replace(draft, channel_axis=1 if channels_first else -1)
