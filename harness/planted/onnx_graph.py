"""Faults of converters from Keras to ONNX, made by editing the graph that tf2onnx wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.hops.tf2onnx import Tf2Onnx
from harness.spec import Array

Change = Callable[[Array], Array]


class OnnxFault:
    """tf2onnx, then `edit` on the graph."""

    source: ClassVar[str] = Tf2Onnx.source
    target: ClassVar[str] = Tf2Onnx.target
    requires: ClassVar[tuple[str, ...]] = Tf2Onnx.requires
    worker: ClassVar[str] = Tf2Onnx.worker
    wraps: ClassVar[str] = Tf2Onnx.name

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx

        Tf2Onnx().convert(artifact, out)
        model = onnx.load(out)
        self.edit(model.graph)
        onnx.save(model, out)
        return out

    def edit(self, graph: Any) -> None:
        """Put the fault into the graph, wherever it applies."""
        raise NotImplementedError


def nodes(graph: Any, *kinds: str) -> Iterator[Any]:
    """Nodes of these operators."""
    return (node for node in graph.node if node.op_type in kinds)


def attribute(node: Any, name: str) -> Any:
    """The attribute of that name; None if the node has none."""
    return next((found for found in node.attribute if found.name == name), None)


def reverse_ints(node: Any, name: str) -> None:
    """Exchange the axes of a list attribute."""
    if (found := attribute(node, name)) is not None:
        found.ints[:] = list(found.ints)[::-1]


def change(graph: Any, name: str, how: Change) -> None:
    """Change the constant of that name; its shape may not change unseen, so it is written whole."""
    from onnx import numpy_helper

    for tensor in graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(how(numpy_helper.to_array(tensor))), name))


def change_weight(graph: Any, kinds: tuple[str, ...], how: Change, index: int = 1) -> None:
    """Change an input constant of every node of these operators that has it."""
    for node in nodes(graph, *kinds):
        if len(node.input) > index:
            change(graph, node.input[index], how)


def _square(axes: tuple[int, int]) -> Change:
    """Exchange two axes of equal length."""
    return lambda w: w.swapaxes(*axes) if w.shape[axes[0]] == w.shape[axes[1]] else w


class KernelTransposed(OnnxFault):
    """Height and width of square kernels exchanged."""

    name = "planted-kernel-transposed"
    layers = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv", "ConvTranspose"), _square((2, 3)))


class KernelChannelsExchanged(OnnxFault):
    """Input and output channels of a convolution's kernel exchanged where they are as many."""

    name = "planted-kernel-channels-exchanged"
    layers = ("Conv1D", "Conv2D", "Conv3D")

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Conv",), _square((0, 1)))


class DenseTransposed(OnnxFault):
    """Square matrix of a Dense layer transposed."""

    name = "planted-dense-transposed"
    layers = ("Dense",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("MatMul", "Gemm"), _square((0, 1)))


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


class SlopeDefault(OnnxFault):
    """LeakyRelu with ONNX' default slope of 0.01."""

    name = "planted-leaky-slope-default"
    layers = ("LeakyReLU",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "LeakyRelu"):
            attribute(node, "alpha").f = 0.01


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


class OperandsExchanged(OnnxFault):
    """Operands of a subtraction exchanged."""

    name = "planted-subtract-exchanged"
    layers = ("Subtract",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Sub"):
            node.input[:] = list(node.input)[::-1]


class PartsExchanged(OnnxFault):
    """Parts of a concatenation in reverse order."""

    name = "planted-concatenate-exchanged"
    layers = ("Concatenate",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Concat"):
            node.input[:] = list(node.input)[::-1]


class PermutationInverted(OnnxFault):
    """Permute with the inverse permutation."""

    name = "planted-permutation-inverted"
    layers = ("Permute",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Transpose"):
            perm = attribute(node, "perm")
            perm.ints[:] = [int(k) for k in np.argsort(list(perm.ints))]


class SoftmaxOverBatch(OnnxFault):
    """Softmax over the batch."""

    name = "planted-softmax-over-batch"
    layers = ("Softmax",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Softmax"):
            attribute(node, "axis").i = 0


class RowsShifted(OnnxFault):
    """Embedding rows shifted by one, as if indices began at 1."""

    name = "planted-embedding-shifted"
    layers = ("Embedding",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Gather",), lambda table: np.roll(table, 1, axis=0), index=0)


class CubicCoefficient(OnnxFault):
    """Bicubic resizing with coefficient -0.75 instead of -0.5."""

    name = "planted-cubic-coefficient"
    layers = ("UpSampling2D",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Resize"):
            if (coefficient := attribute(node, "cubic_coeff_a")) is not None:
                coefficient.f = -0.75


class GatesExchanged(OnnxFault):
    """LSTM with its first two gates, input and output, exchanged."""

    name = "planted-lstm-gates-exchanged"
    layers = ("LSTM",)

    def edit(self, graph: Any) -> None:
        def exchanged(w: Array) -> Array:
            one, two, *rest = np.split(w, 4, axis=1)
            return np.concatenate([two, one, *rest], axis=1)

        for index in (1, 2):
            change_weight(graph, ("LSTM",), exchanged, index=index)


class StatesExchanged(OnnxFault):
    """LSTM with its initial states, hidden and cell, exchanged."""

    name = "planted-lstm-states-exchanged"
    layers = ("LSTM",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "LSTM"):
            if len(node.input) > 6:
                node.input[5], node.input[6] = node.input[6], node.input[5]
