"""The scaling layer. MathWorks' importer of ONNX makes one of each sum or product with a constant, since R2025a."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.matlab.layers.kind import Read, layer
from harness.matlab.layouts import turned
from harness.matlab.readers.records import Record
from harness.matlab.torch.writers import Module, Site

if TYPE_CHECKING:
    from torch import Tensor

SIZES = ("cb", "hwc", "hwdc")
"""Any of the letters may stand for a size of 1, `b` always does."""


def _read(record: Record) -> Read:
    """Before R2025a the offset was called Bias."""
    scale, offset = record.array("Scale"), record.array("Offset", "Bias")
    return {}, {
        "Scale": np.ones((1, 1), np.float32) if scale is None else np.ascontiguousarray(scale),
        "Offset": np.zeros((1, 1), np.float32) if offset is None else np.ascontiguousarray(offset),
    }


def scaled(x: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """Each element times its scale, plus its offset."""
    return x * scale + offset


@layer("ScalingLayer", read=_read, axes={"Scale": SIZES, "Offset": SIZES})
def scaling(site: Site) -> Module:
    """`scaled`, with what MATLAB expands in the layout of PyTorch's arrays."""
    scale = turned(site.weights.get("Scale", np.ones((1, 1))), site.rank)
    offset = turned(site.weights.get("Offset", np.zeros((1, 1))), site.rank)
    text = f"Call(scaled, scale={scale.shape}, offset={offset.shape})"
    return Module(text, {"scale": scale, "offset": offset}, (scaled,))
