"""Recurrent layers and attention of Deep Learning Toolbox against cells written out by hand.

The equations are those of https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.lstmlayer.html, of
https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.grulayer.html and of the pages beside them.
"""

from __future__ import annotations

from math import exp, tanh

import numpy as np
import pytest

from harness.oracle import semantics

lstm, bilstm, gru = (semantics("matlab", f"{kind}Layer") for kind in ("LSTM", "BiLSTM", "GRU"))
attention = semantics("matlab", "SelfAttentionLayer")
C, U, N, T = 3, 2, 2, 4
LAST = {"OutputMode": "last"}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def weights(gates, *, ways=1, biases=1, seed=0):
    source = np.random.default_rng(seed)
    rows = gates * U * ways
    return {
        "InputWeights": source.normal(size=(rows, C)),
        "RecurrentWeights": source.normal(size=(rows, U)),
        "Bias": source.normal(size=rows * biases),
    }


@pytest.fixture
def x():
    return np.random.default_rng(7).normal(size=(N, T, C))


def test_lstm_gates_are_input_forget_candidate_output():
    stored = {
        "InputWeights": np.array([[0.5], [-1.0], [2.0], [0.25]]),
        "RecurrentWeights": np.array([[-0.5], [1.5], [0.75], [-2.0]]),
        "Bias": np.array([0.1, 0.2, -0.3, 0.4]),
        "HiddenState": np.array([0.5]),
        "CellState": np.array([-0.75]),
    }
    one, h, c = 1.5, 0.5, -0.75
    i, f, o = (1 / (1 + exp(-z)) for z in (0.5 * one - 0.5 * h + 0.1, 1.5 * h - one + 0.2, 0.25 * one - 2 * h + 0.4))
    c = f * c + i * tanh(2.0 * one + 0.75 * h - 0.3)
    np.testing.assert_allclose(lstm({}, stored, np.full((1, 1, 1), one)), [[[o * tanh(c)]]], rtol=1e-14)
    assert lstm({}, stored, np.full((1, 1), one)).shape == (1, 1)  # features are one step


def test_other_activations():
    stored = {"InputWeights": np.array([[1.0], [0], [1.0], [1.0]]), "RecurrentWeights": np.zeros((4, 1))}
    stored["Bias"] = np.zeros(4)
    config = {"StateActivationFunction": "softsign", "GateActivationFunction": "hard-sigmoid"}
    c = (0.2 * 1 + 0.5) * (1 / 2)  # the input gate times softsign(1)
    np.testing.assert_allclose(lstm(config, stored, np.ones((1, 1, 1))), [[[0.7 * c / (1 + c)]]])
    assert lstm(config, stored, np.full((1, 1, 1), -4.0)).item() == 0  # a hard sigmoid shuts at -2.5
    assert lstm({**config, "StateActivationFunction": "relu"}, stored, np.full((1, 1, 1), 4.0)).item() == 4


def by_hand(stored, x, mode):
    """GRU of one sample, U units, gates r, z, candidate."""
    (wr, wz, wn), (rr, rz, rn) = (np.split(stored[name], 3) for name in ("InputWeights", "RecurrentWeights"))
    b = np.split(stored["Bias"], len(stored["Bias"]) // U)
    e = b[3:] if mode.startswith("recurrent-bias") else [np.zeros(U)] * 3
    h = np.zeros(U)
    for step in x:
        r = sigmoid(wr @ step + rr @ h + b[0] + e[0])
        z = sigmoid(wz @ step + rz @ h + b[1] + e[1])
        back = rn @ (r * h) if mode == "before-multiplication" else r * (rn @ h + e[2])
        h = (1 - z) * np.tanh(wn @ step + back + b[2]) + z * h
    return h


MODES = ("after-multiplication", "before-multiplication", "recurrent-bias-after-multiplication")


@pytest.mark.parametrize("mode", MODES)
def test_gru_reset_gate_modes(mode, x):
    stored = weights(3, biases=2 if mode.startswith("recurrent-bias") else 1)
    got = gru({**LAST, "ResetGateMode": mode}, stored, x)
    np.testing.assert_allclose(got, [by_hand(stored, sample, mode) for sample in x], rtol=1e-13)


def test_gru_modes_differ(x):
    stored = weights(3)
    doubled = {**stored, "Bias": np.concatenate([stored["Bias"], np.ones(3 * U)])}
    after, before = (gru({"ResetGateMode": mode}, stored, x) for mode in MODES[:2])
    biased = gru({"ResetGateMode": MODES[2]}, doubled, x)
    assert all(np.abs(a - b).max() > 1e-3 for a, b in ((after, before), (after, biased), (before, biased)))
    none = {**stored, "Bias": np.concatenate([stored["Bias"], np.zeros(3 * U)])}
    np.testing.assert_array_equal(gru({"ResetGateMode": MODES[2]}, none, x), after)


def test_the_last_of_both_ways_is_where_each_run_ends(x):
    stored = weights(4, ways=2) | {"HiddenState": np.arange(2.0 * U), "CellState": -np.arange(2.0 * U)}
    whole, last = bilstm({}, stored, x), bilstm(LAST, stored, x)
    np.testing.assert_array_equal(last, np.concatenate([whole[:, -1, :U], whole[:, 0, U:]], axis=1))
    halves = [{name: np.split(value, 2)[way] for name, value in stored.items()} for way in (0, 1)]
    np.testing.assert_array_equal(whole[..., :U], lstm({}, halves[0], x))
    np.testing.assert_array_equal(whole[..., U:], lstm({}, halves[1], x[:, ::-1])[:, ::-1])


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
def test_projected_layers_are_plain_ones_with_effective_weights(kind, gates, x):
    """https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.lstmprojectedlayer.html"""
    source = np.random.default_rng(5)
    stored = {
        "InputWeights": source.normal(size=(gates * U, 2)),
        "RecurrentWeights": source.normal(size=(gates * U, 1)),
        "InputProjector": source.normal(size=(C, 2)),
        "OutputProjector": source.normal(size=(U, 1)),
        "Bias": source.normal(size=gates * U),
    }
    plain = {
        "InputWeights": np.einsum("rp,cp->rc", stored["InputWeights"], stored["InputProjector"]),
        "RecurrentWeights": np.einsum("rp,up->ru", stored["RecurrentWeights"], stored["OutputProjector"]),
        "Bias": stored["Bias"],
    }
    got = semantics("matlab", f"{kind}ProjectedLayer")({}, stored, x)
    np.testing.assert_allclose(got, semantics("matlab", f"{kind}Layer")({}, plain, x), rtol=1e-13)


def test_heads_are_blocks_of_rows(x):
    """https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.selfattentionlayer.html"""
    source = np.random.default_rng(3)
    rows = {"Query": 4, "Key": 4, "Value": 6}
    stored = {f"{name}Weights": source.normal(size=(count, C)) for name, count in rows.items()}
    stored |= {f"{name}Bias": source.normal(size=count) for name, count in rows.items()}
    stored |= {"OutputWeights": np.eye(6), "OutputBias": np.zeros(6)}
    sample = x[0]
    q, k, v = (sample @ stored[f"{name}Weights"].T + stored[f"{name}Bias"] for name in rows)
    expected = np.zeros((T, 6))
    for head in range(2):
        keys, values = slice(2 * head, 2 * head + 2), slice(3 * head, 3 * head + 3)
        for step in range(T):
            powers = [exp(q[step, keys] @ k[other, keys] / 2**0.5) for other in range(T)]
            shares = [power / sum(powers) for power in powers]
            expected[step, values] = sum(share * v[other, values] for other, share in enumerate(shares))
    np.testing.assert_allclose(attention({"NumHeads": 2}, stored, x)[0], expected, rtol=1e-12)
    causal = attention({"NumHeads": 2, "AttentionMask": "causal"}, stored, x)
    np.testing.assert_allclose(causal[0, 0], v[0], rtol=1e-13)  # the first step sees itself alone
    np.testing.assert_allclose(causal[0, -1], expected[-1], rtol=1e-12)  # the last one sees all
    assert attention({"NumHeads": 2}, stored, x[:0]).shape == (0, T, 6)
