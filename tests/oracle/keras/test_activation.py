"""Activations against values from their papers and from hand computation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.catalogue.keras.activation import FUNCTIONS as DRAWN
from harness.oracle import noise, semantics
from harness.oracle.keras.activation import ALIASES, FUNCTIONS, activate
from harness.spec import Input, Layer, Spec

LIMITS = {
    "softplus": (0.0, 1e5),
    "log_sigmoid": (-1e5, 0.0),
    "sigmoid": (0.0, 1.0),
    "silu": (0.0, 1e5),
    "mish": (0.0, 1e5),
    "gelu": (0.0, 1e5),
    "tanh": (-1.0, 1.0),
    "elu": (-1.0, 1e5),
    "selu": (-1.0507009873554805 * 1.6732632423543772, 1.0507009873554805 * 1e5),
    "hard_silu": (0.0, 1e5),
    "softsign": (-1e5 / (1e5 + 1), 1e5 / (1e5 + 1)),
}
AT_ONE = {
    "gelu": 0.8413447460685429,
    "silu": 0.7310585786300049,
    "softplus": 1.3132616875182228,
    "mish": 0.8650983882673103,
    "squareplus": (1 + math.sqrt(5)) / 2,
    "tanh_shrink": 1 - math.tanh(1),
    "selu": 1.0507009873554805,
    "hard_silu": 4 / 6,
    "hard_sigmoid": 4 / 6,
    "sparse_plus": 1.0,
    "sparse_sigmoid": 1.0,
    "softsign": 0.5,
    "exponential": math.e,
    "soft_shrink": 0.5,
    "hard_shrink": 1.0,
}
AT_MINUS_ONE = {
    "gelu": -0.15865525393145707,
    "elu": math.exp(-1) - 1,
    "celu": math.exp(-1) - 1,
    "selu": 1.0507009873554805 * 1.6732632423543772 * (math.exp(-1) - 1),
    "leaky_relu": -0.2,
    "log_sigmoid": -1.3132616875182228,
    "hard_silu": -2 / 6,
    "relu": 0.0,
}


def layer(kind, config, x, **weights):
    return semantics("keras", kind)(config, {k: np.array(v) for k, v in weights.items()}, np.array(x, dtype=float))


@pytest.mark.parametrize(("sign", "table"), [(1.0, AT_ONE), (-1.0, AT_MINUS_ONE)])
def test_reference_values(sign, table):
    got = {name: float(activate(name, np.array([sign]))[0]) for name in table}
    assert got == pytest.approx(table, rel=1e-14)


@pytest.mark.filterwarnings("ignore:overflow")
def test_far_ends_are_stable():
    got = {name: tuple(activate(name, np.array([-1e5, 1e5]))) for name in LIMITS}
    assert got == {name: pytest.approx(ends, rel=1e-12) for name, ends in LIMITS.items()}


def test_tail_keeps_relative_accuracy():
    assert activate("softplus", np.array([-50.0]))[0] == pytest.approx(math.exp(-50), rel=1e-14, abs=0)


def test_pieces_meet_at_their_knots():
    x = np.array([-3.0, 3.0])
    assert activate("hard_sigmoid", x).tolist() == [0, 1]
    assert activate("hard_silu", x).tolist() == [0, 3]
    assert activate("hard_shrink", np.array([-0.5, 0.5])).tolist() == [0, 0]
    assert activate("relu6", np.array([-1.0, 5.0, 7.0])).tolist() == [0, 5, 6]


def test_functions_over_the_last_axis():
    assert activate("softmax", np.array([[0.0, math.log(3)]])) == pytest.approx(np.array([[0.25, 0.75]]))
    assert activate("log_softmax", np.array([[0.0, math.log(3)]])) == pytest.approx(np.log([[0.25, 0.75]]))
    assert activate("glu", np.array([[2.0, 0.0]])).tolist() == [[1.0]]
    assert activate("sparsemax", np.array([[1.0, 0.9, -1.0]])) == pytest.approx(np.array([[0.55, 0.45, 0.0]]))


def test_softmax_over_two_axes_together():
    got = layer("Softmax", {"axis": [1, -1]}, np.zeros((1, 2, 3, 2)))
    assert got == pytest.approx(np.full((1, 2, 3, 2), 1 / 4))


def test_names():
    assert activate(None, np.array([-2.0]))[0] == -2
    assert all(activate(other, np.array([1.0])) == activate(name, np.array([1.0])) for other, name in ALIASES.items())
    assert set(FUNCTIONS) - set(DRAWN) == {"sparsemax"}


def test_relu_pieces():
    config = {"max_value": 6.0, "negative_slope": 0.5, "threshold": 1.0}
    assert layer("ReLU", config, [-1, 0.5, 2, 9]).tolist() == [-1.0, -0.25, 2.0, 6.0]
    assert layer("ReLU", {}, [-np.inf, -1, 0, 2]).tolist() == [0, 0, 0, 2]
    assert np.isnan(layer("ReLU", {"max_value": 6.0}, [np.nan])).all()


def test_defaults_of_the_layers():
    assert layer("LeakyReLU", {}, [-2.0]) == pytest.approx(np.array([-0.6]))
    assert layer("LeakyReLU", {"negative_slope": 2.0}, [-2.0, 3.0]).tolist() == [-4.0, 3.0]
    assert layer("ELU", {"alpha": 2.0}, [-1.0, 1.0]) == pytest.approx(np.array([2 * (math.exp(-1) - 1), 1]))


def test_prelu_shares_along_size_one():
    got = layer("PReLU", {"shared_axes": [1]}, [[[-1, -1], [-1, 1]]], alpha=[[2.0, 3.0]])
    assert got.tolist() == [[[-2.0, -3.0], [-2.0, 1.0]]]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("relu", "relu6", "hard_tanh")])
def test_every_function_carries_noise(name):
    spec = Spec("keras", (Input("x", (4,)),), (Layer("Activation", "layer", {"activation": name}, ("x",)),), ("layer",))
    x = np.array([[0.7, -0.6, 0.3, -0.2], [0.9, 0.8, -0.9, 0.6]], dtype=np.float32)
    expected = {"layer": activate(name, x.astype(float))}
    scale = noise.measure(spec, {}, {"x": x}, expected)["layer"]
    assert (scale[expected["layer"] != 0] > 0).all()
