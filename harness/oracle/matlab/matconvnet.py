"""MatConvNet blocks in test mode: https://www.vlfeat.org/matconvnet/functions/.

Arrays are N x C x H x W; MATLAB has the same numbers as H x W x C x N, `nchw = hwcn.transpose(3, 2, 0, 1)`.
Filter banks have MATLAB's layout. All pads and crops are [top bottom left right].
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.convolution import correlated
from harness.oracle.matlab.shapes import as_sides, is_large, padded, reduced, windows
from harness.spec import Array, Config

DIALECT = "matconvnet"


def _per_channel(values: Array) -> Array:
    return values.reshape(1, -1, 1, 1)


@oracle(DIALECT, "conv")
def conv(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnconv: `y(i",j",k") = b(k") + sum_{i'j'k'} f(i',j',k',k") x(i'+s(i"-1), j'+s(j"-1), k')`.

    A correlation: the filter is not flipped. Filters are H x W x C/G x F; there are C / size(f, 3) groups.
    """
    filters = weights["filters"]
    depth, count = filters.shape[2:]
    groups = x.shape[1] // depth
    size = count // groups
    x = padded(x, as_sides(config.get("pad", (0, 0, 0, 0))))
    stride, dilate = config.get("stride", (1, 1)), config.get("dilate", (1, 1))
    if is_large(x, filters.shape[:2], stride, dilate):
        return _biased(correlated(x, filters, stride, dilate, groups), weights)
    parts = []
    for g in range(groups):
        seen = windows(x[:, g * depth : (g + 1) * depth], filters.shape[:2], stride, dilate)
        rows = seen.transpose(1, 3, 4, 0, 2)  # N, H', W', element, channel: the order of the filter's first three axes
        rows = rows.reshape(*rows.shape[:3], rows.shape[3] * rows.shape[4])
        parts.append(np.matmul(rows, filters[..., g * size : (g + 1) * size].reshape(-1, size)))
    return _biased(np.concatenate(parts, axis=-1).transpose(0, 3, 1, 2), weights)


def _biased(y: Array, weights: Mapping[str, Array]) -> Array:
    return y + _per_channel(weights["biases"]) if "biases" in weights else y


@oracle(DIALECT, "convt")
def convt(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnconvt: the transpose of vl_nnconv's matrix. Every input pixel adds its multiple of the filter
    to the output at `upsample` times its place; then the border is cropped:
    `YH = UPH (XH - 1) + FH - CROPTOP - CROPBOTTOM`.

    Filters are H x W x K x C: K outputs per group, and all C inputs, divided among the groups.
    """
    filters = weights["filters"]
    groups = config.get("numGroups", 1)
    depth = filters.shape[3] // groups
    parts = [
        _scattered(x[:, g * depth : (g + 1) * depth], filters[..., g * depth : (g + 1) * depth], config)
        for g in range(groups)
    ]
    y = np.concatenate(parts, axis=1)
    top, bottom, left, right = config.get("crop", (0, 0, 0, 0))
    return _biased(y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right], weights)


def _scattered(x: Array, filters: Array, config: Config) -> Array:
    up, across = config.get("upsample", (1, 1))
    batch, _, height, width = x.shape
    shape = (batch, filters.shape[2], up * (height - 1) + filters.shape[0], across * (width - 1) + filters.shape[1])
    y = np.zeros_like(x, shape=shape)
    rows = x.transpose(0, 2, 3, 1)
    for i in range(filters.shape[0]):
        for j in range(filters.shape[1]):
            place = (..., slice(i, i + up * (height - 1) + 1, up), slice(j, j + across * (width - 1) + 1, across))
            y[place] = y[place] + np.matmul(rows, filters[i, j].T).transpose(0, 3, 1, 2)
    return y


@oracle(DIALECT, "pool")
def pool(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnpool, and the manual's section on pooling: `max` and `avg` are over the pixels of the image in the
    window; padding is -inf for `max` and does not count for `avg`.
    """
    pad, window = as_sides(config.get("pad", (0, 0, 0, 0))), config["pool"]
    stride, dilate = config.get("stride", (1, 1)), (1, 1)
    if config.get("method", "max") == "max":
        return reduced(np.maximum.reduce, padded(x, pad, -np.inf), window, stride, dilate)
    count = reduced(np.add.reduce, padded(np.ones((1, 1, *x.shape[2:])), pad), window, stride, dilate)
    return reduced(np.add.reduce, padded(x, pad), window, stride, dilate) / count


@oracle(DIALECT, "relu")
def relu(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnrelu: `max(x, 0)`, or with a leak `x` where x > 0 and `leak * x` elsewhere."""
    leak = config.get("leak", 0.0)
    return np.where(x > 0, x, leak * x) if leak else np.maximum(x, 0.0)


@oracle(DIALECT, "bnorm")
def bnorm(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnbnorm with moments: `G(k) * (x - mu(k)) / sigma(k) + B(k)`, moments = [mu sigma].

    Training stores `sigma(k) = sqrt(sigma2(k) + EPSILON)`, so epsilon is not added again.
    """
    mean, sigma = (_per_channel(weights["moments"][:, k]) for k in (0, 1))
    return _per_channel(weights["multipliers"]) * (x - mean) / sigma + _per_channel(weights["biases"])


@oracle(DIALECT, "lrn")
def lrn(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnnormalize: `y(k) = x(k) / (kappa + alpha * sum_{q in Q(k)} x(q)^2)^beta`,
    param = [N kappa alpha beta], `Q(k) = [max(1, k - floor((N-1)/2)), min(D, k + ceil((N-1)/2))]`:
    an even window reaches further up.
    """
    size, kappa, alpha, beta = config.get("param", (5, 1, 0.0001 / 5, 0.75))
    before, after = (int(size) - 1) // 2, int(size) // 2
    squares = np.pad(np.square(x), ((0, 0), (before, after), (0, 0), (0, 0)))
    seen = np.stack([squares[:, k : k + x.shape[1]] for k in range(int(size))])
    return x / np.power(kappa + alpha * np.add.reduce(seen, axis=0), beta)


@oracle(DIALECT, "softmax")
def softmax(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnsoftmax: `exp(x(k)) / sum_q exp(x(q))` over the channels, at each place of the image."""
    powers = np.exp(x - np.maximum.reduce(x, axis=1, keepdims=True))
    return powers / np.add.reduce(powers, axis=1, keepdims=True)


@oracle(DIALECT, "sigmoid")
def sigmoid(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_nnsigmoid: `1 / (1 + exp(-x))`."""
    return 1.0 / (1.0 + np.exp(-x))


@oracle(DIALECT, "dropout")
def dropout(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """mfiles/vl_simplenn: in test mode dropout is bypassed."""
    return x


@oracle(DIALECT, "sum")
def add(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """dagnn.Sum: its inputs, which are of one size, added one after the other."""
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total


@oracle(DIALECT, "concat")
def concat(config: Config, weights: Mapping[str, Array], *inputs: Array) -> Array:
    """mfiles/vl_nnconcat along dimension 3, dagnn.Concat's default: channels, in the order of the inputs."""
    return np.concatenate(inputs, axis=1)


@oracle(DIALECT, "scale")
def scale(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """dagnn.Scale with parameters: `x(k) * multiplier(k)`, plus `bias(k)` if `hasBias` is true."""
    return _biased(x * _per_channel(weights["multipliers"]), weights)


@oracle(DIALECT, "crop")
def crop(config: Config, weights: Mapping[str, Array], x: Array, reference: Array) -> Array:
    """dagnn.Crop and mfiles/vl_nncrop: `x` cropped to height and width of `reference`. At most `crop` = [top left]
    pixels are removed at top and left, the others at bottom and right.
    """
    height, width = reference.shape[2:]
    wanted = config.get("crop", (0, 0))
    top, left = min(wanted[0], x.shape[2] - height), min(wanted[1], x.shape[3] - width)
    if min(top, left) < 0:
        raise ValueError(f"an image of {x.shape[2:]} cannot be cropped to {reference.shape[2:]}")
    return x[:, :, top : top + height, left : left + width]
