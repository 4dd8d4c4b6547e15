"""Faults of convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, attribute, change, change_weight, nodes, reverse_ints, square


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
    """Transposed convolution with its kernel turned by half a circle."""

    name = "planted-transposed-kernel-flipped"
    layers = ("Conv2DTranspose",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("ConvTranspose",), lambda w: w[:, :, ::-1, ::-1])


class BiasDropped(OnnxFault):
    """Bias of a convolution left out."""

    name = "planted-bias-dropped"
    layers = ("Conv1D", "Conv2D", "SeparableConv2D")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv",), np.zeros_like, index=2)


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
