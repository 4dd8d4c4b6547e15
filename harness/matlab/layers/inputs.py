"""Input layers: the shapes that they take, and their normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.matlab.layers.kind import Read, Shape, Unsupported, layer
from harness.matlab.layers.stored import refuse
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site
from harness.spec import Array

INPUTS = {1: "FeatureInputLayer", 2: "SequenceInputLayer", 3: "ImageInputLayer", 4: "Image3DInputLayer"}
"""Input layer by the rank of one sample."""
STATISTICS = {
    "Mean": ("Mean", "AverageImage"),
    "StandardDeviation": ("StandardDeviation", "Std"),
    "Min": ("Min", "Minimum"),
    "Max": ("Max", "Maximum"),
}
"""Names of each statistic: the public one, and the one in saved objects."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "zerocenter": ("Mean",),
    "zscore": ("Mean", "StandardDeviation"),
    "rescale-symmetric": ("Min", "Max"),
    "rescale-zero-one": ("Min", "Max"),
}
"""Statistics of each normalisation."""


def _axes(*ways: str) -> Mapping[str, tuple[str, ...]]:
    return dict.fromkeys(STATISTICS, ways)


def _read(record: Record) -> Read:
    stored = record.properties.get("Normalization")
    saved: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
    normalization = saved.get("Type", stored if isinstance(stored, str) else None) or "none"
    if normalization not in NEEDED:
        raise Unsupported(f"Normalization {normalization!r}")
    refuse(record, "SplitComplexInputs")
    size = record.size("InputSize") or []
    both = Record(record.class_name, record.name, {**record.properties, **saved})
    arrays = {}
    for name in NEEDED[normalization]:
        value = both.array(*STATISTICS[name])
        if value is None:
            raise both.untrained(f"{name} for the normalisation {normalization!r}")
        arrays[name] = _statistic(both, name, value, size)
    return ({"Normalization": normalization} if normalization != "none" else {}), arrays


def _statistic(record: Record, name: str, value: Array, size: Sequence[int]) -> Array:
    """One value, one per channel, or one per element of the input, h x w x c."""
    channels = size[-1] if size else value.size
    if value.size in (1, channels) or len(size) < 3:
        if value.size not in (1, channels):
            raise record.fault(name, f"1 or {channels} values")
        return value.ravel(order="F")
    if value.size != np.prod(size):
        raise record.fault(name, f"1, {channels} or {list(size)} values")
    return np.ascontiguousarray(value.reshape(list(size), order="F"))


def image(record: Record) -> Shape:
    """C x H x W (x D) of InputSize [h w c] or [h w d c]."""
    *spatial, channels = _size(record)
    if len(spatial) not in (2, 3):
        raise record.fault("InputSize", "[h w c] or [h w d c]")
    return (channels, *spatial)


def _sequence(record: Record) -> Shape:
    size = _size(record)
    if len(size) != 1:
        raise record.fault("InputSize", "one number: sequences of images are not supported")
    return (None, size[0])


def _features(record: Record) -> Shape:
    return (_size(record)[0],)


def _size(record: Record) -> list[int]:
    size = record.size("InputSize")
    if not size or min(size) < 1:
        raise record.fault("InputSize", "positive whole numbers")
    return size


@layer("ImageInputLayer", read=_read, axes=_axes("c", "hwc"), shape=image)
@layer("Image3DInputLayer", read=_read, axes=_axes("c", "hwdc"), shape=image)
@layer("SequenceInputLayer", read=_read, axes=_axes("c"), shape=_sequence)
@layer("FeatureInputLayer", read=_read, axes=_axes("c"), shape=_features)
def input_layer(site: Site) -> Module:
    """`Normalize`, or nothing."""
    normalization = site.config.get("Normalization", "none")
    if normalization == "none":
        return Module("nn.Identity()")
    values = {name: _combinable(value.astype(np.float64), site.rank) for name, value in site.weights.items()}
    if normalization == "zerocenter":
        return Module(f"Normalize({values['Mean'].shape})", {"shift": values["Mean"]})
    if normalization == "zscore":
        shapes = f"{values['Mean'].shape}, {values['StandardDeviation'].shape}"
        return Module(f"Normalize({shapes})", {"shift": values["Mean"], "scale": values["StandardDeviation"]})
    scale = values["Max"].astype(np.float32) - values["Min"].astype(np.float32)
    more = ", factor=2.0, offset=-1.0" if normalization == "rescale-symmetric" else ""
    state = {"shift": values["Min"], "scale": scale}
    return Module(f"Normalize({values['Min'].shape}, {scale.shape}{more})", state)


def _combinable(values: Array, rank: int) -> Array:
    """A statistic in a shape that broadcasts to one sample of an array of this rank."""
    if values.size == 1:
        return values.reshape([1] * (rank - 1))
    if values.ndim > 1:
        return np.moveaxis(values, -1, 0)
    return values.reshape(-1, *[1] * (rank - 2)) if rank > 3 else values.reshape([1] * (rank - 2) + [-1])
