"""Faults of pooling, padding, cropping and resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, attribute, change_weight, nodes


class PaddingCounted(OnnxFault):
    """Average pooling that counts its padding."""

    name = "planted-count-include-pad"
    layers = ("AveragePooling2D",)

    def edit(self, graph: Any) -> None:
        import onnx

        for node in nodes(graph, "AveragePool"):
            node.attribute.append(onnx.helper.make_attribute("count_include_pad", 1))


class ExplicitPadsTurned(OnnxFault):
    """Explicit padding with beginning and end exchanged."""

    name = "planted-padding-turned"
    layers = ("ZeroPadding2D",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Pad",), lambda pads: np.roll(pads, pads.size // 2))


class CubicCoefficient(OnnxFault):
    """Bicubic resizing with coefficient -0.75 instead of -0.5."""

    name = "planted-cubic-coefficient"
    layers = ("UpSampling2D",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Resize"):
            if (coefficient := attribute(node, "cubic_coeff_a")) is not None:
                coefficient.f = -0.75
