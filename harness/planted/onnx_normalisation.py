"""Faults of normalisations and of reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, attribute, change, change_weight, nodes


class NormalizationEpsilon(OnnxFault):
    """Layer normalisation with ten times its epsilon."""

    name = "planted-layernorm-epsilon"
    layers = ("LayerNormalization",)

    def edit(self, graph: Any) -> None:
        for tensor in list(graph.initializer):
            if tensor.name.endswith("/add/y:0"):
                change(graph, tensor.name, lambda epsilon: epsilon * 10)


class BatchNormalizationScale(OnnxFault):
    """Batch normalisation off by 5e-4, as another framework's epsilon makes it."""

    name = "planted-batchnorm-scale"
    layers = ("BatchNormalization",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Mul",), lambda scale: (scale * np.float32(1 + 5e-4)).astype(scale.dtype))


class SoftmaxOverBatch(OnnxFault):
    """Softmax over the batch."""

    name = "planted-softmax-over-batch"
    layers = ("Softmax",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Softmax"):
            attribute(node, "axis").i = 0
