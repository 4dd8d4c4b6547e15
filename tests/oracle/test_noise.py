"""Noise scale: as large as float32 rounding is, for every formula, and zero where nothing is computed."""

from __future__ import annotations

import numpy as np
import pytest

from harness.oracle import OracleError, evaluate
from harness.oracle.noise import coarse, measure, perturbed
from harness.spec import Input, Layer, Spec
from harness.units import UNIT


def dense(n: int, activation: str | None = None) -> tuple[Spec, dict[str, np.ndarray], dict[str, np.ndarray]]:
    source = np.random.Generator(np.random.PCG64(n))
    spec = Spec(
        "keras", (Input("x", (n,)),), (Layer("Dense", "y", {"units": 3, "activation": activation}, ("x",)),), ("y",)
    )
    weights = {"y/kernel": source.normal(0, n**-0.5, (n, 3)), "y/bias": source.normal(size=3)}
    return spec, weights, {"x": source.normal(size=(2, n))}


@pytest.mark.parametrize("n", [16, 256, 2048])
def test_scale_is_that_of_float32_arithmetic(n: int) -> None:
    """float32 NumPy, an implementation independent of the oracle's, lies within a few units at every size."""
    spec, weights, inputs = dense(n)
    weights = {k: v.astype(np.float32) for k, v in weights.items()}
    inputs = {k: v.astype(np.float32) for k, v in inputs.items()}
    expected = evaluate(spec, weights, inputs)
    scale = measure(spec, weights, inputs, expected)["y"]
    got = inputs["x"] @ weights["y/kernel"] + weights["y/bias"]
    units = np.abs(got - expected["y"]) / scale
    assert scale.shape == expected["y"].shape
    assert 0.001 < units.max() < 32


def test_scale_grows_with_cancellation() -> None:
    spec = Spec("keras", (Input("x", (2,)),), (Layer("Dense", "y", {"units": 1}, ("x",)),), ("y",))
    weights = {"y/kernel": np.array([[1.0], [-1.0]]), "y/bias": np.zeros(1)}
    scales = [
        float(measure(spec, weights, {"x": x}, evaluate(spec, weights, {"x": x}))["y"][0, 0] / abs(x[0, 0] - x[0, 1]))
        for x in (np.array([[2.0, 1.0]]), np.array([[1.0, 0.999]]))
    ]
    assert scales[1] > 100 * scales[0]


def test_perturbation_is_one_rounding() -> None:
    x = np.linspace(1, 2, 1000)
    noisy = np.asarray(perturbed({"x": x}, np.random.Generator(np.random.PCG64(0)))["x"])
    error = np.abs(noisy / x - 1)
    assert 0 < error.max() <= UNIT


def test_hidden_sums_are_refused() -> None:
    noisy = perturbed({"x": np.ones((2, 2))}, np.random.Generator(np.random.PCG64(0)))["x"]
    with pytest.raises(TypeError, match=r"matmul or add\.reduce"):
        np.einsum("ij->i", noisy)


def test_coarse_scale_is_near() -> None:
    scale = 10.0 ** np.linspace(-30, 30, 200)
    assert np.abs(coarse(scale) / scale - 1).max() < 2**-5


def test_layer_without_oracle_is_named() -> None:
    spec = Spec("keras", (Input("x", (2,)),), (Layer("Dance", "y", {}, ("x",)),), ("y",))
    with pytest.raises(OracleError, match="no oracle for 'Dance'"):
        evaluate(spec, {}, {"x": np.ones((1, 2))})
