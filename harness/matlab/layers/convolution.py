"""Convolutions, grouped and transposed ones: their banks in MATLAB's layout, and PyTorch's convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.matlab.layers.kind import Read, Unsupported, layer
from harness.matlab.layers.stored import axes_of, bias, border, count, declared, padding_value
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site, border_of, convolution_text, filter_bank, transposed_text
from harness.spec import Config

CONTINUED = ("symmetric-include-edge", "symmetric-exclude-edge", "replicate")
"""Values of PaddingValue that continue the image beyond its border."""


def as_image(config: Config, rank: int) -> int:
    """Features are an image of 1 x 1 to a convolution in two dimensions."""
    return 4 if rank == 2 else rank


def _options(record: Record, axes: int) -> dict[str, Any]:
    return {
        "Stride": record.whole("Stride", axes, 1),
        "DilationFactor": record.whole("DilationFactor", axes, 1),
        **border(record, axes),
        **padding_value(record, CONTINUED),
    }


def _read(record: Record) -> Read:
    axes = axes_of(record)
    sizes = [*declared(record, "FilterSize", axes), count(record, "NumChannels"), count(record, "NumFilters")]
    bank = record.learnable("Weights", sizes)
    return _options(record, axes), {"Weights": bank, "Bias": bias(record, bank.shape[-1])}


@layer("Convolution1DLayer", read=_read, axes={"Weights": ("tcf",), "Bias": ("f",)})
@layer("Convolution2DLayer", read=_read, axes={"Weights": ("hwcf",), "Bias": ("f",)}, rank=as_image)
@layer("Convolution3DLayer", read=_read, axes={"Weights": ("hwdcf",), "Bias": ("f",)})
def convolution(site: Site) -> Module:
    """`nn.Conv2d`, or `Convolution` where pads differ by side; features become an image first."""
    bank = filter_bank(site.weights["Weights"])
    axes = bank.ndim - 2
    ones = [1] * axes
    stride, dilation = site.config.get("Stride", ones), site.config.get("DilationFactor", ones)
    if site.config.get("PaddingMode") == "causal":
        pads: Any = (((bank.shape[2] - 1) * dilation[0], 0),)
    else:
        pads = border_of(site.config, axes)
    text = convolution_text(bank, stride, dilation, pads, value=site.config.get("PaddingValue", 0))
    if site.rank == 2:
        text = f"nn.Sequential(nn.Unflatten(1, (-1, 1, 1)), {text})"
        return Module(text, {"1.weight": bank, "1.bias": site.weights["Bias"]})
    return Module(text, {"weight": bank, "bias": site.weights["Bias"]})


def _read_grouped(record: Record) -> Read:
    groups = count(record, "NumGroups") or None
    depth, size = count(record, "NumChannelsPerGroup"), count(record, "NumFiltersPerGroup")
    value = record.needed("Weights")
    if value.ndim == 4 and groups and size and value.shape[-1] == groups * size and groups > 1:
        value = value.reshape(*value.shape[:3], size, groups, order="F")  # saved with the groups side by side
        record = Record(record.class_name, record.name, {**record.properties, "Weights": value})
    bank = record.learnable("Weights", [*declared(record, "FilterSize", 2), depth, size, groups])
    columns = bias(record, bank.shape[3] * bank.shape[4]).reshape(bank.shape[3:], order="F")
    return _options(record, 2), {"Weights": bank, "Bias": np.ascontiguousarray(columns)}


@layer("GroupedConvolution2DLayer", read=_read_grouped, axes={"Weights": ("hwcfg",), "Bias": ("fg",)}, rank=as_image)
def grouped_convolution(site: Site) -> Module:
    """The filters of each group side by side, then as a convolution with groups."""
    stored = site.weights["Weights"]
    bank = filter_bank(np.moveaxis(stored, -1, -2).reshape(*stored.shape[:-2], -1))
    stride, dilation = site.config.get("Stride", (1, 1)), site.config.get("DilationFactor", (1, 1))
    pads, value = border_of(site.config, 2), site.config.get("PaddingValue", 0)
    text = convolution_text(bank, stride, dilation, pads, groups=stored.shape[-1], value=value)
    return Module(text, {"weight": bank, "bias": site.weights["Bias"].T.reshape(-1)})


def _read_transposed(record: Record) -> Read:
    axes = axes_of(record)
    if any(record.numbers("OutputSizeOffset", [0])):
        raise Unsupported("OutputSizeOffset")
    sizes = [*declared(record, "FilterSize", axes), count(record, "NumFilters"), count(record, "NumChannels")]
    bank = record.learnable("Weights", sizes)
    config = {"Stride": record.whole("Stride", axes, 1), **border(record, axes, "Cropping")}
    return config, {"Weights": bank, "Bias": bias(record, bank.shape[-2])}


@layer("TransposedConvolution1DLayer", read=_read_transposed, axes={"Weights": ("tfc",), "Bias": ("f",)})
@layer(
    "TransposedConvolution2DLayer", read=_read_transposed, axes={"Weights": ("hwfc",), "Bias": ("f",)}, rank=as_image
)
@layer("TransposedConvolution3DLayer", read=_read_transposed, axes={"Weights": ("hwdfc",), "Bias": ("f",)})
def transposed_convolution(site: Site) -> Module:
    """`nn.ConvTranspose2d`, or `TransposedConvolution` where crops differ by side."""
    bank = filter_bank(site.weights["Weights"])
    axes = bank.ndim - 2
    crops = border_of(site.config, axes, "Cropping")
    text = transposed_text(bank, site.config.get("Stride", [1] * axes), crops, 1, True)
    return Module(text, {"weight": bank, "bias": site.weights["Bias"]})
