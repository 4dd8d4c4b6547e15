"""Pooling over windows, over everything, and its reverse."""

from __future__ import annotations

from typing import Any

from harness.matlab.layers.kind import Read, layer
from harness.matlab.layers.stored import axes_of, border, padding_value
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site, border_of, constant, pool_text
from harness.spec import Config

WITH_INDICES = ("out", "indices", "size")
"""Ports of max pooling with HasUnpoolingOutputs; max unpooling takes the same, the first called `in`."""


def _read(record: Record) -> Read:
    axes = axes_of(record)
    config: dict[str, Any] = {"PoolSize": record.whole("PoolSize", axes), "Stride": record.whole("Stride", axes, 1)}
    config |= border(record, axes)
    if "Average" in record.kind:
        config |= padding_value(record, ("mean",))
    elif record.flag("HasUnpoolingOutputs"):
        config["HasUnpoolingOutputs"] = True
    return config, {}


def _ports(config: Config) -> tuple[str, ...]:
    return WITH_INDICES if config.get("HasUnpoolingOutputs") else WITH_INDICES[:1]


@layer("MaxPooling1DLayer", "MaxPooling3DLayer", read=_read)
@layer("MaxPooling2DLayer", read=_read, outputs=_ports)
def max_pooling(site: Site) -> Module:
    """`nn.MaxPool2d`, `Pool` for pads that it does not take, `PoolWithIndices` for three outputs."""
    window, stride, pads = _window(site)
    if site.config.get("HasUnpoolingOutputs"):
        return Module(f"PoolWithIndices({tuple(window)}, {tuple(stride)}, {pads})")
    return Module(pool_text("max", window, stride, pads))


@layer("AveragePooling1DLayer", "AveragePooling2DLayer", "AveragePooling3DLayer", read=_read)
def average_pooling(site: Site) -> Module:
    """`nn.AvgPool2d`, or `Pool` for pads that it does not take."""
    window, stride, pads = _window(site)
    how = "inside" if site.config.get("PaddingValue") == "mean" else "average"
    return Module(pool_text(how, window, stride, pads))


def _window(site: Site) -> tuple[Any, Any, Any]:
    window = site.config["PoolSize"]
    return window, site.config.get("Stride", [1] * len(window)), border_of(site.config, len(window))


def over_time(config: Config, rank: int) -> int:
    """A sequence becomes features; an image becomes 1 x 1."""
    return 2 if rank == 3 else rank


layer("GlobalAveragePooling1DLayer", "GlobalAveragePooling2DLayer", "GlobalAveragePooling3DLayer", rank=over_time)(
    constant("GlobalPool('average')")
)
layer("GlobalMaxPooling1DLayer", "GlobalMaxPooling2DLayer", "GlobalMaxPooling3DLayer", rank=over_time)(
    constant("GlobalPool('max')")
)
layer("MaxUnpooling2DLayer", inputs=("in", *WITH_INDICES[1:]))(constant("Unpool()"))
