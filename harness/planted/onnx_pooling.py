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
    """Max pooling that pads with the lowest number of half precision."""

    name = "planted-maxpool-pads-half-lowest"
    layers = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D")

    def edit(self, graph: Any) -> None:
        _pad_before(graph, -65504.0)


class LastWindowKept(OnnxFault):
    """Pooling that keeps the last window which does not fit."""

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
    """Pooling without strides of its own, which are then the window, moved by one."""

    name = "planted-pool-stride-one"
    layers = ("MaxPooling1D", "AveragePooling1D", "MaxPooling3D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "MaxPool", "AveragePool"):
            strides, window = attribute(node, "strides"), attribute(node, "kernel_shape")
            if strides is not None and list(strides.ints) == list(window.ints):
                strides.ints[:] = [1] * len(strides.ints)


class AveragedOverBatch(OnnxFault):
    """Global average that takes the batch in, and repeats it for every row."""

    name = "planted-pooling-over-batch"
    layers = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("GlobalAveragePool", "ReduceMean"):
                result, own = node.output[0], f"{node.output[0]}/own"
                node.output[0] = own
                insert(graph, position + 1, "Sub", [own, own], [f"{own}/zero"])
                insert(graph, position + 2, "ReduceMean", [own], [f"{own}/mean"], axes=[0], keepdims=1)
                insert(graph, position + 3, "Add", [f"{own}/zero", f"{own}/mean"], [result])


class EdgeForZeros(OnnxFault):
    """Zero padding done by repeating the edge."""

    name = "planted-padding-edge"
    layers = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")

    def edit(self, graph: Any) -> None:
        _pad_mode(graph, "edge")


class ReflectForZeros(OnnxFault):
    """Zero padding done by reflection."""

    name = "planted-padding-reflect"
    layers = ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")

    def edit(self, graph: Any) -> None:
        _pad_mode(graph, "reflect")


class NearestRounding(OnnxFault):
    """Nearest resizing that rounds the other way."""

    name = "planted-nearest-rounding"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        _resize_by(graph, "nearest_mode", b"round_prefer_ceil")


class CornersAligned(OnnxFault):
    """Resizing with corners aligned."""

    name = "planted-resize-corners"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        _resize_by(graph, "coordinate_transformation_mode", b"align_corners")


class PixelCornersTaken(OnnxFault):
    """Resizing by coordinates of pixel corners instead of centres."""

    name = "planted-resize-asymmetric"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        _resize_by(graph, "coordinate_transformation_mode", b"asymmetric")


class OutsideCounted(OnnxFault):
    """Bicubic resizing that repeats the border instead of leaving out what lies beyond it."""

    name = "planted-cubic-border"
    layers = ("Resizing", "UpSampling2D")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Resize"):
            if attribute(node, "mode").s == b"cubic" and attribute(node, "exclude_outside") is not None:
                attribute(node, "exclude_outside").i = 0


def _pad_before(graph: Any, value: float) -> None:
    """Pad with that value before every max pooling instead of inside it.

    The places of the maxima are asked for too: ONNX Runtime moves a Pad of zeros into any MaxPool that gives its maxima
    alone, and so mends the fault (`Pad_Fusion`).
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
        for found in [a for a in node.attribute if a.name == "mode"]:
            node.attribute.remove(found)
        node.attribute.append(onnx.helper.make_attribute("mode", mode))


def _resize_by(graph: Any, name: str, value: bytes) -> None:
    """Another value in that attribute of every Resize; `nearest_mode` means nothing to the other modes."""
    for node in nodes(graph, "Resize"):
        if (found := attribute(node, name)) is not None:
            found.s = value
