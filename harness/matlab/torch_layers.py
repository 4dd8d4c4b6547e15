"""PyTorch modules for MATLAB's layers. Imports torch: only hops, in their worker, import this module.

Where PyTorch's own layer means the same, it is used; the classes here are for the four that it lacks. A module
saved whole that holds one of them needs this package when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.matlab.simplenn import groups_of
from harness.spec import Array, Layer, Spec


class ChannelWindowNorm(nn.Module):
    """MATLAB's normalisation across channels, for even windows too: floor((N-1)/2) channels before, floor(N/2) after.

    `nn.LocalResponseNorm` has the longer side before. `alpha` is per element, as in MatConvNet.
    """

    def __init__(self, size: int, kappa: float, alpha: float, beta: float) -> None:
        super().__init__()
        self.size, self.kappa, self.alpha, self.beta = size, kappa, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        squares = F.pad(x * x, (0, 0, 0, 0, (self.size - 1) // 2, self.size // 2))
        total = squares[:, : x.shape[1]]
        for k in range(1, self.size):
            total = total + squares[:, k : k + x.shape[1]]
        return x / (self.kappa + self.alpha * total) ** self.beta

    def extra_repr(self) -> str:
        return f"{self.size}, kappa={self.kappa}, alpha={self.alpha}, beta={self.beta}"


class MomentsNorm(nn.Module):
    """MatConvNet's bnorm in test mode: `weight * (x - mean) / sigma + bias`.

    `nn.BatchNorm2d` wants sigma^2 - epsilon, which loses digits and can be negative.
    """

    mean: Tensor
    sigma: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, mean: Tensor, sigma: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.register_buffer("mean", mean)
        self.register_buffer("sigma", sigma)

    def forward(self, x: Tensor) -> Tensor:
        mean, sigma, weight, bias = (v.reshape(1, -1, 1, 1) for v in (self.mean, self.sigma, self.weight, self.bias))
        return weight * (x - mean) / sigma + bias


class InsideAveragePool(nn.Module):
    """Average of the image's own pixels in each window, for pads [left right top bottom] of any size.

    `nn.AvgPool2d(count_include_pad=False)` means the same and takes symmetric pads up to half of the window.
    """

    def __init__(self, window: Sequence[int], stride: Sequence[int], pads: Sequence[int]) -> None:
        super().__init__()
        self.window, self.stride, self.pads = tuple(window), tuple(stride), tuple(pads)

    def _sum(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(x, self.pads), self.window, self.stride, divisor_override=1)

    def forward(self, x: Tensor) -> Tensor:
        return self._sum(x) / self._sum(torch.ones_like(x[:1, :1]))

    def extra_repr(self) -> str:
        return f"{self.window}, stride={self.stride}, pads={self.pads}"


Parts = list[tuple[str, nn.Module]]
"""Modules of one layer in order, each with the ending of its name."""
Builder = Callable[[Mapping[str, Any], Mapping[str, Array], int], Parts]


def build_simplenn(spec: Spec, weights: Mapping[str, Array]) -> nn.Sequential:
    """The network in evaluation mode, N x C x H x W in and out. Raises ValueError where weights do not fit.

    A layer's module has the layer's name (`torch_name`); a pad or crop that PyTorch's layer cannot express is a
    module of its own beside it, `NAME_pad` before or `NAME_crop` after.
    """
    groups = groups_of(spec, weights)
    net = nn.Sequential()
    for layer in spec.layers:
        own = {k.removeprefix(layer.name + "/"): v for k, v in weights.items() if k.startswith(layer.name + "/")}
        for ending, module in _BUILDERS[layer.kind](layer.config, own, groups.get(layer.name, 1)):
            net.add_module(torch_name(layer, ending, net), module)
    return net.eval()


def torch_name(layer: Layer, ending: str, net: nn.Module) -> str:
    """The layer's name with every character but letters, digits and `_` as `_`, and `_` added while it is taken,
    by another module or an attribute of the network. PyTorch forbids dots, empty names and names of attributes."""
    name = "".join(c if c.isalnum() or c == "_" else "_" for c in layer.name) + ending
    while hasattr(net, name) or not name:
        name += "_"
    return name


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _sides(pads: Sequence[int]) -> tuple[int, int, int, int]:
    """MATLAB's [top bottom left right] as PyTorch's (left, right, top, bottom)."""
    top, bottom, left, right = pads
    return left, right, top, bottom


def _symmetric(pads: Sequence[int], limits: Sequence[int]) -> tuple[int, int] | None:
    """(vertical, horizontal) pads where both sides are alike and within the limits, else None."""
    top, bottom, left, right = pads
    return (top, left) if top == bottom <= limits[0] and left == right <= limits[1] else None


def _load(module: nn.Module, weights: Mapping[str, Array]) -> nn.Module:
    """H x W x C/G x F is F x C/G x H x W in PyTorch; a transposed bank, H x W x K x C, is C x K x H x W."""
    state = {"weight": _tensor(weights["filters"].transpose(3, 2, 0, 1))}
    if "biases" in weights:
        state["bias"] = _tensor(weights["biases"])
    module.load_state_dict(state)
    return module


def _conv(config: Mapping[str, Any], weights: Mapping[str, Array], groups: int) -> Parts:
    *kernel, depth, filters = weights["filters"].shape
    even = _symmetric(config["pad"], (2**31, 2**31))
    conv = nn.Conv2d(
        depth * groups,
        filters,
        (kernel[0], kernel[1]),
        stride=tuple(config["stride"]),
        padding=even or 0,
        dilation=tuple(config["dilate"]),
        groups=groups,
        bias="biases" in weights,
    )
    before: Parts = [] if even else [("_pad", nn.ZeroPad2d(_sides(config["pad"])))]
    return [*before, ("", _load(conv, weights))]


def _convt(config: Mapping[str, Any], weights: Mapping[str, Array], groups: int) -> Parts:
    *kernel, outputs, depth = weights["filters"].shape
    even = _symmetric(config["crop"], (kernel[0] - 1, kernel[1] - 1))
    conv = nn.ConvTranspose2d(
        depth,
        outputs * groups,
        (kernel[0], kernel[1]),
        stride=tuple(config["upsample"]),
        padding=even or 0,
        groups=groups,
        bias="biases" in weights,
    )
    left, right, top, bottom = _sides(config["crop"])
    after: Parts = [] if even else [("_crop", nn.ZeroPad2d((-left, -right, -top, -bottom)))]
    return [("", _load(conv, weights)), *after]


def _pool(config: Mapping[str, Any], weights: Mapping[str, Array], groups: int) -> Parts:
    window, stride = tuple(config["pool"]), tuple(config["stride"])
    even = _symmetric(config["pad"], (window[0] // 2, window[1] // 2))
    sides = _sides(config["pad"])
    if config["method"] == "avg":
        if even:
            return [("", nn.AvgPool2d(window, stride, even, count_include_pad=False))]
        return [("", InsideAveragePool(window, stride, sides))]
    if even:
        return [("", nn.MaxPool2d(window, stride, even))]
    return [("_pad", nn.ConstantPad2d(sides, -torch.inf)), ("", nn.MaxPool2d(window, stride))]


def _bnorm(config: Mapping[str, Any], weights: Mapping[str, Array], groups: int) -> Parts:
    moments = weights["moments"]
    columns = (weights["multipliers"], weights["biases"], moments[:, 0], moments[:, 1])
    return [("", MomentsNorm(*(_tensor(column) for column in columns)))]


def _lrn(config: Mapping[str, Any], weights: Mapping[str, Array], groups: int) -> Parts:
    size, kappa, alpha, beta = config["param"]
    if size % 2:
        # PyTorch divides alpha by the window
        return [("", nn.LocalResponseNorm(size, alpha=size * alpha, beta=beta, k=kappa))]
    return [("", ChannelWindowNorm(size, kappa, alpha, beta))]


def _relu(config: Mapping[str, Any], weights: Mapping[str, Array], groups: int) -> Parts:
    return [("", nn.LeakyReLU(config["leak"]) if config["leak"] else nn.ReLU())]


_BUILDERS: Mapping[str, Builder] = {
    "conv": _conv,
    "convt": _convt,
    "pool": _pool,
    "bnorm": _bnorm,
    "lrn": _lrn,
    "relu": _relu,
    "softmax": lambda config, weights, groups: [("", nn.Softmax(dim=1))],
    "sigmoid": lambda config, weights, groups: [("", nn.Sigmoid())],
    "dropout": lambda config, weights, groups: [("", nn.Dropout(config["rate"]))],
}
