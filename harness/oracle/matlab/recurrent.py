"""Recurrent layers and attention of Deep Learning Toolbox:
https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.lstmlayer.html and the pages beside it.

Sequences are N x T x C. Gates are stacked in rows: i, f, g, o for LSTM; r, z, h for GRU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.oracle import oracle
from harness.oracle.matlab.shapes import DIALECT
from harness.spec import Array, Config


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`."""
    return 1.0 / (1.0 + np.exp(-x))


STATE: Mapping[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "softsign": lambda x: x / (1.0 + np.abs(x)),
    "relu": lambda x: np.maximum(x, 0.0),
}
GATE: Mapping[str, Callable[[Array], Array]] = {
    "sigmoid": sigmoid,
    "hard-sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0.0, 1.0),
}


def _functions(config: Config) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    return STATE[config.get("StateActivationFunction", "tanh")], GATE[config.get("GateActivationFunction", "sigmoid")]


def _start(weights: Mapping[str, Array], name: str, x: Array, units: int, part: int = 0) -> Array:
    stored = weights.get(name)
    if stored is None:
        return np.zeros_like(x, shape=(x.shape[0], units))
    return np.broadcast_to(stored[part * units : (part + 1) * units], (x.shape[0], units))


def _projected(config: Config, weights: Mapping[str, Array]) -> tuple[Array, Array]:
    """W and R; a projected layer stores W Q instead of W, which is multiplied by Q' first."""
    w, r = weights["InputWeights"], weights["RecurrentWeights"]
    if "InputProjector" in weights:
        w = np.matmul(w, weights["InputProjector"].T)
        r = np.matmul(r, weights["OutputProjector"].T)
    return w, r


def _as_sequence(x: Array) -> Array:
    return x[:, None] if x.ndim == 2 else x


def _outputs(hidden: list[Array], config: Config, rank: int) -> Array:
    """All hidden states, or the last one with OutputMode `last` and for features."""
    if config.get("OutputMode", "sequence") == "last" or rank == 2:
        return hidden[-1]
    return np.stack(hidden, axis=1)


def _lstm(config: Config, weights: tuple[Array, Array, Array], x: Array, h: Array, c: Array) -> list[Array]:
    """`weights` are W, R and the bias."""
    (w, r, b), (state, gate) = weights, _functions(config)
    hidden = []
    for step in range(x.shape[1]):
        i, f, g, o = np.split(np.matmul(x[:, step], w.T) + np.matmul(h, r.T) + b, 4, axis=1)
        c = gate(f) * c + gate(i) * state(g)
        h = gate(o) * state(c)
        hidden.append(h)
    return hidden


@oracle(DIALECT, "LSTMLayer", "LSTMProjectedLayer")
def lstm(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`c = f c + i g`, `h = o state(c)` with gates of `W x + R h + b`."""
    w, r = _projected(config, weights)
    units = w.shape[0] // 4
    rank, x = x.ndim, _as_sequence(x)
    h, c = _start(weights, "HiddenState", x, units), _start(weights, "CellState", x, units)
    return _outputs(_lstm(config, (w, r, weights["Bias"]), x, h, c), config, rank)


@oracle(DIALECT, "BiLSTMLayer")
def bilstm(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Weights are forward rows, then backward rows; outputs lie side by side. `last` is each direction's last step."""
    rank, x = x.ndim, _as_sequence(x)
    halves = [np.split(weights[name], 2) for name in ("InputWeights", "RecurrentWeights", "Bias")]
    units = halves[1][0].shape[1]
    runs = []
    for part, seen in enumerate((x, x[:, ::-1])):
        h, c = (_start(weights, name, x, units, part) for name in ("HiddenState", "CellState"))
        w, r, b = (half[part] for half in halves)
        runs.append(_lstm(config, (w, r, b), seen, h, c))
    if config.get("OutputMode", "sequence") == "last" or rank == 2:
        return np.concatenate([runs[0][-1], runs[1][-1]], axis=1)
    return np.concatenate([np.stack(runs[0], axis=1), np.stack(runs[1][::-1], axis=1)], axis=2)


@oracle(DIALECT, "GRULayer", "GRUProjectedLayer")
def gru(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """`h = (1 - z) n + z h`, the candidate n by ResetGateMode: `after-multiplication` W x + b + r (R h),
    `before-multiplication` W x + R (r h) + b, `recurrent-bias-after-multiplication` W x + b + r (R h + rb)."""
    w, r = _projected(config, weights)
    units = w.shape[0] // 3
    state, gate = _functions(config)
    mode = config.get("ResetGateMode", "after-multiplication")
    rank, x = x.ndim, _as_sequence(x)
    h = _start(weights, "HiddenState", x, units)
    bias, extra = weights["Bias"], np.zeros(3 * units)
    if mode == "recurrent-bias-after-multiplication":
        bias, extra = np.split(bias, 2)
    hidden = []
    for step in range(x.shape[1]):
        from_x = np.matmul(x[:, step], w.T) + bias
        gates = gate(from_x[:, : 2 * units] + np.matmul(h, r[: 2 * units].T) + extra[: 2 * units])
        reset, update = np.split(gates, 2, axis=1)
        candidate = r[2 * units :].T
        if mode == "before-multiplication":
            back = np.matmul(reset * h, candidate)
        else:
            back = reset * (np.matmul(h, candidate) + extra[2 * units :])
        h = (1.0 - update) * state(from_x[:, 2 * units :] + back) + update * h
        hidden.append(h)
    return _outputs(hidden, config, rank)


@oracle(DIALECT, "SelfAttentionLayer")
def self_attention(config: Config, weights: Mapping[str, Array], x: Array) -> Array:
    """Scaled dot-product attention of each head, rows of the weights in contiguous blocks per head; scores are scaled
    by the root of a head's key channels; `causal` hides later steps."""
    heads = config["NumHeads"]

    def split(name: str) -> Array:
        y = np.matmul(x, weights[f"{name}Weights"].T) + weights[f"{name}Bias"]
        return y.reshape(*y.shape[:2], heads, y.shape[2] // heads).transpose(0, 2, 1, 3)

    query, key, value = split("Query"), split("Key"), split("Value")
    scores = np.matmul(query, key.transpose(0, 1, 3, 2)) / float(np.sqrt(key.shape[-1]))
    if config.get("AttentionMask", "none") == "causal":
        later = np.triu(np.ones(scores.shape[-2:], dtype=bool), 1)
        scores = np.where(later, -np.inf, scores)
    powers = np.exp(scores - np.maximum.reduce(scores, axis=-1, keepdims=True))
    shares = powers / np.add.reduce(powers, axis=-1, keepdims=True)
    joined = np.matmul(shares, value).transpose(0, 2, 1, 3)
    joined = joined.reshape(*joined.shape[:2], value.shape[1] * value.shape[3])
    return np.matmul(joined, weights["OutputWeights"].T) + weights["OutputBias"]
