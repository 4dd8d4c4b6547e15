"""Noise scale: as large as float32 rounding is, for every formula, and zero where nothing is computed."""

from __future__ import annotations

import numpy as np
import pytest

from harness.oracle import OracleError, evaluate
from harness.oracle.noise import coarse, measure, perturbed
from harness.spec import Input, Layer, Spec
from harness.units import TF32, UNIT


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


def test_tf32_adds_the_rounding_of_both_operands_of_each_product() -> None:
    """Four products of 1 by 1: each operand is off by up to 2**-11, so the sum by sqrt(2 * 4) of these, uniform."""
    generator = np.random.Generator(np.random.PCG64(3))
    sums = []
    for _ in range(4000):
        x = perturbed({"x": np.ones((1, 4))}, generator, product=TF32)["x"]
        sums.append(float(np.asarray(np.matmul(x, np.ones((4, 1))))[0, 0]))
    assert np.std(sums) == pytest.approx(2.0**-11 * np.sqrt(8) / np.sqrt(3), rel=0.03)
    assert np.mean(sums) == pytest.approx(4.0, abs=1e-4)


def test_tf32_changes_no_elementwise_arithmetic() -> None:
    generators = [np.random.Generator(np.random.PCG64(5)) for _ in range(2)]
    plain, tf32 = (
        np.asarray(perturbed({"x": np.linspace(1, 2, 8)}, generator, product=product)["x"] * 3.0)
        for generator, product in zip(generators, (0.0, TF32), strict=True)
    )
    assert (plain == tf32).all()


def test_the_scale_of_tf32_is_wider_by_its_roundings() -> None:
    spec, weights, inputs = dense(64)
    expected = evaluate(spec, weights, inputs)
    plain, tf32 = (measure(spec, weights, inputs, expected, tf32=tf32)["y"] for tf32 in (False, True))
    assert 1000 < np.median(tf32 / plain) < 2**13 * 2


def test_roundings_are_those_of_all_arrays_in_their_order() -> None:
    """Made one at a time and in any order, they are what one draw after the other gives; goldens depend on that."""
    arrays = {
        "a": np.linspace(1, 2, 6, dtype=np.float32).reshape(2, 3), "n": np.arange(4), "b": np.array(3.0),
        "c": np.linspace(-1, 1, 5, dtype=np.float32), "s": np.array(["x"]),
    }  # fmt: skip
    eager, lazy = (np.random.Generator(np.random.PCG64(5)) for _ in range(2))
    wanted = {
        name: value.astype(np.float64) * (1 + UNIT * eager.uniform(-1, 1, value.shape))
        for name, value in arrays.items()
        if value.dtype.kind == "f"
    }
    made = perturbed(arrays, lazy)
    assert lazy.uniform() == eager.uniform()
    for name in reversed(wanted):
        for _ in range(2):
            np.testing.assert_array_equal(np.asarray(made[name]), wanted[name])
    assert [made[name].dtype.kind for name in made] == ["f", "i", "f", "f", "U"]
