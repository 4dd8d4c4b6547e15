"""Large convolutions and poolings are computed in blocks: the same numbers, noise of the same size, bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from harness.oracle import evaluate, walk
from harness.oracle.matlab import convolution as banks
from harness.oracle.matlab import shapes
from harness.oracle.noise import measure
from harness.spec import Input, Layer, Spec

LARGE = shapes.LARGE


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).uniform(-1, 1, shape)


CASES = {
    "conv": ("Convolution2DLayer", {"Stride": [2, 1], "PaddingSize": [1, 0, 2, 1]}, (3, 2, 4, 5), None),
    "dilated": ("Convolution2DLayer", {"DilationFactor": [2, 3], "PaddingMode": "same"}, (3, 3, 4, 5), None),
    "edges": ("Convolution2DLayer", {"PaddingSize": [1, 1, 1, 1], "PaddingValue": "replicate"}, (3, 3, 4, 5), None),
    "grouped": ("GroupedConvolution2DLayer", {"PaddingMode": "same"}, (3, 3, 2, 3, 2), (3, 2)),
    "max": ("MaxPooling2DLayer", {"PoolSize": [3, 2], "Stride": [2, 2], "PaddingSize": [1, 1, 0, 1]}, None, None),
    "average": (
        "AveragePooling2DLayer",
        {"PoolSize": [3, 3], "PaddingMode": "same", "PaddingValue": "mean"},
        None,
        None,
    ),
}


def network(name: str) -> tuple[Spec, dict[str, np.ndarray]]:
    kind, config, bank, bias = CASES[name]
    spec = Spec("matlab", (Input("x", (4, 23, 19)),), (Layer(kind, "y", config, ("x",)),), ("y",))
    weights = {} if bank is None else {"y/Weights": numbers(*bank), "y/Bias": numbers(*(bias or bank[-1:]))}
    return spec, weights


@pytest.mark.parametrize("name", CASES)
def test_blocks_give_the_same_numbers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, weights = network(name)
    inputs = {"x": numbers(2, 4, 23, 19)}
    whole = evaluate(spec, weights, inputs)
    for block in (1, 700, 10**6):  # one row at a time, some rows, all rows of a sample
        monkeypatch.setattr(shapes, "LARGE", 1)
        monkeypatch.setattr(shapes, "BLOCK", block)
        np.testing.assert_allclose(evaluate(spec, weights, inputs)["y"], whole["y"], rtol=1e-13, atol=1e-14)


def test_matconvnet_goes_in_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = (
        Layer("conv", "c", {"stride": [2, 1], "pad": [1, 0, 2, 1]}, ("x",)),
        Layer("pool", "p", {"pool": [3, 2], "stride": [2, 2], "pad": [1, 0, 0, 1], "method": "avg"}, ("c",)),
        Layer("pool", "m", {"pool": [2, 2]}, ("p",)),
    )
    spec = Spec("matconvnet", (Input("x", (4, 23, 19)),), layers, ("c", "p", "m"))
    weights = {"c/filters": numbers(3, 2, 2, 6), "c/biases": numbers(6)}  # two groups
    inputs = {"x": numbers(2, 4, 23, 19)}
    whole = evaluate(spec, weights, inputs)
    monkeypatch.setattr(shapes, "LARGE", 1)
    monkeypatch.setattr(shapes, "BLOCK", 300)
    for name, value in evaluate(spec, weights, inputs).items():
        np.testing.assert_allclose(value, whole[name], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", ["conv", "average"])
def test_noise_in_blocks_is_as_large(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, weights = network(name)
    inputs = {"x": numbers(2, 4, 23, 19)}
    expected = evaluate(spec, weights, inputs)
    whole = measure(spec, weights, inputs, expected)["y"]
    monkeypatch.setattr(shapes, "LARGE", 1)
    monkeypatch.setattr(shapes, "BLOCK", 700)
    blocks = measure(spec, weights, inputs, expected)["y"]
    assert float(np.sqrt(np.mean(np.square(blocks)))) == pytest.approx(np.sqrt(np.mean(np.square(whole))), rel=0.05)


def test_memory_of_a_convolution_is_that_of_its_output_and_a_block() -> None:
    """The windows of the whole image would take 9 x 8 x 512 x 512 doubles, 151 MB."""
    spec = Spec(
        "matlab",
        (Input("x", (8, 512, 512)),),
        (Layer("Convolution2DLayer", "y", {"PaddingSize": [1, 1, 1, 1]}, ("x",)),),
        ("y",),
    )
    weights = {"y/Weights": numbers(3, 3, 8, 2), "y/Bias": numbers(2)}
    x = np.zeros((1, 8, 512, 512))
    tracemalloc.start()
    evaluate(spec, weights, {"x": x})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    image = 8 * 512 * 512 * 8
    assert peak < 2 * image + 4 * 8 * shapes.BLOCK


def test_small_cases_are_computed_as_before() -> None:
    """Every golden has fewer elements than `LARGE`, so that no last bit of one has changed."""
    assert LARGE == 2**20
    assert not shapes.is_large(np.zeros((2, 4, 23, 19)), (3, 2), (1, 1), (1, 1))
    assert shapes.is_large(np.zeros((1, 16, 130, 130)), (3, 3), (1, 1), (1, 1))
    assert banks.MANY_NUMBERS == 2**14


def test_tensors_that_nobody_reads_any_more_are_dropped() -> None:
    layers = (
        Layer("ReLULayer", "a", {}, ("x",)),
        Layer("ReLULayer", "b", {}, ("a",)),
        Layer("AdditionLayer", "c", {}, ("b", "a")),
    )
    spec = Spec("matlab", (Input("x", (3,)),), layers, ("c",))
    x = {"x": numbers(1, 3)}
    assert sorted(walk(spec, {}, x)) == ["a", "b", "c", "x"]
    assert sorted(walk(spec, {}, x, ("c",))) == ["c"]
    assert sorted(walk(spec, {}, x, ("b", "c"))) == ["b", "c"]
    np.testing.assert_array_equal(walk(spec, {}, x, ("c",))["c"], walk(spec, {}, x)["c"])
