"""Faults with what is not an ordinary number: NaN, infinities, zeros with a sign, subnormals, wide integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import FLOAT, INT32, INT64, OnnxFault, add_constant, change, constant, elem_type, insert

MOVING = ("Permute", "Reshape", "ZeroPadding2D", "Cropping2D", "RepeatVector", "Flatten")


class SignOfZeroLost(OnnxFault):
    """Identity by adding zero: minus zero becomes zero."""

    name = "planted-minus-zero-lost"
    layers = MOVING

    def edit(self, graph: Any) -> None:
        given = _taken_first(graph)
        add_constant(graph, "fault/zero", np.float32(0))
        insert(graph, 0, "Add", [given, "fault/zero"], ["fault/given"])


class SubnormalsFlushed(OnnxFault):
    """Subnormal numbers flushed to zero by a layer that only moves values."""

    name = "planted-subnormals-flushed"
    layers = MOVING

    def edit(self, graph: Any) -> None:
        given = _taken_first(graph)
        add_constant(graph, "fault/least", np.float32(2.0**-126))
        add_constant(graph, "fault/zero", np.float32(0))
        insert(graph, 0, "Abs", [given], ["fault/size"])
        insert(graph, 1, "Less", ["fault/size", "fault/least"], ["fault/small"])
        insert(graph, 2, "Where", ["fault/small", "fault/zero", given], ["fault/given"])


class InfinityTakenForLargest(OnnxFault):
    """Infinities taken for the largest finite numbers by a layer that only moves values."""

    name = "planted-infinity-clipped"
    layers = MOVING

    def edit(self, graph: Any) -> None:
        given = _taken_first(graph)
        limits = np.finfo(np.float32)
        add_constant(graph, "fault/lowest", limits.min)
        add_constant(graph, "fault/largest", limits.max)
        insert(graph, 0, "Clip", [given, "fault/lowest", "fault/largest"], ["fault/given"])


class IntegersThroughInt32(OnnxFault):
    """Integers that pass through 32 bits."""

    name = "planted-int32"
    layers = ("Identity",)

    def edit(self, graph: Any) -> None:
        if elem_type(graph, graph.input[0].name) == INT64:
            given = _taken_first(graph)
            insert(graph, 0, "Cast", [given], ["fault/narrow"], to=INT32)
            insert(graph, 1, "Cast", ["fault/narrow"], ["fault/given"], to=INT64)


class IntegersThroughFloat(OnnxFault):
    """Integers that pass through float32, which holds them up to 2^24 alone."""

    name = "planted-integers-through-float"
    layers = ("Identity",)

    def edit(self, graph: Any) -> None:
        if elem_type(graph, graph.input[0].name) == INT64:
            given = _taken_first(graph)
            insert(graph, 0, "Cast", [given], ["fault/float"], to=FLOAT)
            insert(graph, 1, "Cast", ["fault/float"], ["fault/given"], to=INT64)


class NotANumberLost(OnnxFault):
    """Maximum that passes over what is not a number."""

    name = "planted-nan-lost"
    layers = ("ReLU", "Activation", "Maximum")

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("Relu", "Clip", "Max", "Min"):
                given, known = node.input[0], f"{node.output[0]}/known"
                add_constant(graph, f"{known}/least", np.float32(-np.inf))
                node.input[0] = known
                insert(graph, position, "IsNaN", [given], [f"{known}/none"])
                insert(graph, position + 1, "Where", [f"{known}/none", f"{known}/least", given], [known])


class NotANumberOfFirstLost(OnnxFault):
    """Maximum that compares and chooses: what is not a number is lost from the first operand, kept from the second."""

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
    """Mean that counts what is not a number as zero."""

    name = "planted-nan-lost-in-mean"
    layers = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "AveragePooling2D")

    def edit(self, graph: Any) -> None:
        add_constant(graph, "fault/zero", np.float32(0))
        for position, node in reversed(list(enumerate(graph.node))):
            if node.op_type in ("GlobalAveragePool", "ReduceMean", "AveragePool"):
                given, known = node.input[0], f"{node.output[0]}/known"
                node.input[0] = known
                insert(graph, position, "IsNaN", [given], [f"{known}/none"])
                insert(graph, position + 1, "Where", [f"{known}/none", "fault/zero", given], [known])


class NotANumberAtTheEndLost(OnnxFault):
    """Activation that passes over what is not a number in the last column, as a loop over the rest of a vector does."""

    name = "planted-nan-lost-at-the-end"
    layers = ("ReLU", "Activation")

    def edit(self, graph: Any) -> None:
        given = _taken_first(graph)
        for name, value in (("first", 0), ("last", -1), ("end", np.iinfo(np.int64).max)):
            add_constant(graph, f"fault/{name}", np.array([value], dtype=np.int64))
        add_constant(graph, "fault/zero", np.float32(0))
        insert(graph, 0, "Slice", [given, "fault/first", "fault/last", "fault/last"], ["fault/body"])
        insert(graph, 1, "Slice", [given, "fault/last", "fault/end", "fault/last"], ["fault/rest"])
        insert(graph, 2, "IsNaN", ["fault/rest"], ["fault/none"])
        insert(graph, 3, "Where", ["fault/none", "fault/zero", "fault/rest"], ["fault/known"])
        insert(graph, 4, "Concat", ["fault/body", "fault/known"], ["fault/given"], axis=-1)


class MaskTooSmall(OnnxFault):
    """Masked logits of -10000, which does not outweigh large ones."""

    name = "planted-mask-too-small"
    layers = ("Softmax",)

    def edit(self, graph: Any) -> None:
        for tensor in list(graph.initializer):
            value = constant(graph, tensor.name)
            if value is not None and value.dtype.kind == "f" and value.size and np.all(value < -10000):
                change(graph, tensor.name, lambda v: np.full_like(v, -10000))


def _taken_first(graph: Any) -> str:
    """The name of the first input, which nodes now read as `fault/given`."""
    given = str(graph.input[0].name)
    for node in graph.node:
        node.input[:] = ["fault/given" if name == given else name for name in node.input]
    return given
