"""Faults of recurrent layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.onnx_edit import OnnxFault, change_weight, nodes
from harness.spec import Array


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
