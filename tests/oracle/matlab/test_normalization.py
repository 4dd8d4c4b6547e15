"""Normalisation of Deep Learning Toolbox on numbers small enough to do by hand.

The formulas are those of https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.layernormalizationlayer.html
and of the pages of the other layers beside it.
"""

from __future__ import annotations

import numpy as np
import pytest

from harness.oracle import semantics


def layer(kind, config, x, scale=None, offset=None, **more):
    x = np.array(x, dtype=float)
    channels = x.shape[2 if x.ndim == 3 else 1]
    weights = {"Scale": np.ones(channels) if scale is None else scale, "Offset": offset or np.zeros(channels), **more}
    return semantics("matlab", kind)(config, {k: np.array(v, dtype=float) for k, v in weights.items()}, x)


def test_batch_normalization_adds_epsilon_to_the_variance():
    got = layer(
        "BatchNormalizationLayer",
        {"Epsilon": 1.0},
        [[3.0, 5.0]],
        scale=[2, -1],
        offset=[0.5, 0],
        TrainedMean=[1, 1],
        TrainedVariance=[3, 15],
    )
    assert got.tolist() == [[2 * 2 / 2 + 0.5, -1 * 4 / 4]]


IMAGE = [[[[0.0, 2.0]], [[4.0, 10.0]]]]  # two channels of one row and two columns
EPS = {"Epsilon": 0.0}


@pytest.mark.parametrize("mode", ["auto", "spatial-channel", "batch-excluded"])
def test_layer_normalization_of_an_image_takes_plane_and_channels_together(mode):
    got = layer("LayerNormalizationLayer", {**EPS, "OperationDimension": mode}, IMAGE)
    np.testing.assert_allclose(got, (np.array(IMAGE) - 4) / np.sqrt((16 + 4 + 0 + 36) / 4))


def test_layer_normalization_over_channels_only_looks_at_each_place():
    config = {**EPS, "OperationDimension": "channel-only"}
    got = layer("LayerNormalizationLayer", config, IMAGE, scale=[2, -3], offset=[1, 0])
    assert got.tolist() == [[[[-1, -1]], [[-3, -3]]]]  # 0, 4 and 2, 10 are -1, 1 before scale and offset


@pytest.mark.parametrize("mode", ["auto", "channel-only", "spatial-channel"])
def test_layer_normalization_of_a_sequence_keeps_steps_apart(mode):
    got = layer("LayerNormalizationLayer", {**EPS, "OperationDimension": mode}, [[[0.0, 2.0], [4.0, 10.0]]])
    assert got.tolist() == [[[-1, 1], [-1, 1]]]


def test_layer_normalization_without_the_batch_takes_all_steps():
    config = {**EPS, "OperationDimension": "batch-excluded"}
    got = layer("LayerNormalizationLayer", config, [[[0.0, 2.0], [4.0, 10.0]]])
    np.testing.assert_allclose(got, (np.array([[[0, 2], [4, 10]]]) - 4) / np.sqrt(14))


def test_groups_are_contiguous_channels():
    got = layer("GroupNormalizationLayer", {**EPS, "NumGroups": 2}, [[0.0, 2.0, 4.0, 10.0]], offset=[0, 0, 1, 0])
    assert got.tolist() == [[-1, 1, 0, 1]]


def test_named_groups():
    x = np.random.default_rng(1).normal(size=(2, 5, 3))
    kinds = [("all-channels", 1), ("channel-wise", 3)]
    for name, count in kinds:
        config, same = {"NumGroups": name}, {"NumGroups": count}
        np.testing.assert_array_equal(
            layer("GroupNormalizationLayer", config, x), layer("GroupNormalizationLayer", same, x)
        )
    np.testing.assert_allclose(
        layer("GroupNormalizationLayer", {"NumGroups": "channel-wise"}, x), layer("InstanceNormalizationLayer", {}, x)
    )


def test_instance_normalization_takes_all_of_time():
    got = layer("InstanceNormalizationLayer", EPS, [[[0.0, 5.0], [4.0, 3.0]]])
    assert got.tolist() == [[[-1, 1], [1, -1]]]


def test_one_place_leaves_the_offset():
    got = layer("InstanceNormalizationLayer", {}, np.full((1, 2, 1, 1), 7.0), offset=[0.5, -1])
    assert got.ravel().tolist() == [0.5, -1]


def test_no_samples_stay_none():
    assert layer("GroupNormalizationLayer", {"NumGroups": 2}, np.zeros((0, 4, 3, 2))).shape == (0, 4, 3, 2)


@pytest.mark.parametrize(
    ("window", "divisors"),
    [
        (1, [1 + 1, 1 + 4, 1 + 9]),
        (2, [1 + 1 + 4, 1 + 4 + 9, 1 + 9]),
        (3, [1 + 1 + 4, 1 + 1 + 4 + 9, 1 + 4 + 9]),
        (4, [1 + 1 + 4 + 9, 1 + 1 + 4 + 9, 1 + 4 + 9]),
        (13, [1 + 1 + 4 + 9] * 3),
    ],
)
def test_an_even_window_has_its_longer_side_after_the_channel(window, divisors):
    """https://www.mathworks.com/help/deeplearning/ref/nnet.cnn.layer.crosschannelnormalizationlayer.html"""
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    config = {"WindowChannelSize": window, "Alpha": float(window), "Beta": 1.0, "K": 1.0}
    got = semantics("matlab", "CrossChannelNormalizationLayer")(config, {}, x)
    np.testing.assert_allclose(got.ravel(), np.array([1, 2, 3]) / divisors)
