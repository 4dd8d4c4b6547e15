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
    """Before R2025a the offset was called Bias. An array that the file lacks stays away: `scaling` takes 1 and 0."""
    stored = {"Scale": record.array("Scale"), "Offset": record.array("Offset", "Bias")}
    return {}, {name: np.ascontiguousarray(value) for name, value in stored.items() if value is not None}


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
