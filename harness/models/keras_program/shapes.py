"""Pooling layers, layers that move the numbers of a tensor, and layers that do something in training only."""

from __future__ import annotations

from typing import Any

from harness.matlab.torch.writers import Sides, pool_text
from harness.models.keras_program.weighted import pads, spatial
from harness.models.keras_program.writers import Part, Site, Unwritten, layer, many, real

HOW = {"Max": "max", "Average": "inside"}
"""How a pooling layer pools; a mean is over elements inside the input."""


@layer(*(f"{kind}Pooling{n}D" for kind in HOW for n in (1, 2, 3)))
def _pooling(site: Site) -> Part:
    config, axes = site.config, site.axes
    window = many(config, "pool_size", axes, 2)
    strides = window if config.get("strides") is None else many(config, "strides", axes)
    how = HOW[site.kind.partition("Pooling")[0]]
    return spatial(pool_text(how, window, strides, pads(config, window, (1,) * axes)), {}, axes)


@layer(*(f"Global{kind}Pooling{n}D" for kind in HOW for n in (1, 2, 3)))
def _global_pooling(site: Site) -> Part:
    how = "max" if site.kind.startswith("GlobalMax") else "mean"
    return Part(f"GlobalPoolLast({how!r}{', keep=True' * bool(site.config.get('keepdims'))})")


@layer("Flatten")
def _flatten(site: Site) -> Part:
    return Part("Reshape((-1,))")


@layer("Reshape")
def _reshape(site: Site) -> Part:
    return Part(f"Reshape({tuple(int(n) for n in site.config['target_shape'])})")


@layer("Permute")
def _permute(site: Site) -> Part:
    return Part(f"Permute({', '.join(str(int(n)) for n in site.config['dims'])})")


@layer("RepeatVector")
def _repeat_vector(site: Site) -> Part:
    return Part(f"RepeatVector({int(site.config['n'])})")


def _sides(value: Any, axes: int) -> Sides:
    """Before and after of each axis from one number, one for each axis or two for each."""
    if isinstance(value, int):
        return ((value, value),) * axes
    if axes == 1:
        before, after = value
        return ((int(before), int(after)),)
    return tuple((each, each) if isinstance(each, int) else (int(each[0]), int(each[1])) for each in value)


@layer(*(f"ZeroPadding{n}D" for n in (1, 2, 3)))
def _zero_padding(site: Site) -> Part:
    return Part(f"Border({_sides(site.config.get('padding', 1), site.axes)})")


@layer(*(f"Cropping{n}D" for n in (1, 2, 3)))
def _cropping(site: Site) -> Part:
    sides = _sides(site.config.get("cropping", 0 if site.axes == 2 else 1), site.axes)
    return Part(f"Border({tuple((-before, -after) for before, after in sides)})")


@layer(*(f"UpSampling{n}D" for n in (1, 2, 3)))
def _up_sampling(site: Site) -> Part:
    method = site.config.get("interpolation", "nearest")
    if method != "nearest":
        raise Unwritten(f"interpolation {method!r}")
    return Part(f"RepeatEach({many(site.config, 'size', site.axes, 2)})")


@layer("Dropout")
def _dropout(site: Site) -> Part:
    return Part(f"nn.Dropout({real(site.config, 'rate', 0.5)})")


@layer(
    *("ActivityRegularization", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity"),
    *(f"SpatialDropout{n}D" for n in (1, 2, 3)),
)
def _unchanged(site: Site) -> Part:
    return Part("nn.Identity()")
