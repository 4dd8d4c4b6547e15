"""Faults of activations."""

from __future__ import annotations

from typing import Any

from harness.planted.onnx_edit import OnnxFault, attribute, nodes


class SlopeDefault(OnnxFault):
    """LeakyRelu with ONNX' default slope of 0.01."""

    name = "planted-leaky-slope-default"
    layers = ("LeakyReLU",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "LeakyRelu"):
            attribute(node, "alpha").f = 0.01
