"""Inputs, activations, merges and moves of Deep Learning Toolbox, and the layers of shallow networks:
https://www.mathworks.com/help/deeplearning/ug/list-of-deep-learning-layers.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from scipy.special import erf

from harness.oracle import oracle
from harness.oracle.matlab.layer_recurrent import sigmoid
from harness.oracle.matlab.shapes import DIALECT, channel_axis, per_channel
from harness.spec import Array, Config

INERT = (
    "DropoutLayer",
    "SpatialDropoutLayer",
    "ClassificationOutputLayer",
    "RegressionOutputLayer",
    "PixelClassificationLayer",
    "DicePixelClassificationLayer",
    "FocalLossLayer",
)
"""Layers that do nothing at inference."""


def statistic(values: Array, rank: int) -> Array:
    """A statistic of an input layer against an array of that rank: H x W x C as stored, one per channel, or one."""
    if values.size == 1:
        return values.reshape([1] * rank)
    if values.ndim == rank - 1 and rank > 3:
        return np.moveaxis(values, -1, 0)[None]
    return per_channel(values, rank)


@oracle(DIALECT, "ImageInputLayer", "Image3DInputLayer", "SequenceInputLayer", "FeatureInputLayer")
def input_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`zerocenter` x - Mean; `zscore` (x - Mean) / StandardDeviation; `rescale-symmetric`
    2 (x - Min) / (Max - Min) - 1; `rescale-zero-one` (x - Min) / (Max - Min)."""
    kind = config.get("Normalization", "none")
    if kind == "none":
        return x
    own = {name: statistic(value, x.ndim) for name, value in weights.items()}
    if kind == "zerocenter":
        return x - own["Mean"]
    if kind == "zscore":
        return (x - own["Mean"]) / own["StandardDeviation"]
    share = (x - own["Min"]) / (own["Max"] - own["Min"])
    return 2.0 * share - 1.0 if kind == "rescale-symmetric" else share


def column_major(x: Array) -> Array:
    """N x features, the order of MATLAB's memory: h fastest, then w (then d), then c."""
    return x.transpose(0, 1, *range(x.ndim - 1, 1, -1)).reshape(x.shape[0], prod(x.shape[1:]))


@oracle(DIALECT, "FullyConnectedLayer")
def fully_connected(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`W x + b`, W of OutputSize x InputSize: of an image flattened column by column, at each step of a sequence."""
    x = column_major(x) if x.ndim > 3 else x
    return np.matmul(x, weights["Weights"].T) + weights["Bias"]


@oracle(DIALECT, "FlattenLayer")
def flatten(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Images to features, column by column; sequences of features stay as they are."""
    return column_major(x) if x.ndim > 3 else x


@oracle(DIALECT, "ReLULayer", "poslin")
def relu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The larger of x and 0."""
    return np.maximum(x, 0.0)


@oracle(DIALECT, "LeakyReLULayer")
def leaky_relu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Negative ones times Scale."""
    return np.where(x >= 0, x, config.get("Scale", 0.01) * x)


@oracle(DIALECT, "ClippedReLULayer")
def clipped_relu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Between 0 and Ceiling."""
    return np.minimum(np.maximum(x, 0.0), config["Ceiling"])


@oracle(DIALECT, "ELULayer")
def elu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`Alpha (exp(x) - 1)` where x is negative."""
    return np.where(x >= 0, x, config.get("Alpha", 1.0) * np.expm1(np.minimum(x, 0.0)))


@oracle(DIALECT, "PReLULayer")
def prelu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Negative ones times the slope of their channel."""
    return np.where(x >= 0, x, per_channel(weights["Alpha"], x.ndim) * x)


@oracle(DIALECT, "TanhLayer", "tansig")
def tanh(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


@oracle(DIALECT, "SigmoidLayer", "logsig")
def sigmoid_layer(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`1 / (1 + exp(-x))`."""
    return sigmoid(x)


@oracle(DIALECT, "SwishLayer")
def swish(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x sigmoid(x)`."""
    return x * sigmoid(x)


@oracle(DIALECT, "SoftplusLayer")
def softplus(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`log(1 + exp(x))`."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@oracle(DIALECT, "GELULayer")
def gelu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`x/2 (1 + erf(x / sqrt 2))`, or with Approximation `tanh` `x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`."""
    if config.get("Approximation", "none") == "tanh":
        return 0.5 * x * (1.0 + np.tanh(float(np.sqrt(2.0 / np.pi)) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + erf(x / float(np.sqrt(2.0))))


@oracle(DIALECT, "SoftmaxLayer", "softmax")
def softmax(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Over the channels."""
    axis = channel_axis(x.ndim)
    powers = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return powers / np.add.reduce(powers, axis=axis, keepdims=True)


@oracle(DIALECT, "AdditionLayer")
def addition(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """The sum of all inputs."""
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total


@oracle(DIALECT, "MultiplicationLayer")
def multiplication(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """The product of all inputs, element by element."""
    product = inputs[0]
    for x in inputs[1:]:
        product = product * x
    return product


@oracle(DIALECT, "DepthConcatenationLayer")
def depth_concatenation(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Along the channels, in the order of the ports."""
    return np.concatenate(inputs, axis=channel_axis(inputs[0].ndim))


def concatenation_axis(dim: int, rank: int) -> int:
    """The axis here of MATLAB's dimension `dim` (from 1): SSCB, SSSCB, CBT and CB, in that order of dimensions."""
    spatial = rank - 2 if rank > 3 else 0
    if dim <= spatial:
        return dim + 1
    if dim == spatial + 1:
        return channel_axis(rank)
    return 1 if rank == 3 and dim == 3 else 0


@oracle(DIALECT, "ConcatenationLayer")
def concatenation(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """Along MATLAB's dimension Dim: 1 and 2 are height and width of images, 3 their channels, 1 those of features."""
    return np.concatenate(inputs, axis=concatenation_axis(config["Dim"], inputs[0].ndim))


@oracle(DIALECT, "WordEmbeddingLayer")
def word_embedding(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Column `index` of Weights (Dimension x words), indices from 1; with a column for unknown words (OOVMode
    `map-to-last`) every index out of range means that one. N x T x 1 in, N x T x Dimension out."""
    table = weights["Weights"].T
    index = x[..., 0].astype(np.int64)
    if config.get("OOVMode", "map-to-last") == "map-to-last":
        index = np.where((index < 1) | (index >= table.shape[0]), table.shape[0], index)
    return table[index - 1]


@oracle(DIALECT, "DepthToSpace2DLayer")
def depth_to_space(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`dcr`: channels are (row, column, depth) with depth fastest; `crd`: (depth, row, column), column fastest."""
    rows, columns = config["BlockSize"]
    batch, channels, height, width = x.shape
    depth = channels // (rows * columns)
    if config.get("Mode", "dcr") == "dcr":
        split = x.reshape(batch, rows, columns, depth, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        split = x.reshape(batch, depth, rows, columns, height, width).transpose(0, 1, 4, 2, 5, 3)
    return split.reshape(batch, depth, height * rows, width * columns)


@oracle(DIALECT, "Crop2DLayer")
def crop(config: Config, weights: Mapping[str, Array], x: Array, reference: Array) -> Array:
    """To the height and width of the second input: from Location [x y] (from 1), or the centre (`centercrop`)."""
    height, width = reference.shape[2:]
    if config.get("Mode", "centercrop") == "centercrop":
        top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    else:
        left, top = (int(n) - 1 for n in config["Location"])
    return x[:, :, top : top + height, left : left + width]


@oracle(DIALECT, *INERT)
def identity(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Nothing at inference."""
    return x


@oracle(DIALECT, "Resize2DLayer")
def resize(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Each output place looks at `(p + 0.5) / scale - 0.5` (`half-pixel`) or `p / scale` (`asymmetric`); `nearest`
    rounds it as NearestRoundingMode says, `bilinear` weighs its two neighbours, edges repeated."""
    for axis, (size, scale) in enumerate(resized(config, x.shape[2:]), start=2):
        x = _resized(x, axis, size, scale, config)
    return x


def resized(config: Config, sizes: tuple[int, ...]) -> list[tuple[int, float]]:
    """Output size and scale of each axis: from OutputSize, or floor(Scale * size) with that scale."""
    target = config.get("OutputSize")
    if target:
        return [(int(n), n / size) for n, size in zip(target, sizes, strict=True)]
    return [(int(np.floor(scale * size)), scale) for scale, size in zip(config["Scale"], sizes, strict=True)]


def _resized(x: Array, axis: int, size: int, scale: float, config: Config) -> Array:
    place = np.arange(size)
    at = (
        (place + 0.5) / scale - 0.5
        if config.get("GeometricTransformMode", "half-pixel") == "half-pixel"
        else place / scale
    )
    last = x.shape[axis] - 1
    if config.get("Method", "nearest") == "nearest":
        mode = config.get("NearestRoundingMode", "round")
        index = {"round": np.floor(at + 0.5), "floor": np.floor(at), "onnx-10": np.ceil(at - 0.5)}[mode]
        return np.take(x, np.clip(index, 0, last).astype(np.int64), axis=axis)
    low = np.floor(at)
    share = (at - low).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
    first, second = (np.take(x, np.clip(low + k, 0, last).astype(np.int64), axis=axis) for k in (0, 1))
    return first * (1.0 - share) + second * share
