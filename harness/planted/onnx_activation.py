"""Faults of activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import (
    OnnxFault,
    add_constant,
    attribute,
    insert,
    nodes,
)


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
                given, narrow = node.input[0], f"{node.output[0]}/narrow"
                node.input[0] = f"{narrow}/wide"
                insert(graph, position, "Cast", [given], [narrow], to=10)
                insert(graph, position + 1, "Cast", [narrow], [f"{narrow}/wide"], to=1)


class SignOfZeroLost(OnnxFault):
    """Identity by adding zero: minus zero becomes zero."""

    name = "planted-minus-zero-lost"
    layers = ("Permute", "Reshape", "ZeroPadding2D", "Cropping2D", "RepeatVector", "Flatten")

    def edit(self, graph: Any) -> None:
        given = graph.input[0].name
        add_constant(graph, "fault/zero", np.float32(0))
        for node in graph.node:
            node.input[:] = ["fault/given" if name == given else name for name in node.input]
        insert(graph, 0, "Add", [given, "fault/zero"], ["fault/given"])


class SubnormalsFlushed(OnnxFault):
    """Subnormal numbers flushed to zero by a layer that only moves values."""

    name = "planted-subnormals-flushed"
    layers = ("Permute", "Reshape", "ZeroPadding2D", "Cropping2D", "RepeatVector", "Flatten")

    def edit(self, graph: Any) -> None:
        given = graph.input[0].name
        add_constant(graph, "fault/least", np.float32(2.0**-126))
        add_constant(graph, "fault/zero", np.float32(0))
        for node in graph.node:
            node.input[:] = ["fault/given" if name == given else name for name in node.input]
        insert(graph, 0, "Abs", [given], ["fault/size"])
        insert(graph, 1, "Less", ["fault/size", "fault/least"], ["fault/small"])
        insert(graph, 2, "Where", ["fault/small", "fault/zero", given], ["fault/given"])
