"""Convolution of Deep Learning Toolbox: examples that a hand can compute.

What they pin down is documented by MathWorks: `same` gives ceil(size / stride) and puts the odd element of padding at
the end, cropping `same` gives size * stride and takes the odd element from the end (the pages of convolution2dLayer
and transposedConv2dLayer); sides are [top bottom left right] and [top left front; bottom right back].
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracle.matlab.running import image, run, sequence


def convolved(x, bank, config, bias=0.0):
    """A sequence through one filter over time."""
    weights = np.array(bank, dtype=float)[:, None, None]
    return run("Convolution1DLayer", x, config, Weights=weights, Bias=[bias]).ravel().tolist()


def test_convolution_does_not_flip_the_filter():
    assert convolved(sequence(1, 2, 3), [10, 1], {}, bias=0.5) == [12.5, 23.5]


def test_same_with_an_even_filter_pads_the_end():
    assert convolved(sequence(1, 2, 3), [10, 1], {"PaddingMode": "same"}) == [12, 23, 30]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ((1, 2, 3, 4), [123, 340]),  # a total of 1: none before, one after
        ((1, 2, 3, 4, 5), [12, 234, 450]),  # a total of 2: one on each side
    ],
)
def test_same_depends_on_size_and_stride(values, wanted):
    assert convolved(sequence(*values), [100, 10, 1], {"PaddingMode": "same", "Stride": [2]}) == wanted


def test_same_without_any_pad_where_windows_lie_apart():
    assert convolved(sequence(1, 2, 3, 4), [1], {"PaddingMode": "same", "Stride": [3]}) == [1, 4]


def test_causal_pads_the_reach_of_the_filter_before():
    config = {"PaddingMode": "causal", "DilationFactor": [2]}
    assert convolved(sequence(1, 2, 3, 4), [10, 1], config) == [1, 2, 13, 24]


def test_padding_values_continue_the_array():
    def padded(value):
        return convolved(sequence(1, 2, 3), [1], {"PaddingSize": [2, 2], "PaddingValue": value})

    assert padded(7) == [7, 7, 1, 2, 3, 7, 7]
    assert padded("replicate") == [1, 1, 1, 2, 3, 3, 3]
    assert padded("symmetric-include-edge") == [2, 1, 1, 2, 3, 3, 2]
    assert padded("symmetric-exclude-edge") == [3, 2, 1, 2, 3, 2, 1]


def test_pads_of_images_are_top_bottom_left_right():
    y = run("Convolution2DLayer", image([1]), {"PaddingSize": [1, 0, 2, 3]}, Weights=np.ones((1, 1, 1, 1)), Bias=[0])
    assert y.shape == (1, 1, 2, 6)
    assert np.argwhere(y[0, 0]).tolist() == [[1, 2]]


def test_pads_of_volumes_are_before_then_after():
    x = np.ones((1, 1, 1, 1, 1))
    config = {"PaddingSize": [[1, 0, 2], [0, 3, 1]]}
    y = run("Convolution3DLayer", x, config, Weights=np.ones((1, 1, 1, 1, 1)), Bias=[0])
    assert y.shape == (1, 1, 2, 4, 4)
    assert np.argwhere(y[0, 0]).tolist() == [[1, 0, 2]]


def test_groups_are_contiguous_channels_and_filters():
    x = np.array([1.0, 2, 3, 4]).reshape(1, 4, 1, 1)
    bank = np.zeros((1, 1, 2, 3, 2))  # height, width, channels of a group, filters of a group, groups
    bank[0, 0, :, :, 0] = [[1, 10, 100], [2, 20, 200]]
    bank[0, 0, :, :, 1] = [[1, 0, 5], [0, 1, 5]]
    y = run("GroupedConvolution2DLayer", x, {}, Weights=bank, Bias=[[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]])
    assert y.ravel() == pytest.approx([5.1, 50.2, 500.3, 3.4, 4.5, 35.6])


def spread(x, bank, config):
    """A sequence through one transposed filter."""
    weights = np.array(bank, dtype=float)[:, None, None]
    return run("TransposedConvolution1DLayer", x, config, Weights=weights, Bias=[0]).ravel().tolist()


def test_transposed_convolution_adds_shifted_filters():
    assert spread(sequence(1, 2), [1, 10, 100], {"Stride": [2]}) == [1, 10, 102, 20, 200]


@pytest.mark.parametrize(
    ("bank", "wanted"),
    [
        ([1, 10, 100], [1, 10, 102, 20]),  # 5 elements, of which 4 stay: the last goes
        ([1, 10, 100, 1000], [10, 102, 1020, 200]),  # 6 elements: one goes on each side
        ([1], [1, 0, 2, 0]),  # 3 elements: what is missing is added at the end
    ],
)
def test_cropping_same_gives_size_times_stride(bank, wanted):
    assert spread(sequence(1, 2), bank, {"Stride": [2], "CroppingMode": "same"}) == wanted


def test_crops_are_sides():
    full = np.arange(12.0).reshape(1, 1, 3, 4)
    config = {"CroppingSize": [1, 0, 0, 2]}
    y = run("TransposedConvolution2DLayer", full, config, Weights=np.ones((1, 1, 1, 1)), Bias=[0])
    assert y[0, 0].tolist() == [[4, 5], [8, 9]]


def test_weights_of_a_transposed_convolution_have_filters_before_channels():
    bank = np.array([[1.0, 10], [2, 20], [3, 30]])[None, None]  # 1 x 1 x 3 filters x 2 channels
    y = run("TransposedConvolution2DLayer", [[[[1]], [[2]]]], {}, Weights=bank, Bias=[0, 0, 0])
    assert y.ravel().tolist() == [21, 42, 63]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [1, 2, 3, 4])
def test_the_module_works_out_same_as_the_oracle_does(window, stride):
    torch = pytest.importorskip("torch")
    from harness.matlab.torch.blocks import Convolution, Pool, PoolWithIndices

    source = np.random.default_rng(0)
    convolution = Convolution((1, 1, window), (stride,), (1,), None).eval()
    convolution.weight.data = torch.ones(1, 1, window)
    pool = Pool("max", (window,), (stride,), None)
    marking = PoolWithIndices((window, 1), (stride, 1), None)
    config = {"Stride": [stride], "PaddingMode": "same"}
    for size in range(1, 8):
        x = source.normal(size=(1, size, 1))
        taken = torch.from_numpy(x.astype(np.float32))
        summed = run("Convolution1DLayer", x, config, Weights=np.ones((window, 1, 1)), Bias=[0])
        assert summed.shape == (1, -(-size // stride), 1)
        assert convolution(taken).detach().numpy() == pytest.approx(summed, abs=1e-5)
        assert pool(taken).numpy() == pytest.approx(run("MaxPooling1DLayer", x, {**config, "PoolSize": [window]}))
        wide = {"PoolSize": [window, 1], "Stride": [stride, 1], "PaddingMode": "same", "HasUnpoolingOutputs": True}
        _, places, _ = run("MaxPooling2DLayer", x[..., None].transpose(0, 2, 1, 3), wide)
        assert marking(taken[:, None])[1].numpy().tolist() == places.tolist()
