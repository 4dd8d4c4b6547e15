"""Faults of activations."""

from __future__ import annotations

from typing import Any

from harness.adapters.hops.kerasbackend import KerasTorch, KerasTorchExport
from harness.planted.onnx_edit import OnnxFault, attribute, insert, nodes


class SlopeDefault(OnnxFault):
    """LeakyRelu with ONNX' default slope of 0.01."""

    name = "planted-leaky-slope-default"
    layers = ("LeakyReLU",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "LeakyRelu"):
            attribute(node, "alpha").f = 0.01


class ThroughLowPrecision(OnnxFault):
    """Activation computed in half precision."""

    name = "planted-activation-half"
    layers = ("Activation",)

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("Tanh", "Sigmoid", "Softplus", "Elu", "Selu"):
                source, narrow = node.input[0], f"{node.output[0]}/narrow"
                node.input[0] = f"{narrow}/wide"
                insert(graph, position, "Cast", [source], [narrow], to=10)
                insert(graph, position + 1, "Cast", [narrow], [f"{narrow}/wide"], to=1)


class GeluApproximate(OnnxFault):
    """Gelu by its tanh approximation instead of the error function."""

    name = "planted-gelu-approximate"
    layers = ("Activation",)
    # tf2onnx knows no Erfc, of which TensorFlow's gelu is made
    before = (KerasTorch.name,)
    wraps = KerasTorchExport.name

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Gelu"):
            attribute(node, "approximate").s = b"tanh"
