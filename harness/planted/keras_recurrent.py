"""Faults of converters that misread a recurrent layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.planted.keras_edit import KerasFault, assign, blocks

RECURRENT = ("LSTM", "GRU", "SimpleRNN")


class GruGatesExchanged(KerasFault):
    """GRU with its gates z and r exchanged."""

    name = "planted-gru-gates-exchanged"
    layers = ("GRU",)

    def misread(self, layer: Any) -> None:
        for variable in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias):
            assign(variable, blocks((1, 0, 2)))


class GruRecurrentBiasDropped(KerasFault):
    """GRU with `reset_after` without its second bias."""

    name = "planted-gru-recurrent-bias-dropped"
    layers = ("GRU",)

    def misread(self, layer: Any) -> None:
        if layer.cell.reset_after:
            assign(layer.cell.bias, lambda b: np.stack([b[0], np.zeros_like(b[1])]))


class GruBiasesAdded(KerasFault):
    """GRU with `reset_after` whose two biases are added before the loop, which is right for an LSTM only."""

    name = "planted-gru-biases-added"
    layers = ("GRU",)

    def misread(self, layer: Any) -> None:
        if layer.cell.reset_after:
            assign(layer.cell.bias, lambda b: np.stack([b[0] + b[1], np.zeros_like(b[1])]))


class GruResetBefore(KerasFault):
    """GRU with `reset_after` computed as one without: the reset gate acts before the product."""

    name = "planted-gru-reset-before"
    layers = ("GRU",)

    def misread(self, layer: Any) -> None:
        if layer.cell.reset_after and layer.cell.bias is None:
            layer.cell.reset_after = False


class RecurrentBiasDropped(KerasFault):
    """Recurrent layer without its bias."""

    name = "planted-recurrent-bias-dropped"
    layers = RECURRENT

    def misread(self, layer: Any) -> None:
        assign(layer.cell.bias, np.zeros_like)


class RecurrentBiasDoubled(KerasFault):
    """LSTM whose bias is written to both biases of ONNX, and so added twice."""

    name = "planted-recurrent-bias-doubled"
    layers = ("LSTM", "SimpleRNN")

    def misread(self, layer: Any) -> None:
        assign(layer.cell.bias, lambda b: 2 * b)


class ForgetBiasOne(KerasFault):
    """LSTM whose forget gate's bias is overwritten by `unit_forget_bias`."""

    name = "planted-lstm-forget-bias"
    layers = ("LSTM",)

    def misread(self, layer: Any) -> None:
        units = layer.cell.units
        assign(layer.cell.bias, lambda b: np.concatenate([b[:units], np.ones_like(b[:units]), b[2 * units :]]))


class CellGateExchanged(KerasFault):
    """LSTM with Keras' gates i, f, c, o taken in the order i, f, o, c."""

    name = "planted-lstm-cell-output-exchanged"
    layers = ("LSTM",)

    def misread(self, layer: Any) -> None:
        for variable in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias):
            assign(variable, blocks((0, 1, 3, 2)))


class RecurrentKernelTransposed(KerasFault):
    """Each gate's block of the recurrent kernel transposed."""

    name = "planted-recurrent-kernel-transposed"
    layers = RECURRENT

    def misread(self, layer: Any) -> None:
        units = layer.cell.units
        assign(
            layer.cell.recurrent_kernel, lambda w: np.concatenate([p.T for p in np.split(w, w.shape[1] // units, 1)], 1)
        )


class GoBackwardsIgnored(KerasFault):
    """Recurrent layer with `go_backwards` that reads its input forwards."""

    name = "planted-go-backwards-ignored"
    layers = RECURRENT

    def misread(self, layer: Any) -> None:
        layer.go_backwards = False


class BackwardsTurnedBack(KerasFault):
    """Output of a layer with `go_backwards` in the order of the input, which ONNX' `reverse` returns."""

    name = "planted-go-backwards-output-turned"
    layers = RECURRENT

    def misread(self, layer: Any) -> None:
        if layer.go_backwards and layer.return_sequences and not layer.return_state:
            _after(layer, lambda y: y[:, ::-1])


class InitialStateDropped(KerasFault):
    """Recurrent layer that ignores its initial state and starts from zeros."""

    name = "planted-initial-state-dropped"
    layers = RECURRENT

    def misread(self, layer: Any) -> None:
        call = layer.call
        layer.call = lambda sequences, initial_state=None, **rest: call(
            sequences, initial_state=None if initial_state is None else [0 * s for s in initial_state], **rest
        )


class ReturnedStatesExchanged(KerasFault):
    """LSTM that returns its hidden state and its cell state exchanged."""

    name = "planted-returned-states-exchanged"
    layers = ("LSTM",)

    def misread(self, layer: Any) -> None:
        if layer.return_state:
            _after(layer, lambda parts: (parts[0], parts[2], parts[1]))


class RecurrentActivationDefault(KerasFault):
    """Recurrent activation replaced by the default, sigmoid."""

    name = "planted-recurrent-activation-default"
    layers = ("LSTM", "GRU")

    def misread(self, layer: Any) -> None:
        import keras

        layer.cell.recurrent_activation = keras.activations.sigmoid


class CellActivationDefault(KerasFault):
    """Activation of a recurrent layer replaced by the default, tanh."""

    name = "planted-cell-activation-default"
    layers = RECURRENT

    def misread(self, layer: Any) -> None:
        import keras

        layer.cell.activation = keras.activations.tanh


class RecurrentMaskIgnored(KerasFault):
    """Recurrent layer that steps over masked elements as if they were none."""

    name = "planted-recurrent-mask-ignored"
    layers = RECURRENT

    def misread(self, layer: Any) -> None:
        call = layer.call
        layer.call = lambda sequences, initial_state=None, mask=None, training=False: call(
            sequences, initial_state=initial_state, mask=None, training=training
        )


class BidirectionalNotTurned(KerasFault):
    """Bidirectional whose backward half keeps the reversed order of its steps."""

    name = "planted-bidirectional-not-turned"
    layers = ("Bidirectional",)

    def misread(self, layer: Any) -> None:
        if layer.return_sequences and not layer.return_state:
            _after(layer.backward_layer, lambda y: y[:, ::-1])


class BidirectionalHalvesExchanged(KerasFault):
    """Weights of Bidirectional's two halves exchanged."""

    name = "planted-bidirectional-halves-exchanged"
    layers = ("Bidirectional",)

    def misread(self, layer: Any) -> None:
        forward, backward = layer.forward_layer.get_weights(), layer.backward_layer.get_weights()
        layer.forward_layer.set_weights(backward)
        layer.backward_layer.set_weights(forward)


class MergeModeDefault(KerasFault):
    """Bidirectional that adds its halves instead of averaging them."""

    name = "planted-bidirectional-average-summed"
    layers = ("Bidirectional",)

    def misread(self, layer: Any) -> None:
        if layer.merge_mode == "ave":
            layer.merge_mode = "sum"


def _after(layer: Any, how: Any) -> None:
    """Change what a layer's call returns."""
    call = layer.call
    layer.call = lambda *arguments, **rest: how(call(*arguments, **rest))
