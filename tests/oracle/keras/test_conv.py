"""Convolutions on cases small enough to compute by hand."""

import numpy as np
import pytest

from harness.catalogue import find
from harness.draw import Seeded, seeded_case
from harness.oracle import semantics
from harness.oracle.keras.conv import pads, transposed_size

LAYERS = ("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")


def apply(kind, config, weights, x):
    return np.asarray(semantics("keras", kind)(config, {k: np.asarray(v, float) for k, v in weights.items()}, x))


def line(*values):
    return np.array(values, dtype=float).reshape(1, -1, 1)


def test_conv1d_correlates_and_adds_the_bias():
    y = apply("Conv1D", {}, {"kernel": [[[1]], [[10]]], "bias": [0.5]}, line(1, 2, 3))
    assert y.ravel().tolist() == [21.5, 32.5]


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("valid", [21, 32, 43]),
        ("same", [21, 32, 43, 4]),  # one zero, and it comes after the data
        ("causal", [10, 21, 32, 43]),  # no output sees a later input
    ],
)
def test_padding_of_an_even_kernel(padding, expected):
    y = apply("Conv1D", {"padding": padding}, {"kernel": [[[1]], [[10]]]}, line(1, 2, 3, 4))
    assert y.ravel().tolist() == expected


def test_causal_padding_counts_the_dilation():
    y = apply("Conv1D", {"padding": "causal", "dilation_rate": 2}, {"kernel": [[[1]], [[10]]]}, line(1, 2, 3, 4))
    assert y.ravel().tolist() == [10, 20, 31, 42]


@pytest.mark.parametrize(
    ("size", "window", "stride", "expected"),
    [
        (4, 3, 1, (1, 1)),
        (4, 2, 1, (0, 1)),
        (4, 3, 2, (0, 1)),  # not (1, 1): the stride leaves less to pad
        (5, 3, 2, (1, 1)),
        (6, 3, 3, (0, 0)),
        (5, 1, 3, (0, 0)),  # never negative
        (2, 5, 1, (2, 2)),
    ],
)
def test_same_padding_depends_on_size_and_stride(size, window, stride, expected):
    assert pads("same", size, window, stride) == expected


def test_conv2d_strides_and_dilation_differ_per_axis():
    x = np.arange(20.0).reshape(1, 4, 5, 1)
    kernel = np.array([1.0, 100.0]).reshape(1, 2, 1, 1)
    strided = apply("Conv2D", {"strides": (2, 3)}, {"kernel": kernel}, x)
    assert strided[0, :, :, 0].tolist() == [[100, 403], [1110, 1413]]
    dilated = apply("Conv2D", {"dilation_rate": (1, 3)}, {"kernel": kernel}, x)
    assert dilated[0, 0, :, 0].tolist() == [300, 401]


def test_groups_see_their_own_channels():
    x = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 1, 4)
    kernel = np.arange(1.0, 13.0).reshape(1, 2, 6)  # in / groups = 2, filters 1..3 and 4..6
    y = apply("Conv1D", {"groups": 2}, {"kernel": kernel}, x)
    assert y.ravel().tolist() == [71, 82, 93, 10400, 11500, 12600]


def test_depthwise_output_is_channel_times_multiplier_plus_multiple():
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    kernel = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)
    y = apply("DepthwiseConv2D", {"depth_multiplier": 3}, {"kernel": kernel}, x)
    assert y.ravel().tolist() == [1, 2, 3, 40, 50, 60]


def test_separable_mixes_the_depthwise_channels():
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    weights = {
        "depthwise_kernel": np.array([1.0, 2.0]).reshape(1, 1, 2, 1),
        "pointwise_kernel": np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]).reshape(1, 1, 2, 3),
        "bias": [0.0, 0.0, -30.0],
    }
    y = apply("SeparableConv2D", {"activation": "relu"}, weights, x)
    assert y.ravel().tolist() == [1, 20, 0]


def test_channels_first_is_the_same_layer_with_another_layout():
    g = np.random.default_rng(1)
    x, weights = g.normal(size=(2, 4, 5, 3)), {"kernel": g.normal(size=(2, 3, 3, 4)), "bias": g.normal(size=4)}
    last = apply("Conv2D", {"padding": "same"}, weights, x)
    first = apply("Conv2D", {"padding": "same", "data_format": "channels_first"}, weights, np.moveaxis(x, -1, 1))
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1), last)


@pytest.mark.parametrize(
    ("mode", "window", "stride", "extra", "expected"),
    [
        ("valid", 3, 2, None, 9),
        ("valid", 1, 3, None, 12),  # as long as the stride asks, though the window is shorter
        ("valid", 3, 2, 1, 10),
        ("same", 3, 2, None, 8),
        ("same", 3, 2, 0, 7),
        ("same", 3, 2, 1, 8),
        ("same", 4, 3, 1, 10),
        ("same", 4, 3, 2, 11),
    ],
)
def test_size_of_a_transposed_convolution_of_four_elements(mode, window, stride, extra, expected):
    assert transposed_size(mode, 4, window, stride, extra) == expected


def test_transposed_convolution_spreads_the_kernel():
    x = np.array([1.0, 2.0]).reshape(1, 1, 2, 1)
    kernel = np.array([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)

    def spread(**config):
        return apply("Conv2DTranspose", {"strides": (1, 2), **config}, {"kernel": kernel}, x).ravel().tolist()

    assert spread() == [1, 10, 102, 20, 200]
    assert spread(output_padding=(0, 1)) == [1, 10, 102, 20, 200, 0]
    assert spread(padding="same") == [1, 10, 102, 20]  # of one element too many, the last goes
    assert spread(padding="same", output_padding=(0, 0)) == [10, 102, 20]


def test_transposed_kernel_has_its_filters_before_its_channels():
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    kernel = np.arange(1.0, 7.0).reshape(1, 1, 3, 2)
    y = apply("Conv2DTranspose", {}, {"kernel": kernel}, x)
    assert y.ravel().tolist() == [21, 43, 65]


def test_transposed_is_the_gradient_of_the_convolution():
    """<conv(y), x> equals <y, transposed(x)> for the same kernel."""
    g = np.random.default_rng(2)
    for padding, strides, dilation in (("same", (3, 2), 1), ("valid", (1, 1), 2), ("same", (1, 1), 2)):
        config = {"padding": padding, "strides": strides, "dilation_rate": dilation}
        kernel, x = g.normal(size=(4, 3, 2, 3)), g.normal(size=(1, 3, 4, 3))
        upward = apply("Conv2DTranspose", config, {"kernel": kernel}, x)
        y = g.normal(size=upward.shape)
        downward = apply("Conv2D", config, {"kernel": kernel}, y)
        assert downward.shape == x.shape
        assert np.sum(downward * x) == pytest.approx(np.sum(y * upward))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_case_carries_noise(layer):
    row = find("keras", layer)
    golden = seeded_case(row, row.complete({"use_bias": False, "activation": None, "profile": "main"})).golden
    assert golden.noise["layer"].min() > 0


@pytest.mark.parametrize("layer", LAYERS)
def test_a_channels_first_bias_is_never_as_long_as_the_output_is_wide(layer):
    row = find("keras", layer)
    wanted = {"padding": "same", "data_format": "channels_first", "sizes": "equal", "use_bias": True}
    for seed in range(20):
        draft = row.build(row.complete(wanted), Seeded(np.random.default_rng(seed)))
        width = draft.spec.inputs[0].shape[-1]  # strides are 1 and padding `same`: as wide as the output
        assert draft.weights["layer/bias"].shape != (width,)


@pytest.mark.parametrize("groups", [2, 3])
def test_groups_hold_two_channels_or_more(groups):
    row = find("keras", "Conv2D")
    draft = row.build(row.complete({"groups": groups}), Seeded(np.random.default_rng(0)))
    *_, depth, filters = draft.weights["layer/kernel"].shape
    assert depth >= 2
    assert filters >= 2 * groups
    assert filters % groups == 0


def test_low_rank_update_is_added_to_the_kernel_and_scaled():
    """Kernel 1 + 3/2 * [1 2] @ [10 1000] = 1 + 3/2 * 2010 at the first tap, 1 + 3/2 * 1000 at the second."""
    weights = {
        "kernel": np.ones((2, 1, 1)),
        "lora_kernel_a": np.array([[[1.0, 2.0]], [[0.0, 1.0]]]),
        "lora_kernel_b": np.array([[10.0], [1000.0]]),
    }
    config = {"filters": 1, "kernel_size": 2, "lora_rank": 2, "lora_alpha": 3}
    x = np.array([[[1.0], [0.0], [1.0]]])
    assert semantics("keras", "Conv1D")(config, weights, x).tolist() == [[[3016], [1501]]]
    plain = {"filters": 1, "kernel_size": 2, "lora_rank": 2}
    assert semantics("keras", "Conv1D")(plain, weights, x).tolist() == [[[2011], [1001]]]
