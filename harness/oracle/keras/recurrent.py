"""LSTM and GRU: https://keras.io/api/layers/recurrent_layers/."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.keras.activation import activate
from harness.spec import Array, Config

States = tuple[Array, ...]
Step = Callable[[Array, States], States]
"""One time step of a cell: features of the step and the states before it to the states after it, output first."""


@oracle("keras", "LSTM")
def lstm(
    config: Config,
    weights: Mapping[str, Array],
    x: Array,
    *,
    mask: Array | None = None,
    initial_state: States | None = None,
) -> Array | States:
    """Hochreiter 1997: https://keras.io/api/layers/recurrent_layers/lstm/. Gates lie side by side as i, f, c, o.

    i, f, o = recurrent_activation(x @ W + h @ U + b);  c' = f * c + i * activation(x @ W_c + h @ U_c + b_c);
    h' = o * activation(c').
    """
    gate, squash = _activations(config)

    def step(features: Array, states: States) -> States:
        h, c = states
        z = _affine(features, weights["kernel"], weights.get("bias")) + np.matmul(h, weights["recurrent_kernel"])
        i, f, candidate, o = np.split(z, 4, axis=-1)
        c = gate(f) * c + gate(i) * squash(candidate)
        return gate(o) * squash(c), c

    if initial_state is None:
        initial_state = (_zeros(config, x), _zeros(config, x))
    return recur(step, config, x, initial_state, mask)


@oracle("keras", "GRU")
def gru(
    config: Config,
    weights: Mapping[str, Array],
    x: Array,
    *,
    mask: Array | None = None,
    initial_state: Array | None = None,
) -> Array | States:
    """Cho et al. 2014: https://keras.io/api/layers/recurrent_layers/gru/. Gates lie side by side as z, r, h.

    z, r = recurrent_activation(x @ W + h @ U + b);  h' = z * h + (1 - z) * candidate. The candidate is, with
    `reset_after` (v3 of the paper; two biases b and d), activation(x @ W_h + b_h + r * (h @ U_h + d_h)), else
    (v1; one bias) activation(x @ W_h + b_h + (r * h) @ U_h).
    """
    gate, squash = _activations(config)
    after = config.get("reset_after", True)
    kernel, recurrent, bias = weights["kernel"], weights["recurrent_kernel"], weights.get("bias")
    outer, inner = (bias[0], bias[1]) if after and bias is not None else (bias, None)

    def step(features: Array, states: States) -> States:
        (h,) = states
        x_z, x_r, x_h = np.split(_affine(features, kernel, outer), 3, axis=-1)
        h_z, h_r, h_h = np.split(_affine(h, recurrent, inner), 3, axis=-1)
        z, r = gate(x_z + h_z), gate(x_r + h_r)
        h_h = r * h_h if after else np.matmul(r * h, np.split(recurrent, 3, axis=-1)[2])
        return (z * h + (1.0 - z) * squash(x_h + h_h),)

    return recur(step, config, x, (_zeros(config, x) if initial_state is None else initial_state,), mask)


def recur(step: Step, config: Config, x: Array, states: States, mask: Array | None = None) -> Array | States:
    """Run a cell over axis 1 of `x`: https://keras.io/api/layers/recurrent_layers/rnn/.

    A masked step (False in `mask`, of shape (batch, steps)) is skipped: states are carried over it, and its
    output is that of the step before it, zeros before the first, or always zeros with `zero_output_for_mask`.
    So a fully masked sample returns zeros as its output and the initial states as its states. With
    `go_backwards` steps are taken from the last to the first and the sequence of outputs comes in that order.
    """
    output = _zeros(config, x)
    outputs = []
    for t in range(x.shape[1])[:: -1 if config.get("go_backwards", False) else 1]:
        after = step(x[:, t], states)
        if mask is None:
            output, states = after[0], after
        else:
            seen = mask[:, t, None]
            output = np.where(seen, after[0], 0.0 if config.get("zero_output_for_mask", False) else output)
            states = tuple(np.where(seen, new, old) for new, old in zip(after, states, strict=True))
        outputs.append(output)
    result = np.stack(outputs, axis=1) if config.get("return_sequences", False) else output
    return (result, *states) if config.get("return_state", False) else result


def _affine(x: Array, kernel: Array, bias: Array | None) -> Array:
    y = np.matmul(x, kernel)
    return y if bias is None else y + bias


def _zeros(config: Config, x: Array) -> Array:
    return np.zeros((x.shape[0], config["units"]))


def _activations(config: Config) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """The functions of the gates (`recurrent_activation`) and of candidate and output (`activation`)."""
    return (
        lambda x: activate(config.get("recurrent_activation", "sigmoid"), x),
        lambda x: activate(config.get("activation", "tanh"), x),
    )
