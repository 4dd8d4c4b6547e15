"""Faults of dense, reshaping, merging, indexing and casting layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, attribute, change_weight, nodes, square


class DenseTransposed(OnnxFault):
    """Square matrix of a Dense layer transposed."""

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
    """Permute with the inverse permutation."""

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
