"""Faults of dense, reshaping, merging, indexing and casting layers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, add_constant, attribute, change_weight, insert, nodes, shape_of, square
from harness.spec import Array


class DenseTransposed(OnnxFault):
    """Dense layer with its weights transposed, if they are square."""

    name = "planted-dense-transposed"
    layers = ("Dense",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("MatMul", "Gemm"), square((0, 1)))


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
    """Permute layer with the inverse permutation."""

    name = "planted-permutation-inverted"
    layers = ("Permute",)

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Transpose"):
            perm = attribute(node, "perm")
            perm.ints[:] = [int(k) for k in np.argsort(list(perm.ints))]


class RowsShifted(OnnxFault):
    """Embedding rows shifted by one, as if indices began at 1."""

    name = "planted-embedding-shifted"
    layers = ("Embedding",)

    def edit(self, graph: Any) -> None:
        change_weight(graph, ("Gather",), lambda table: np.roll(table, 1, axis=0), index=0)


class FirstOperandTwice(OnnxFault):
    """Merging layer that takes its first operand twice."""

    name = "planted-merge-first-twice"
    layers = ("Add", "Multiply", "Maximum", "Minimum")

    def edit(self, graph: Any) -> None:
        for node in nodes(graph, "Add", "Mul", "Max", "Min"):
            if len(node.input) > 1 and shape_of(graph, node.input[0]) == shape_of(graph, node.input[1]):
                node.input[1] = node.input[0]


class InputsReordered(OnnxFault):
    """Two inputs of the same shape exchanged."""

    name = "planted-inputs-reordered"
    layers = ("Subtract", "Concatenate", "Dot")

    def edit(self, graph: Any) -> None:
        one, two = (item.name for item in graph.input[:2])
        if shape_of(graph, one) == shape_of(graph, two):
            other = {one: two, two: one}
            for node in graph.node:
                node.input[:] = [other.get(name, name) for name in node.input]


class TransposeForReshape(OnnxFault):
    """Reshape that assumes a batch of one when it resolves the open size."""

    name = "planted-reshape-batch-of-one"
    layers = ("Reshape", "Flatten")

    def edit(self, graph: Any) -> None:
        def fixed(shape: Array) -> Array:
            return np.array([1, *([-1] if len(shape) == 2 else shape[1:])], dtype=shape.dtype)

        change_weight(graph, ("Reshape",), fixed)


class OutputsReordered(OnnxFault):
    """Outputs declared in reverse order."""

    name = "planted-outputs-reordered"
    layers = ("LSTM", "GRU", "Graph")

    def edit(self, graph: Any) -> None:
        outputs = list(graph.output)
        del graph.output[:]
        graph.output.extend(outputs[::-1])


class OutputsExchanged(OnnxFault):
    """Two outputs of the same shape with their values exchanged."""

    name = "planted-outputs-exchanged"
    layers = ("LSTM", "Graph")

    def edit(self, graph: Any) -> None:
        names = [item.name for item in graph.output]
        for one, two in pairwise(names):
            if shape_of(graph, one) == shape_of(graph, two):
                other = {one: two, two: one}
                for node in graph.node:
                    node.output[:] = [other.get(name, name) for name in node.output]
                    node.input[:] = [other.get(name, name) for name in node.input]
                return


class RepeatOverBatch(OnnxFault):
    """Repetition that interleaves the rows of different samples."""

    name = "planted-tile-transposed"
    layers = ("RepeatVector",)

    def edit(self, graph: Any) -> None:
        for position, node in reversed(list(enumerate(graph.node))):
            if node.output[0] == graph.output[0].name and len(shape_of(graph, node.output[0])) == 3:
                result, repeated = node.output[0], f"{node.output[0]}/repeated"
                node.output[0] = repeated
                add_constant(graph, f"{repeated}/shape", np.array([0, 0, 0], dtype=np.int64))
                insert(graph, position + 1, "Shape", [repeated], [f"{repeated}/is"])
                insert(graph, position + 2, "Transpose", [repeated], [f"{repeated}/turned"], perm=[1, 0, 2])
                insert(graph, position + 3, "Reshape", [f"{repeated}/turned", f"{repeated}/is"], [result])
                return
