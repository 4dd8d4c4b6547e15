"""Faults of convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import (
    OnnxFault,
    add_constant,
    attribute,
    change,
    change_weight,
    constant,
    insert,
    nodes,
    reverse_ints,
    shape_of,
    square,
)
from harness.spec import Array


class KernelTransposed(OnnxFault):
    """Height and width of square kernels exchanged."""

    name = "planted-kernel-transposed"
    layers = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv", "ConvTranspose"), square((2, 3)))


class KernelChannelsExchanged(OnnxFault):
    """Input and output channels of a convolution's kernel exchanged where they are as many."""

    name = "planted-kernel-channels-exchanged"
    layers = ("Conv1D", "Conv2D", "Conv3D")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv",), square((0, 1)))


class MultiplierOrder(OnnxFault):
    """Depthwise filters ordered by multiplier, then channel, instead of channel, then multiplier."""

    name = "planted-depth-multiplier-order"
    layers = ("DepthwiseConv2D",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Conv"):
            groups = attribute(node, "group").i
            change(
                graph,
                node.input[1],
                lambda w, g=groups: w.reshape(g, -1, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape),  # type: ignore[misc]
            )


class KernelFlipped(OnnxFault):
    """Transposed convolution with its kernel turned by 180 degrees."""

    name = "planted-transposed-kernel-flipped"
    layers = ("Conv2DTranspose",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("ConvTranspose",), lambda w: w[:, :, ::-1, ::-1])


class BiasDropped(OnnxFault):
    """Convolution without its bias."""

    name = "planted-bias-dropped"
    layers = ("Conv1D", "Conv2D", "SeparableConv2D")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv",), np.zeros_like, index=2)
        change_weight(graph, ("Add",), np.zeros_like)


class StridesExchanged(OnnxFault):
    """Strides of height and width exchanged."""

    name = "planted-strides-exchanged"
    layers = ("Conv2D", "MaxPooling2D", "AveragePooling2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Conv", "MaxPool", "AveragePool"):
            reverse_ints(node, "strides")


class DilationsExchanged(OnnxFault):
    """Dilation of height and width exchanged."""

    name = "planted-dilations-exchanged"
    layers = ("Conv2D", "DepthwiseConv2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Conv"):
            reverse_ints(node, "dilations")


class PadsTurned(OnnxFault):
    """Padding `same` with the odd element at the beginning instead of the end."""

    name = "planted-same-pads-begin"
    layers = ("Conv1D", "Conv2D", "MaxPooling1D", "MaxPooling2D", "AveragePooling2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Conv", "MaxPool", "AveragePool"):
            if (pads := attribute(node, "pads")) is not None:
                half = len(pads.ints) // 2
                pads.ints[:] = [*pads.ints[half:], *pads.ints[:half]]


class SamePadsIgnoreStride(OnnxFault):
    """Padding `same` of the dilated kernel's size minus one in total, whatever the stride."""

    name = "planted-same-pads-ignore-stride"
    layers = ("Conv1D", "Conv2D", "MaxPooling1D", "MaxPooling2D", "AveragePooling2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Conv", "MaxPool", "AveragePool"):
            pads, kernel = attribute(node, "pads"), attribute(node, "kernel_shape")
            if pads is not None and any(pads.ints) and kernel is not None:
                dilations = getattr(attribute(node, "dilations"), "ints", None) or [1] * len(kernel.ints)
                reach = [(k - 1) * d for k, d in zip(kernel.ints, dilations, strict=True)]
                pads.ints[:] = [n // 2 for n in reach] + [n - n // 2 for n in reach]


class BiasDoubled(OnnxFault):
    """Bias of a convolution added twice."""

    name = "planted-bias-doubled"
    layers = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv", "ConvTranspose"), lambda b: 2 * b, index=2)
        change_weight(graph, ("Add",), lambda b: 2 * b)


class BiasAlongWidth(OnnxFault):
    """Bias added along the last axis where that is as long as the channel axis."""

    name = "planted-bias-along-width"
    layers = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type not in ("Conv", "ConvTranspose") or len(node.input) < 3:
                continue
            shape, bias = shape_of(graph, node.output[0]), constant(graph, node.input[2])
            if bias is None or len(shape) != 4 or shape[1] != shape[3] or bias.size != shape[1]:
                continue
            result, inner = node.output[0], f"{node.output[0]}/without"
            add_constant(graph, f"{inner}/bias", bias.reshape(1, 1, 1, -1))
            del node.input[2:]
            node.output[0] = inner
            insert(graph, position + 1, "Add", [inner, f"{inner}/bias"], [result])


class TransposedStridesExchanged(OnnxFault):
    """Transposed convolution with the strides of height and width exchanged."""

    name = "planted-transposed-strides-exchanged"
    layers = ("Conv2DTranspose",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "ConvTranspose"):
            reverse_ints(node, "strides")


class TransposedChannelsExchanged(OnnxFault):
    """Transposed convolution with input and output channels exchanged where they are as many."""

    name = "planted-transposed-channels-exchanged"
    layers = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("ConvTranspose",), square((0, 1)))


class DepthAndHeightExchanged(OnnxFault):
    """Depth and height of a kernel exchanged where they are as many."""

    name = "planted-depth-height-exchanged"
    layers = ("Conv3DTranspose", "Conv3D")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv", "ConvTranspose"), square((2, 3)))


class FiltersDealt(OnnxFault):
    """Filters of a grouped convolution dealt out to the groups in turn."""

    name = "planted-groups-interleaved"
    layers = ("DepthwiseConv2D", "DepthwiseConv1D", "SeparableConv2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Conv"):
            if (groups := attribute(node, "group").i if attribute(node, "group") else 1) > 1:
                change(
                    graph,
                    node.input[1],
                    lambda w, g=groups: w.reshape(-1, g, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape),  # type: ignore[misc]
                )


class CausalCentred(OnnxFault):
    """Causal padding with half of it at the end."""

    name = "planted-causal-centred"
    layers = ("Conv1D",)

    def edit(self, graph: Any) -> None:
        def centred(pads: Array) -> Array:
            begin, end = np.split(pads, 2)
            return np.concatenate([begin - begin // 2, end + begin // 2])

        change_weight(graph, ("Pad",), centred)


class WeightsThroughHalf(OnnxFault):
    """Kernels rounded to half precision."""

    name = "planted-weights-through-half"
    layers = ("Conv2D", "Dense")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv", "MatMul", "Gemm"), lambda w: w.astype(np.float16).astype(w.dtype))
