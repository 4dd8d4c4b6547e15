"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D: https://keras.io/api/layers/recurrent_layers/conv_lstm2d/."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.activation import activate
from harness.oracle.keras.conv import as_configured, channels_last, convolve
from harness.spec import Array, Config


@oracle("keras", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def conv_lstm(
    config: Config, weights: Mapping[str, Array], x: Array, *, mask: Array | None = None
) -> Array | tuple[Array, ...]:
    """An LSTM with convolutions for products (Shi et al., 2015, https://arxiv.org/abs/1506.04214, without peepholes).

    The convolution of the inputs has the layer's strides, padding and dilation rate; that of the state has stride 1,
    padding `same` and dilation rate 1. Gates lie side by side as i, f, c, o. Masked steps are as in
    `recurrent.recur`.
    """
    filters = weights["kernel"].shape[-1] // 4

    def gate(z: Array) -> Array:
        return activate(config.get("recurrent_activation", "sigmoid"), z)

    def squash(z: Array) -> Array:
        return activate(config.get("activation", "tanh"), z)

    seen = [channels_last(config, x[:, t]) for t in range(x.shape[1])]
    read = [convolve(config, frame, weights["kernel"]) for frame in seen]
    shape = read[0].shape[:-1]
    h, c, output = (np.zeros((*shape, filters)) for _ in range(3))
    outputs = []
    for t in range(x.shape[1])[:: -1 if config.get("go_backwards", False) else 1]:
        z = read[t] + weights["bias"] if "bias" in weights else read[t]
        z = z + convolve({"padding": "same"}, h, weights["recurrent_kernel"])
        i, f, candidate, o = np.split(z, 4, axis=-1)
        carry = gate(f) * c + gate(i) * squash(candidate)
        hidden = gate(o) * squash(carry)
        if mask is None:
            output, h, c = hidden, hidden, carry
        else:
            keep = np.asarray(mask)[:, t].reshape(-1, *(1,) * (hidden.ndim - 1))
            output, h, c = (np.where(keep, new, old) for new, old in ((hidden, output), (hidden, h), (carry, c)))
        outputs.append(as_configured(config, output))
    result = np.stack(outputs, axis=1) if config.get("return_sequences", False) else outputs[-1]
    states = (as_configured(config, h), as_configured(config, c))
    return (result, *states) if config.get("return_state", False) else result
