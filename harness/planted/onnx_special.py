"""Faults with special numbers: NaN, infinities, minus zero, subnormals, and integers of more than 32 bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import FLOAT, INT32, INT64, OnnxFault, add_constant, change, constant, elem_type, insert

MOVING = ("Permute", "Reshape", "ZeroPadding2D", "Cropping2D", "RepeatVector", "Flatten")


class SignOfZeroLost(OnnxFault):
    """Layer that adds zero to its input, so that minus zero becomes zero."""

    name = "planted-minus-zero-lost"
    layers = MOVING

    def edit(self, graph: Any) -> None:
        source = _taken_first(graph)
        add_constant(graph, "fault/zero", np.float32(0))
        insert(graph, 0, "Add", [source, "fault/zero"], ["fault/input"])


class SubnormalsFlushed(OnnxFault):
    """Layer that should only move values and flushes subnormal numbers to zero."""

    name = "planted-subnormals-flushed"
    layers = MOVING

    def edit(self, graph: Any) -> None:
        source = _taken_first(graph)
        add_constant(graph, "fault/least", np.float32(2.0**-126))
        add_constant(graph, "fault/zero", np.float32(0))
        insert(graph, 0, "Abs", [source], ["fault/size"])
        insert(graph, 1, "Less", ["fault/size", "fault/least"], ["fault/small"])
        insert(graph, 2, "Where", ["fault/small", "fault/zero", source], ["fault/input"])


class InfinityTakenForLargest(OnnxFault):
    """Layer that should only move values and replaces infinities by the largest finite numbers."""

    name = "planted-infinity-clipped"
    layers = MOVING

    def edit(self, graph: Any) -> None:
        source = _taken_first(graph)
        limits = np.finfo(np.float32)
        add_constant(graph, "fault/lowest", limits.min)
        add_constant(graph, "fault/largest", limits.max)
        insert(graph, 0, "Clip", [source, "fault/lowest", "fault/largest"], ["fault/input"])


class IntegersThroughInt32(OnnxFault):
    """Integers converted to int32 and back."""

    name = "planted-int32"
    layers = ("Identity",)

    def edit(self, graph: Any) -> None:
        if elem_type(graph, graph.input[0].name) == INT64:
            source = _taken_first(graph)
            insert(graph, 0, "Cast", [source], ["fault/narrow"], to=INT32)
            insert(graph, 1, "Cast", ["fault/narrow"], ["fault/input"], to=INT64)


class IntegersThroughFloat(OnnxFault):
    """Integers converted to float32 and back; float32 holds all integers only up to 2^24."""

    name = "planted-integers-through-float"
    layers = ("Identity",)

    def edit(self, graph: Any) -> None:
        if elem_type(graph, graph.input[0].name) == INT64:
            source = _taken_first(graph)
            insert(graph, 0, "Cast", [source], ["fault/float"], to=FLOAT)
            insert(graph, 1, "Cast", ["fault/float"], ["fault/input"], to=INT64)


class NotANumberLost(OnnxFault):
    """Maximum that ignores NaN."""

    name = "planted-nan-lost"
    layers = ("ReLU", "Activation", "Maximum")

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("Relu", "Clip", "Max", "Min"):
                source, known = node.input[0], f"{node.output[0]}/known"
                add_constant(graph, f"{known}/least", np.float32(-np.inf))
                node.input[0] = known
                insert(graph, position, "IsNaN", [source], [f"{known}/none"])
                insert(graph, position + 1, "Where", [f"{known}/none", f"{known}/least", source], [known])


class NotANumberOfFirstLost(OnnxFault):
    """Maximum by comparison: a NaN of the first operand is lost, one of the second is returned."""

    name = "planted-nan-of-first-lost"
    layers = ("Maximum", "Minimum")

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("Max", "Min") and len(node.input) == 2:
                one, two = node.input
                better = f"{node.output[0]}/better"
                insert(graph, position, "Greater" if node.op_type == "Max" else "Less", [one, two], [better])
                insert(graph, position + 1, "Where", [better, one, two], list(node.output))
                del graph.node[position + 2]


class NotANumberLeftOut(OnnxFault):
    """Mean that counts NaN as zero."""

    name = "planted-nan-lost-in-mean"
    layers = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "AveragePooling2D")

    def edit(self, graph: Any) -> None:
        add_constant(graph, "fault/zero", np.float32(0))
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("GlobalAveragePool", "ReduceMean", "AveragePool"):
                source, known = node.input[0], f"{node.output[0]}/known"
                node.input[0] = known
                insert(graph, position, "IsNaN", [source], [f"{known}/none"])
                insert(graph, position + 1, "Where", [f"{known}/none", "fault/zero", source], [known])


class NotANumberAtTheEndLost(OnnxFault):
    """Activation that ignores NaN in the last column, as a scalar loop after the vectorised part may do."""

    name = "planted-nan-lost-at-the-end"
    layers = ("ReLU", "Activation")

    def edit(self, graph: Any) -> None:
        source = _taken_first(graph)
        for name, value in (("first", 0), ("last", -1), ("end", np.iinfo(np.int64).max)):
            add_constant(graph, f"fault/{name}", np.array([value], dtype=np.int64))
        add_constant(graph, "fault/zero", np.float32(0))
        insert(graph, 0, "Slice", [source, "fault/first", "fault/last", "fault/last"], ["fault/body"])
        insert(graph, 1, "Slice", [source, "fault/last", "fault/end", "fault/last"], ["fault/rest"])
        insert(graph, 2, "IsNaN", ["fault/rest"], ["fault/none"])
        insert(graph, 3, "Where", ["fault/none", "fault/zero", "fault/rest"], ["fault/known"])
        insert(graph, 4, "Concat", ["fault/body", "fault/known"], ["fault/input"], axis=-1)


class MaskTooSmall(OnnxFault):
    """Mask that sets logits to -10000, which is not low enough beside large logits."""

    name = "planted-mask-too-small"
    layers = ("Softmax",)

    def edit(self, graph: Any) -> None:
        for tensor in list(graph.initializer):
            value = constant(graph, tensor.name)
            if value is not None and value.dtype.kind == "f" and value.size and np.all(value < -10000):
                change(graph, tensor.name, lambda v: np.full_like(v, -10000))


def _taken_first(graph: Any) -> str:
    """Make all nodes read `fault/input` in place of the first input, and return the name of that input."""
    source = str(graph.input[0].name)
    for node in graph.node:
        node.input[:] = ["fault/input" if name == source else name for name in node.input]
    return source
