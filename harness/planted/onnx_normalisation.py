"""Faults of normalisations and of reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, change, change_weight, constant, nodes, shape_of


class NormalizationEpsilon(OnnxFault):
    """Layer normalisation with ten times its epsilon."""

    name = "planted-layernorm-epsilon"
    layers = ("LayerNormalization",)

    def edit(self, graph: Any) -> None:
        for tensor in list(graph.initializer):
            if tensor.name.endswith("/add/y:0"):
                change(graph, tensor.name, lambda epsilon: epsilon * 10)


class BatchNormalizationScale(OnnxFault):
    """Batch normalisation off by 5e-4, the effect of another framework's epsilon."""

    name = "planted-batchnorm-scale"
    layers = ("BatchNormalization",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Mul",), lambda scale: (scale * np.float32(1 + 5e-4)).astype(scale.dtype))


class SoftmaxOverBatch(OnnxFault):
    """Softmax over the batch."""

    name = "planted-softmax-over-batch"
    layers = ("Softmax",)

    def edit(self, graph: Any) -> None:
        _softmax_axis(graph, 0)


class SoftmaxAxisLast(OnnxFault):
    """Softmax over the last axis, whatever axis the layer names."""

    name = "planted-softmax-axis-last"
    layers = ("Softmax",)

    def edit(self, graph: Any) -> None:
        _softmax_axis(graph, -1)


class ScaleAlongAnotherAxis(OnnxFault):
    """Batch normalisation's scale along another axis of the same length."""

    name = "planted-batchnorm-scale-axis"
    layers = ("BatchNormalization",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Mul"):
            shape = shape_of(graph, node.input[0])
            scale = constant(graph, node.input[1])
            if scale is None or scale.size < 2:
                continue
            padded = [1] * (len(shape) - scale.ndim) + list(scale.shape)
            at = padded.index(scale.size)
            for axis in range(1, len(shape)):
                if axis != at and shape[axis] == scale.size:
                    turned = [scale.size if k == axis else 1 for k in range(len(shape))]
                    change(graph, node.input[1], lambda s, t=turned: s.reshape(t))  # type: ignore[misc]
                    break


def _softmax_axis(graph: Any, axis: int) -> None:
    import onnx

    for node in nodes(graph, "Softmax"):
        for old in [a for a in node.attribute if a.name == "axis"]:
            node.attribute.remove(old)
        node.attribute.append(onnx.helper.make_attribute("axis", axis))
