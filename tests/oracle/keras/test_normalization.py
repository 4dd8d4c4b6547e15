"""Normalisation on numbers small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pytest

from harness.oracle import semantics


def layer(kind, config, x, **weights):
    return semantics("keras", kind)(config, {k: np.array(v) for k, v in weights.items()}, np.array(x, dtype=float))


def test_batch_normalization_formula():
    got = layer(
        "BatchNormalization",
        {"epsilon": 1.0},
        [[3.0, 5.0]],
        gamma=[2.0, -1.0],
        beta=[0.5, 0.0],
        moving_mean=[1.0, 1.0],
        moving_variance=[3.0, 15.0],
    )
    assert got.tolist() == [[2 * 2 / 2 + 0.5, -1 * 4 / 4]]


def test_batch_normalization_default_epsilon_without_gamma_and_beta():
    got = layer("BatchNormalization", {"scale": False, "center": False}, [[1.0]], moving_mean=[0], moving_variance=[0])
    assert got[0, 0] == pytest.approx(1 / np.sqrt(1e-3))


def test_batch_normalization_along_an_inner_axis():
    got = layer("BatchNormalization", {"axis": -2, "epsilon": 0.0}, np.zeros((1, 2, 2)), moving_mean=[1, 2],
                moving_variance=[1, 1])  # fmt: skip
    assert got.tolist() == [[[-1, -1], [-2, -2]]]


def test_layer_normalization_of_two_numbers():
    got = layer("LayerNormalization", {"epsilon": 3.0}, [[1.0, 3.0]], gamma=[2.0, 1.0], beta=[0.0, 1.0])
    assert got.tolist() == [[-1.0, 1.5]]


def test_layer_normalization_over_axes_that_are_not_neighbours():
    x = np.arange(8.0).reshape(1, 2, 2, 2)
    gamma = np.array([[1.0, 2.0], [3.0, 4.0]])
    got = layer("LayerNormalization", {"axis": [1, 3], "epsilon": 0.0}, x, gamma=gamma)
    part = x[0, :, 0, :]
    assert got[0, :, 0, :] == pytest.approx((part - part.mean()) / part.std() * gamma)


def test_rms_scaling_divides_the_input_itself():
    got = layer("LayerNormalization", {"epsilon": 3.0, "rms_scaling": True}, [[1.0, 3.0]], gamma=[2.0, 1.0])
    assert got.tolist() == [[1.0, 1.5]]


def test_layer_norm_over_no_axis_is_beta():
    """Each number is its own mean, with variance 0; `rms_scaling` divides by sqrt(0.25) and multiplies by gamma."""
    weights = {"gamma": np.array(3.0), "beta": np.array(0.5)}
    layer = semantics("keras", "LayerNormalization")
    assert layer({"axis": []}, weights, np.array([[4.0, -1.0]])).tolist() == [[0.5, 0.5]]
    scaled = layer(
        {"axis": (), "epsilon": 0.25, "rms_scaling": True}, {"gamma": np.array(3.0)}, np.array([[4.0, -1.0]])
    )
    assert scaled.tolist() == [[24, -6]]
