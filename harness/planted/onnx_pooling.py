"""Faults of pooling, padding, cropping and resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, add_constant, attribute, change_weight, insert, nodes, reverse_ints


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


class PaddedWithZero(OnnxFault):
    """Max pooling that pads with zeros."""

    name = "planted-maxpool-pads-zero"
    layers = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")

    def edit(self, graph: Any) -> None:
        _pad_before(graph, 0.0)


class PaddedWithLowest(OnnxFault):
    """Max pooling that pads with the lowest number of float16."""

    name = "planted-maxpool-pads-half-lowest"
    layers = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")

    def edit(self, graph: Any) -> None:
        _pad_before(graph, -65504.0)


class LastWindowKept(OnnxFault):
    """Pooling that also takes the last window, which does not fit into the input."""

    name = "planted-ceil-mode"
    layers = ("MaxPooling2D", "AveragePooling2D")

    def edit(self, graph: Any) -> None:
        import onnx

        for node in nodes(graph, "MaxPool", "AveragePool"):
            node.attribute.append(onnx.helper.make_attribute("ceil_mode", 1))


class WindowTurned(OnnxFault):
    """Pooling windows with height and width exchanged."""

    name = "planted-pool-window-exchanged"
    layers = ("MaxPooling2D", "AveragePooling2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "MaxPool", "AveragePool"):
            reverse_ints(node, "kernel_shape")


class StrideOne(OnnxFault):
    """Pooling that moves its window by one where the layer names no strides; the window should move by its size."""

    name = "planted-pool-stride-one"
    layers = ("MaxPooling1D", "AveragePooling1D", "MaxPooling3D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "MaxPool", "AveragePool"):
            strides, window = attribute(node, "strides"), attribute(node, "kernel_shape")
            if strides is not None and list(strides.ints) == list(window.ints):
                strides.ints[:] = [1] * len(strides.ints)


class AveragedOverBatch(OnnxFault):
    """Global average over the batch too, repeated for every sample."""

    name = "planted-pooling-over-batch"
    layers = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("GlobalAveragePool", "ReduceMean"):
                result, mean = node.output[0], f"{node.output[0]}/mean"
                node.output[0] = mean
                insert(graph, position + 1, "Sub", [mean, mean], [f"{mean}/zero"])
                insert(graph, position + 2, "ReduceMean", [mean], [f"{mean}/of_batch"], axes=[0], keepdims=1)
                insert(graph, position + 3, "Add", [f"{mean}/zero", f"{mean}/of_batch"], [result])


class EdgeForZeros(OnnxFault):
    """Padding that repeats the edge instead of adding zeros."""

    name = "planted-padding-edge"
    layers = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")

    def edit(self, graph: Any) -> None:
        _pad_mode(graph, "edge")


class ReflectForZeros(OnnxFault):
    """Padding that reflects the input instead of adding zeros."""

    name = "planted-padding-reflect"
    layers = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")

    def edit(self, graph: Any) -> None:
        _pad_mode(graph, "reflect")


class NearestRounding(OnnxFault):
    """Nearest-neighbour resizing that rounds halves up."""

    name = "planted-nearest-rounding"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        _resize_by(graph, "nearest_mode", b"round_prefer_ceil")


class CornersAligned(OnnxFault):
    """Resizing that aligns the corners of input and output."""

    name = "planted-resize-corners"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        _resize_by(graph, "coordinate_transformation_mode", b"align_corners")


class PixelCornersTaken(OnnxFault):
    """Resizing by the coordinates of pixels' corners instead of their centres."""

    name = "planted-resize-asymmetric"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        _resize_by(graph, "coordinate_transformation_mode", b"asymmetric")


class OutsideCounted(OnnxFault):
    """Bicubic resizing that repeats the border beyond the image instead of weighting only the pixels inside."""

    name = "planted-cubic-border"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Resize"):
            if attribute(node, "mode").s == b"cubic" and attribute(node, "exclude_outside") is not None:
                attribute(node, "exclude_outside").i = 0


def _pad_before(graph: Any, value: float) -> None:
    """Pad with a value before every max pooling instead of inside it.

    Each MaxPool also returns the indices of its maxima: ONNX Runtime's `Pad_Fusion` would move a Pad of zeros into a
    MaxPool that returns the maxima alone, and so undo the fault.
    """
    for position, node in reversed(list(enumerate(graph.node))):
        pads = attribute(node, "pads")
        if node.op_type == "MaxPool" and pads is not None and any(pads.ints):
            half, padded = len(pads.ints) // 2, f"{node.input[0]}/padded"
            amounts = [0, 0, *pads.ints[:half], 0, 0, *pads.ints[half:]]
            add_constant(graph, f"{padded}/amounts", np.array(amounts, dtype=np.int64))
            add_constant(graph, f"{padded}/value", np.float32(value))
            insert(graph, position, "Pad", [node.input[0], f"{padded}/amounts", f"{padded}/value"], [padded])
            node.input[0] = padded
            node.output.append(f"{padded}/places")
            pads.ints[:] = [0] * len(pads.ints)


def _pad_mode(graph: Any, mode: str) -> None:
    import onnx

    for node in nodes(graph, "Pad"):
        for old in [a for a in node.attribute if a.name == "mode"]:
            node.attribute.remove(old)
        node.attribute.append(onnx.helper.make_attribute("mode", mode))


def _resize_by(graph: Any, name: str, value: bytes) -> None:
    """Set an attribute of every Resize that has it. `nearest_mode` has no effect in other modes."""
    for node in nodes(graph, "Resize"):
        if (option := attribute(node, name)) is not None:
            option.s = value
