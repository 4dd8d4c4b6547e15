"""LSTM and GRU against cells written out by hand, and the laws of masks, states and direction."""

from __future__ import annotations

from math import exp, tanh

import numpy as np
import pytest

from harness.catalogue import find
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.draw.inputs import MASKS
from harness.oracle import semantics

lstm, gru = semantics("keras", "LSTM"), semantics("keras", "GRU")

F, U, B, T = 3, 2, 2, 5
RETURNS = {"return_sequences": True, "return_state": True}


def sigmoid(x):
    return 1 / (1 + exp(-x))


def weights(gates, *, bias=(), features=F, units=U):
    source = np.random.default_rng(gates)
    drawn = {
        "kernel": source.normal(size=(features, gates * units)),
        "recurrent_kernel": source.normal(size=(units, gates * units)),
    }
    return drawn | ({"bias": source.normal(size=(*bias, gates * units))} if bias is not None else {})


@pytest.fixture
def x():
    return np.random.default_rng(7).normal(size=(B, T, F))


def run(layer, x, *, config=None, **keywords):
    """Sequence and states of a layer with random weights, zero where the configuration does not say otherwise."""
    layer_weights = weights(4) if layer is lstm else weights(3, bias=(2,))
    return layer({"units": U, **RETURNS, **(config or {})}, layer_weights, x, **keywords)


def states(layer, *, seed=3):
    values = np.random.default_rng(seed).normal(size=(2, B, U))
    return tuple(values) if layer is lstm else values[0]


def test_lstm_cell_by_hand():
    w = {
        "kernel": np.array([[0.5, -1.0, 2.0, 0.25]]),
        "recurrent_kernel": np.array([[-0.5, 1.5, 0.75, -2.0]]),
        "bias": np.array([0.1, 0.2, -0.3, 0.4]),
    }
    x, h, c = 1.5, 0.5, -0.75
    i = sigmoid(0.5 * x - 0.5 * h + 0.1)
    f = sigmoid(-1.0 * x + 1.5 * h + 0.2)
    carry = f * c + i * tanh(2.0 * x + 0.75 * h - 0.3)
    o = sigmoid(0.25 * x - 2.0 * h + 0.4)
    got = lstm(
        {"units": 1, "return_state": True},
        w,
        np.full((1, 1, 1), x),
        initial_state=(np.full((1, 1), h), np.full((1, 1), c)),
    )
    np.testing.assert_allclose(np.ravel(got), [o * tanh(carry), o * tanh(carry), carry], rtol=1e-14)


@pytest.mark.parametrize("after", [True, False])
def test_gru_cell_by_hand(after):
    w = {"kernel": np.array([[0.5, -1.0, 2.0]]), "recurrent_kernel": np.array([[-0.5, 1.5, 0.75]])}
    b, d = np.array([0.1, 0.2, -0.3]), np.array([0.4, -0.6, 0.7])
    w["bias"] = np.stack([b, d]) if after else b
    x, h = 1.5, 0.5
    z = sigmoid(0.5 * x + 0.1 - 0.5 * h + (0.4 if after else 0))
    r = sigmoid(-1.0 * x + 0.2 + 1.5 * h + (-0.6 if after else 0))
    inner = r * (0.75 * h + 0.7) if after else 0.75 * (r * h)
    expected = z * h + (1 - z) * tanh(2.0 * x - 0.3 + inner)
    got = gru({"units": 1, "reset_after": after}, w, np.full((1, 1, 1), x), initial_state=np.full((1, 1), h))
    np.testing.assert_allclose(got, [[expected]], rtol=1e-14)


def test_reset_after_is_the_default_and_differs_from_before(x):
    w = weights(3, bias=None, units=3, features=F)
    default, after, before = (gru({"units": 3, **c}, w, x) for c in ({}, {"reset_after": True}, {"reset_after": False}))
    np.testing.assert_array_equal(default, after)
    assert np.abs(after - before).min() > 1e-6


def test_reset_after_and_before_agree_where_nothing_was_remembered(x):
    """From a zero state, without biases, the reset gate has nothing to act on."""
    w = weights(3, bias=None)
    after, before = (gru({"units": U, "reset_after": flag}, w, x[:, :1]) for flag in (True, False))
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("layer", [lstm, gru])
class TestSequence:
    def test_a_sequence_is_its_steps_chained_by_their_states(self, layer, x):
        whole, *final = run(layer, x)
        state = None
        for t in range(T):
            one, *last = run(layer, x[:, t : t + 1], initial_state=state)
            np.testing.assert_array_equal(one[:, 0], whole[:, t])
            state = tuple(last) if layer is lstm else last[0]
        np.testing.assert_array_equal(last, final)

    def test_no_initial_state_means_zeros(self, layer, x):
        zeros = np.zeros((B, U))
        output = run(layer, x, initial_state=(zeros, zeros) if layer is lstm else zeros)
        np.testing.assert_array_equal(output[0], run(layer, x)[0])

    def test_go_backwards_is_the_reversed_input_in_processing_order(self, layer, x):
        mask = np.random.default_rng(1).random((B, T)) < 0.6
        back = run(layer, x, config={"go_backwards": True}, mask=mask, initial_state=states(layer))
        turned = run(layer, x[:, ::-1], mask=mask[:, ::-1], initial_state=states(layer))
        for got, expected in zip(back, turned, strict=True):
            np.testing.assert_array_equal(got, expected)

    def test_outputs_by_flags(self, layer, x):
        sequence, h, *_ = run(layer, x)
        assert sequence.shape == (B, T, U)
        np.testing.assert_array_equal(sequence[:, -1], h)
        plain = run(layer, x, config={"return_sequences": False, "return_state": False})
        np.testing.assert_array_equal(plain, h)

    def test_activations_are_told_apart(self, layer, x):
        relu = {"activation": "relu"}
        assert (run(layer, x, config=relu)[0] != run(layer, x)[0]).any()
        swapped = {"activation": "sigmoid", "recurrent_activation": "tanh"}
        assert (run(layer, x, config=swapped)[0] != run(layer, x)[0]).all()


@pytest.mark.parametrize("layer", [lstm, gru])
class TestMask:
    def test_a_hole_is_the_sequence_without_that_step(self, layer, x):
        mask = np.ones((B, T), dtype=bool)
        mask[:, 2] = False
        sequence, *final = run(layer, x, mask=mask)
        short, *expected = run(layer, np.delete(x, 2, axis=1))
        np.testing.assert_array_equal(final, expected)
        np.testing.assert_array_equal(np.delete(sequence, 2, axis=1), short)
        np.testing.assert_array_equal(sequence[:, 2], sequence[:, 1])

    def test_padding_repeats_the_last_output(self, layer, x):
        mask = np.arange(T) < np.array([[2], [5]])
        sequence, h, *_ = run(layer, x, mask=mask)
        np.testing.assert_array_equal(sequence[0, 2:], np.broadcast_to(sequence[0, 1], (3, U)))
        np.testing.assert_array_equal(h, sequence[:, -1])

    def test_a_fully_masked_sample_gives_zeros_and_keeps_its_state(self, layer, x):
        mask = np.array([[False] * T, [True] * T])
        sequence, *final = run(layer, x, mask=mask, initial_state=states(layer))
        assert not sequence[0].any()
        first = np.stack(states(layer)) if layer is lstm else states(layer)[None]
        np.testing.assert_array_equal(np.stack(final)[:, 0], first[:, 0])

    def test_zero_output_for_mask(self, layer, x):
        mask = np.arange(T) < np.array([[2], [5]])
        sequence, h, *_ = run(layer, x, mask=mask, config={"zero_output_for_mask": True})
        assert not sequence[0, 2:].any()
        np.testing.assert_array_equal(h[0], sequence[0, 1])


@pytest.mark.parametrize("law", MASKS)
def test_mask_laws_mask_something_and_never_everything(law):
    for seed in range(20):
        mask = MASKS[law]((3, 5), np.random.default_rng(seed))
        assert mask.shape == (3, 5)
        assert mask.any()
        if law != "mixed":
            assert not mask.all()
        if law == "ragged":
            assert (np.diff(mask.astype(int), axis=1) <= 0).all()
            assert mask[:, 0].all()
        if law == "left":
            assert (np.diff(mask.astype(int), axis=1) >= 0).all()
            assert mask[:, -1].all()
        if law in ("hole", "row"):
            assert (~mask).sum() == (1 if law == "hole" else 5)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_catalogue_shapes(kind):
    """`equal` sizes fit a transposed kernel, `distinct` ones fit no exchange; rounding reaches every output."""
    row = find("keras", kind)
    array = covering_array(row)
    assert 30 <= len(array) <= 110
    for choice in [c for c in array if c["profile"] == "main" and c["mask"] != "implicit"]:
        case = seeded_case(row, {**choice, "activation": "tanh", "recurrent_activation": "sigmoid"})
        batch, steps, features = case.inputs["x"].shape
        sizes = {batch, steps, features, case.config["units"]}
        assert len(sizes) == 4 if choice["sizes"] == "distinct" else features == case.config["units"]
        for name, expected in case.golden.expected.items():
            assert ((case.golden.noise[name] > 0) | (expected == 0)).all(), name
