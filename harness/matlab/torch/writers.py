"""Shared parts of the writers of a PyTorch program: the site of a layer, its module, and the text of common modules.

A writer takes the site of a layer and returns the expression that makes its module, with the module's parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.matlab.layouts import channel_axis
from harness.spec import Array, Layer


@dataclass(frozen=True)
class Module:
    """How a layer is written.

    `text` is the expression that makes the module, of PyTorch's classes, those in `blocks.py` and `functions`.
    """

    text: str
    state: Mapping[str, Array] = field(default_factory=dict)
    """Parameters and buffers."""
    functions: tuple[Callable[..., Any], ...] = ()
    """Functions of tensors that the expression names: the program carries their source."""


@dataclass(frozen=True)
class Site:
    """A layer in its network: its weights, the rank of its first input, and the groups of a MatConvNet bank."""

    layer: Layer
    weights: Mapping[str, Array]
    rank: int
    groups: int = 1

    @property
    def config(self) -> Mapping[str, Any]:
        return self.layer.config


Writer = Callable[[Site], Module]
Sides = tuple[tuple[int, int], ...]
"""(before, after) for each spatial axis."""


def sides(sizes: Any) -> Sides:
    """MATLAB's [l r], [t b l r] or [t l f; b r k] by axis, plain integers as they are written."""
    before, after = sizes if isinstance(sizes[0], Sequence) else (sizes[::2], sizes[1::2])
    return tuple((int(a), int(b)) for a, b in zip(before, after, strict=True))


def border_of(config: Mapping[str, Any], axes: int, what: str = "Padding") -> Sides | None:
    """A layer's Padding or Cropping; None for `same`, which depends on the input."""
    if config.get(f"{what}Mode", "manual") == "same":
        return None
    return sides(config.get(f"{what}Size", [0] * (2 * axes)))


def _even(pads: Sides | None) -> tuple[int, ...] | None:
    """Pads that are alike on both sides of each axis."""
    return tuple(a for a, _ in pads) if pads is not None and all(a == b for a, b in pads) else None


def filter_bank(weights: Array) -> Array:
    """Spatial x C x F to F x C x spatial."""
    return np.moveaxis(weights, (-1, -2), (0, 1))


def convolution_text(
    bank: Array,
    stride: Sequence[int],
    dilation: Sequence[int],
    pads: Sides | None,
    *,
    groups: int = 1,
    bias: bool = True,
    value: float | str = 0,
) -> str:
    """PyTorch's convolution where pads are zeros and alike on both sides; `bank` is F x C x spatial, None is `same`."""
    even = _even(pads)
    axes = bank.ndim - 2
    if even is not None and value == 0 and axes > 1:
        return (
            f"nn.Conv{axes}d({bank.shape[1] * groups}, {bank.shape[0]}, {bank.shape[2:]}, stride={tuple(stride)}, "
            f"padding={even}, dilation={tuple(dilation)}, groups={groups}, bias={bias})"
        )
    mode = {"replicate": "replicate", "symmetric-include-edge": "symmetric", "symmetric-exclude-edge": "reflect"}
    more = f", mode={mode[value]!r}" if isinstance(value, str) else (f", value={value}" if value else "")
    return f"Convolution({bank.shape}, {tuple(stride)}, {tuple(dilation)}, {pads}, groups={groups}, bias={bias}{more})"


def transposed_text(bank: Array, stride: Sequence[int], crops: Sides | None, groups: int, bias: bool) -> str:
    """PyTorch's where crops are alike on both sides and fit; `bank` is C x F x spatial, None is `same`."""
    even, axes = _even(crops), bank.ndim - 2
    if even is not None and axes > 1 and all(n < k for n, k in zip(even, bank.shape[2:], strict=True)):
        return (
            f"nn.ConvTranspose{axes}d({bank.shape[0]}, {bank.shape[1] * groups}, {bank.shape[2:]}, "
            f"stride={tuple(stride)}, padding={even}, groups={groups}, bias={bias})"
        )
    return f"TransposedConvolution({bank.shape}, {tuple(stride)}, {crops}, groups={groups}, bias={bias})"


def pool_text(how: str, window: Sequence[int], stride: Sequence[int], pads: Sides | None) -> str:
    """PyTorch's pooling where it takes the pads; `how` is max, average (padding counts) or inside (it does not)."""
    even, axes = _even(pads), len(window)
    if even is not None and axes > 1 and all(n <= k // 2 for n, k in zip(even, window, strict=True)):
        if how == "max":
            return f"nn.MaxPool{axes}d({tuple(window)}, {tuple(stride)}, {even})"
        return f"nn.AvgPool{axes}d({tuple(window)}, {tuple(stride)}, {even}, count_include_pad={how == 'average'})"
    return f"Pool({how!r}, {tuple(window)}, {tuple(stride)}, {pads})"


def window_norm_text(size: int, kappa: float, alpha: float, beta: float) -> str:
    """alpha is per element, as in MatConvNet; PyTorch and Deep Learning Toolbox divide it by the window."""
    if size % 2:
        return f"nn.LocalResponseNorm({size}, alpha={alpha * size!r}, beta={beta}, k={kappa})"
    return f"ChannelWindowNorm({size}, kappa={kappa}, alpha={alpha!r}, beta={beta})"


def constant(text: str) -> Writer:
    """The same module wherever the layer stands."""
    return lambda site: Module(text)


def softmax(site: Site) -> Module:
    """Over the channels."""
    return Module(f"nn.Softmax({channel_axis(site.rank)})")
