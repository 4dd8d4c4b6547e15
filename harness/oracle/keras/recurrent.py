"""SimpleRNN, LSTM, GRU and RNN, and the cells that they run over time.

https://keras.io/api/layers/recurrent_layers/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.oracle import oracle, part
from harness.oracle.keras.activation import activate
from harness.spec import Array, Config

States = tuple[Array, ...]
Step = Callable[[Array, States], tuple[Array, States]]
"""One time step of a cell, from (features of the step, states before it) to (output, states after it)."""


@dataclass(frozen=True)
class Cell:
    """A step, the sizes of its states, and the size of its output."""

    step: Step
    states: tuple[int, ...]
    size: int


def simple_cell(config: Config, weights: Mapping[str, Array]) -> Cell:
    """h' = activation(x @ W + b + h @ U): https://keras.io/api/layers/recurrent_layers/simple_rnn_cell/."""
    _, squash = _activations(config)

    def step(features: Array, states: States) -> tuple[Array, States]:
        (h,) = states
        z = _affine(features, weights["kernel"], weights.get("bias")) + np.matmul(h, weights["recurrent_kernel"])
        h = squash(z)
        return h, (h,)

    return Cell(step, (config["units"],), config["units"])


def lstm_cell(config: Config, weights: Mapping[str, Array]) -> Cell:
    """Hochreiter 1997: https://keras.io/api/layers/recurrent_layers/lstm/. Gates lie side by side as i, f, c, o.

    i, f, o = recurrent_activation(x @ W + h @ U + b);  c' = f * c + i * activation(x @ W_c + h @ U_c + b_c);
    h' = o * activation(c').
    """
    gate, squash = _activations(config)

    def step(features: Array, states: States) -> tuple[Array, States]:
        h, c = states
        z = _affine(features, weights["kernel"], weights.get("bias")) + np.matmul(h, weights["recurrent_kernel"])
        i, f, candidate, o = np.split(z, 4, axis=-1)
        c = gate(f) * c + gate(i) * squash(candidate)
        h = gate(o) * squash(c)
        return h, (h, c)

    return Cell(step, (config["units"],) * 2, config["units"])


def gru_cell(config: Config, weights: Mapping[str, Array]) -> Cell:
    """Cho et al. 2014: https://keras.io/api/layers/recurrent_layers/gru/. Gates lie side by side as z, r, h.

    z, r = recurrent_activation(x @ W + h @ U + b);  h' = z * h + (1 - z) * candidate. The candidate is, with
    `reset_after` (v3 of the paper; two biases b and d), activation(x @ W_h + b_h + r * (h @ U_h + d_h)), else
    (v1; one bias) activation(x @ W_h + b_h + (r * h) @ U_h).
    """
    gate, squash = _activations(config)
    after = config.get("reset_after", True)
    kernel, recurrent, bias = weights["kernel"], weights["recurrent_kernel"], weights.get("bias")
    outer, inner = (bias[0], bias[1]) if after and bias is not None else (bias, None)

    def step(features: Array, states: States) -> tuple[Array, States]:
        (h,) = states
        x_z, x_r, x_h = np.split(_affine(features, kernel, outer), 3, axis=-1)
        h_z, h_r, h_h = np.split(_affine(h, recurrent, inner), 3, axis=-1)
        z, r = gate(x_z + h_z), gate(x_r + h_r)
        h_h = r * h_h if after else np.matmul(r * h, np.split(recurrent, 3, axis=-1)[2])
        h = z * h + (1.0 - z) * squash(x_h + h_h)
        return h, (h,)

    return Cell(step, (config["units"],), config["units"])


def stacked(cells: Sequence[Cell]) -> Cell:
    """Cells as one: each reads the output of the cell before it; states are those of all cells in order.

    https://keras.io/api/layers/recurrent_layers/stacked_rnn_cell/
    """

    def step(features: Array, states: States) -> tuple[Array, States]:
        remaining = list(states)
        after: list[Array] = []
        for cell in cells:
            cell_states, remaining = remaining[: len(cell.states)], remaining[len(cell.states) :]
            features, new = cell.step(features, tuple(cell_states))
            after += new
        return features, tuple(after)

    return Cell(step, tuple(n for cell in cells for n in cell.states), cells[-1].size)


CELLS = {"SimpleRNNCell": simple_cell, "LSTMCell": lstm_cell, "GRUCell": gru_cell}


def cell_of(described: Config | Sequence[Config], weights: Mapping[str, Array]) -> Cell:
    """The cell of a constructor argument. Names of a stacked cell's weights begin with its number."""
    if not isinstance(described, Mapping):
        return stacked([cell_of(one, part(weights, str(k))) for k, one in enumerate(described)])
    if described["kind"] == "StackedRNNCells":
        return cell_of(described["config"]["cells"], weights)
    return CELLS[described["kind"]](described["config"], weights)


def _layer(kind: str) -> None:
    @oracle("keras", kind)
    def run(
        config: Config,
        weights: Mapping[str, Array],
        x: Array,
        *,
        mask: Array | None = None,
        initial_state: Array | States | None = None,
    ) -> Array | States:
        """Runs the cell of the same name over time."""
        return recur(CELLS[f"{kind}Cell"](config, weights), config, x, initial_state, mask)


for _kind in ("SimpleRNN", "LSTM", "GRU"):
    _layer(_kind)


@oracle("keras", "RNN")
def rnn(
    config: Config,
    weights: Mapping[str, Array],
    x: Array,
    *,
    mask: Array | None = None,
    initial_state: Array | States | None = None,
) -> Array | States:
    """Runs any cell, or several stacked, over time: https://keras.io/api/layers/recurrent_layers/rnn/."""
    return recur(cell_of(config["cell"], weights), config, x, initial_state, mask)


def recur(
    cell: Cell,
    config: Config,
    x: Array,
    initial: Array | States | None = None,
    mask: Array | None = None,
) -> Array | States:
    """Run a cell over axis 1 of `x`: https://keras.io/api/layers/recurrent_layers/rnn/.

    A masked step (False in `mask`, of shape (batch, steps)) does not change the states. Its output is that of the
    step before, or zeros at the first step and with `zero_output_for_mask`. So a fully masked sample returns zeros
    and its initial states. With `go_backwards` steps run from the last to the first, and so does the sequence of
    outputs.
    """
    if initial is None:
        states: States = tuple(np.zeros((x.shape[0], size)) for size in cell.states)
    else:
        states = initial if isinstance(initial, tuple) else (initial,)
    output: Array = np.zeros((x.shape[0], cell.size))
    outputs = []
    for t in range(x.shape[1])[:: -1 if config.get("go_backwards", False) else 1]:
        y, after = cell.step(x[:, t], states)
        if mask is None:
            output, states = y, after
        else:
            seen = np.asarray(mask)[:, t, None]
            output = np.where(seen, y, 0.0 if config.get("zero_output_for_mask", False) else output)
            states = tuple(np.where(seen, new, old) for new, old in zip(after, states, strict=True))
        outputs.append(output)
    result = np.stack(outputs, axis=1) if config.get("return_sequences", False) else output
    return (result, *states) if config.get("return_state", False) else result


def _affine(x: Array, kernel: Array, bias: Array | None) -> Array:
    y = np.matmul(x, kernel)
    return y if bias is None else y + bias


def _activations(config: Config) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """The functions of the gates (`recurrent_activation`) and of candidate and output (`activation`)."""
    return (
        lambda x: activate(config.get("recurrent_activation", "sigmoid"), x),
        lambda x: activate(config.get("activation", "tanh"), x),
    )
