"""Inputs of a network of MATLAB: drawn around what its input layers expect, in one of several manners.

A trained network answers noise with a saturated softmax, in which no error before it shows. So there are several
manners, and `harness.models.sensitivity` says whether the outputs can tell a wrong layer from a right one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi

import numpy as np

from harness.draw.inputs import LAWS
from harness.models.bounds import Sizes
from harness.spec import Array, Input, Spec

Manner = Callable[[tuple[int, ...], np.random.Generator], Array]
"""Draws numbers around 0 of a shape: (samples, features), (samples, steps, features) or (samples, channels, ...)."""
MAIN = "drawn at random"
WAVES = 4
"""Waves of a smooth array along each axis, at most 3 periods long."""


def _smooth(shape: tuple[int, ...], source: np.random.Generator) -> Array:
    """Slow waves along every axis but those of samples and channels, another mixture for each sample: what pictures and
    recorded sequences look like."""
    channel = len(shape) - 1 if len(shape) == 3 else 1
    total = source.uniform(-1, 1, tuple(n if axis in (0, channel) else 1 for axis, n in enumerate(shape)))
    total = np.broadcast_to(total, shape).copy()
    axes = [axis for axis in range(1, len(shape)) if axis != channel]
    for _ in range(WAVES):
        phase = source.uniform(0, 2 * pi, tuple(n if axis in (0, channel) else 1 for axis, n in enumerate(shape)))
        for axis in axes:
            along = np.arange(shape[axis]).reshape([-1 if each == axis else 1 for each in range(len(shape))])
            phase = phase + 2 * pi * source.uniform(0, 3) * along / shape[axis]
        total += source.uniform(0.2, 1) * np.sin(phase)
    return total


MANNERS: Mapping[str, Manner] = {
    MAIN: LAWS["main"],
    "smooth": _smooth,
    "drawn at random again": LAWS["main"],
    "smooth in another way": _smooth,
    "smooth, a tenth as large": lambda shape, source: 0.1 * _smooth(shape, source),
    "a tenth as large": lambda shape, source: 0.1 * LAWS["main"](shape, source),
    "a hundredth as large": lambda shape, source: 0.01 * LAWS["main"](shape, source),
}
"""How numbers are drawn, in words, in the order in which they are tried. Each has random numbers of its own."""


def drawn(spec: Spec, weights: Mapping[str, Array], sizes: Sizes, manner: str = MAIN) -> dict[str, Array]:
    """Inputs of these sizes, around the mean of the input layer if it has one; indices for words."""
    source = np.random.Generator(np.random.PCG64(list(MANNERS).index(manner)))
    return {
        item.name: _drawn(item, shape, spec, weights, source=source, manner=MANNERS[manner])
        for item, shape in zip(spec.inputs, sizes, strict=True)
    }


def _drawn(
    item: Input,
    shape: tuple[int, ...],
    spec: Spec,
    weights: Mapping[str, Array],
    *,
    source: np.random.Generator,
    manner: Manner,
) -> Array:
    if item.dtype != "float32":
        words = [value.shape[1] for name, value in weights.items() if name.endswith("/Weights")]
        return source.integers(0, max(words, default=2) + 1, shape).astype(item.dtype)
    readers = [layer.name for layer in spec.layers if item.name in layer.inputs]
    means = [weights[f"{name}/Mean"] for name in readers if f"{name}/Mean" in weights]
    spread = float(np.abs(means[0]).max()) if means and means[0].size else 0.0
    values = manner(shape, source)
    return (spread + values * max(1.0, spread / 3)).astype(np.float32)
