"""Faults of recurrent layers and attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from harness.planted.matlab_edit import MatlabFault, Weights, rows_exchanged, transposed
from harness.spec import Array, Layer

GATED = ("InputWeights", "RecurrentWeights", "Bias")


class ResetAndUpdateExchanged(MatlabFault):
    """GRU gates read as update, reset, candidate."""

    name = "planted-matlab-gru-gates"
    layers = ("GRULayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        units = weights["RecurrentWeights"].shape[0] // 3
        return {
            name: np.concatenate([rows_exchanged(b, 3, 0, 1) for b in np.split(value, len(value) // (3 * units))])
            if name in GATED
            else value
            for name, value in weights.items()
        }


class ResetTooEarly(MatlabFault):
    """The reset gate applied before the multiplication instead of after it."""

    name = "planted-matlab-gru-reset-before"
    layers = ("GRULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"ResetGateMode": "before-multiplication"}


class ResetTooLate(MatlabFault):
    """The reset gate applied after the multiplication, as in PyTorch, instead of before it."""

    name = "planted-matlab-gru-reset-after"
    layers = ("GRULayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        before = config.get("ResetGateMode") == "before-multiplication"
        return {"ResetGateMode": "after-multiplication"} if before else {}


class RecurrentBiasDropped(MatlabFault):
    """A GRU without its second bias."""

    name = "planted-matlab-gru-recurrent-bias-dropped"
    layers = ("GRULayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        rows = weights["RecurrentWeights"].shape[0]
        return {**weights, "Bias": weights["Bias"][:rows]}


class RecurrentBiasAdded(MatlabFault):
    """A GRU's two biases added before the reset gate, which should act on the second."""

    name = "planted-matlab-gru-biases-added"
    layers = ("GRULayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        rows, bias = weights["RecurrentWeights"].shape[0], weights["Bias"]
        return {**weights, "Bias": bias[:rows] + bias[rows:] if bias.size > rows else bias}


class ForgetAndCellExchanged(MatlabFault):
    """LSTM gates read as input, candidate, forget, output."""

    name = "planted-matlab-lstm-gates-forget-cell"
    layers = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {n: rows_exchanged(value, 4, 1, 2) if n in GATED else value for n, value in weights.items()}


class OutputAndCellExchanged(MatlabFault):
    """LSTM gates read as input, forget, output, candidate."""

    name = "planted-matlab-lstm-gates-output-cell"
    layers = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {n: rows_exchanged(value, 4, 2, 3) if n in GATED else value for n, value in weights.items()}


class HardSigmoidOfPyTorch(MatlabFault):
    """Hard-sigmoid gates with PyTorch's slope of 1/6."""

    name = "planted-matlab-lstm-hard-sigmoid"
    layers = ("LSTMLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"torch.clamp(0.2 * x + 0.5, 0.0, 1.0)": "F.hardsigmoid(x)"}


class LastOfBothTakenAtTheEnd(MatlabFault):
    """The last output of a BiLSTM taken at the last step, at which its backward half has read one step."""

    name = "planted-matlab-bilstm-last"
    layers = ("BiLSTMLayer",)
    swaps: ClassVar[Mapping[str, str]] = {"return torch.cat(tuple(hidden), 1)": "return y[:, -1]"}


class DirectionsExchanged(MatlabFault):
    """Rows of a BiLSTM read backward direction first."""

    name = "planted-matlab-bilstm-directions"
    layers = ("BiLSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {n: rows_exchanged(value, 2, 0, 1) if n in GATED else value for n, value in weights.items()}


class DirectionsTakenInTurns(MatlabFault):
    """Rows of a BiLSTM read gate by gate, both directions of each."""

    name = "planted-matlab-bilstm-gates-in-turns"
    layers = ("BiLSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        def in_turns(value: Array) -> Array:
            blocks = np.split(value, 8)
            return np.concatenate([blocks[k] for k in (0, 2, 4, 6, 1, 3, 5, 7)])

        return {n: in_turns(value) if n in GATED else value for n, value in weights.items()}


class StateNotInitialised(MatlabFault):
    """Stored states ignored: the network starts at zero."""

    name = "planted-matlab-state-not-initialised"
    layers: ClassVar[tuple[str, ...]] = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {name: value for name, value in weights.items() if not name.endswith("State")}


class GruStateNotInitialised(StateNotInitialised):
    """A GRU's stored state ignored: the network starts at zero."""

    name = "planted-matlab-gru-state-not-initialised"
    layers = ("GRULayer",)


class StatesExchanged(MatlabFault):
    """Hidden state and cell state exchanged."""

    name = "planted-matlab-states-exchanged"
    layers = ("LSTMLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        other = {"HiddenState": "CellState", "CellState": "HiddenState"}
        return {other.get(name, name): value for name, value in weights.items()}


class ProjectorTransposed(MatlabFault):
    """A square projector of a projected LSTM transposed."""

    name = "planted-matlab-projector-transposed"
    layers = ("LSTMProjectedLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        return {name: transposed(value) if name.endswith("Projector") else value for name, value in weights.items()}


class HeadsInTurns(MatlabFault):
    """Heads of self-attention taken in turns from the queries' rows."""

    name = "planted-matlab-attention-heads-in-turns"
    layers = ("SelfAttentionLayer",)

    def edit_weights(self, weights: Weights, layer: Layer) -> Weights:
        heads = layer.config["NumHeads"]

        def in_turns(value: Array) -> Array:
            return value.reshape(-1, heads, *value.shape[1:]).swapaxes(0, 1).reshape(value.shape)

        turned = ("QueryWeights", "QueryBias", "KeyWeights", "KeyBias")
        return {name: in_turns(value) if name in turned else value for name, value in weights.items()}


class MaskIgnored(MatlabFault):
    """Self-attention without its causal mask."""

    name = "planted-matlab-attention-mask-ignored"
    layers = ("SelfAttentionLayer",)

    def options(self, config: Mapping[str, Any]) -> dict[str, Any]:
        return {"AttentionMask": "none"}
