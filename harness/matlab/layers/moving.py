"""Layers that move pixels: depth to space, resizing, cropping."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.matlab.layers.kind import Read, Unsupported, layer
from harness.matlab.layers.stored import refuse
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site


def _read_depth_to_space(record: Record) -> Read:
    return {"BlockSize": record.whole("BlockSize", 2), "Mode": record.text("Mode", "dcr", ("dcr", "crd"))}, {}


@layer("DepthToSpace2DLayer", read=_read_depth_to_space)
def depth_to_space(site: Site) -> Module:
    """`nn.PixelShuffle` for square blocks with depth slowest; `DepthToSpace` for others."""
    rows, columns = site.config["BlockSize"]
    mode = site.config.get("Mode", "dcr")
    if mode == "crd" and rows == columns:
        return Module(f"nn.PixelShuffle({rows})")
    return Module(f"DepthToSpace({rows}, {columns}, {mode!r})")


def _read_resize(record: Record) -> Read:
    refuse(record, "EnableReferenceInput")
    config: dict[str, Any] = {
        "Method": record.text("Method", "nearest", ("nearest", "bilinear")),
        "GeometricTransformMode": record.text("GeometricTransformMode", "half-pixel", ("half-pixel", "asymmetric")),
        "NearestRoundingMode": record.text("NearestRoundingMode", "round", ("round", "floor", "onnx-10")),
    }
    if record.get("OutputSize") is not None:
        if not np.isfinite(record.numbers("OutputSize")).all():
            raise Unsupported("OutputSize with NaN")
        return config | {"OutputSize": record.whole("OutputSize", 2)}, {}
    scale = record.numbers("Scale")
    return config | {"Scale": scale * 2 if len(scale) == 1 else scale}, {}


@layer("Resize2DLayer", read=_read_resize)
def resize(site: Site) -> Module:
    """`Resize`: PyTorch's interpolation has neither these places nor these roundings."""
    c = site.config
    size, scale = c.get("OutputSize"), c.get("Scale")
    half = c.get("GeometricTransformMode", "half-pixel") == "half-pixel"
    return Module(
        f"Resize({tuple(size) if size else None}, {tuple(scale) if not size and scale else None}, "
        f"{c.get('Method', 'nearest')!r}, {half}, {c.get('NearestRoundingMode', 'round')!r})"
    )


def _read_crop(record: Record) -> Read:
    mode, location = record.get("Mode"), record.get("Location")
    centred = isinstance(mode, str) and mode == "centercrop"
    if centred or isinstance(location, str) or location is None:
        return {"Mode": "centercrop"}, {}
    return {"Mode": "custom", "Location": record.whole("Location", 2)}, {}


@layer("Crop2DLayer", read=_read_crop, inputs=("in", "ref"))
def crop(site: Site) -> Module:
    """`Crop`: MATLAB's Location is [x y] from 1."""
    if site.config.get("Mode", "centercrop") == "centercrop":
        return Module("Crop(None)")
    left, top = (int(n) - 1 for n in site.config["Location"])
    return Module(f"Crop(({top}, {left}))")
