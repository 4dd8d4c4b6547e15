"""Data movement by hand, and the borders of the interpolations."""

from __future__ import annotations

import numpy as np
import pytest

from harness.oracle import semantics
from harness.oracle.keras.reshaping import cubic_weight, enlarging_matrix, linear_weight


def layer(kind, config, x):
    return semantics("keras", kind)(config, {}, np.array(x, dtype=float))


def test_flatten_moves_channels_last():
    x = np.arange(6).reshape(1, 2, 3)
    assert layer("Flatten", {}, x).tolist() == [[0, 1, 2, 3, 4, 5]]
    assert layer("Flatten", {"data_format": "channels_first"}, x).tolist() == [[0, 3, 1, 4, 2, 5]]


def test_reshape_is_row_major_and_infers():
    assert layer("Reshape", {"target_shape": [3, -1]}, np.arange(6).reshape(1, 2, 3)).tolist() == [
        [[0, 1], [2, 3], [4, 5]]
    ]


def test_permute_counts_from_one():
    x = np.arange(24).reshape(1, 2, 3, 4)
    got = layer("Permute", {"dims": [2, 3, 1]}, x)
    assert got.shape == (1, 3, 4, 2)
    assert got[0, 1, 2, 0] == x[0, 0, 1, 2]


@pytest.mark.parametrize(
    ("padding", "shape", "place"),
    [(1, (3, 3), (1, 1)), ((2, 1), (5, 3), (2, 1)), (((1, 0), (2, 3)), (2, 6), (1, 2))],
)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_zero_padding_sides(padding, shape, place, data_format):
    got = layer("ZeroPadding2D", {"padding": padding, "data_format": data_format}, np.ones((1, 1, 1, 1))).squeeze()
    assert got.shape == shape
    assert np.argwhere(got).tolist() == [list(place)]


def test_cropping_sides():
    x = np.arange(20).reshape(1, 4, 5, 1)
    assert layer("Cropping2D", {"cropping": ((1, 2), (0, 3))}, x).ravel().tolist() == [5, 6]
    assert layer("Cropping2D", {"cropping": 1}, x).ravel().tolist() == [6, 7, 8, 11, 12, 13]
    assert layer("Cropping2D", {}, x).shape == x.shape
    first = layer("Cropping2D", {"cropping": (0, 2), "data_format": "channels_first"}, x.reshape(1, 1, 4, 5))
    assert first.ravel().tolist() == [2, 7, 12, 17]


def test_nearest_repeats():
    got = layer("UpSampling2D", {"size": (1, 2)}, [[[[1], [2]]]])
    assert got.ravel().tolist() == [1, 1, 2, 2]


def test_bilinear_repeats_the_border():
    got = layer("UpSampling2D", {"size": (1, 2), "interpolation": "bilinear"}, [[[[0], [4]]]])
    assert got.ravel().tolist() == [0, 1, 3, 4]


def test_data_formats_agree():
    x = np.random.default_rng(0).normal(size=(1, 3, 2, 2))
    config = {"size": (2, 3), "interpolation": "bilinear"}
    first = layer("UpSampling2D", {**config, "data_format": "channels_first"}, np.moveaxis(x, -1, 1))
    assert np.array_equal(np.moveaxis(first, 1, -1), layer("UpSampling2D", config, x))


def test_cubic_kernel_is_keys():
    assert cubic_weight(np.array([0.0, 0.5, 1.0, 1.5, 2.0, -0.5])).tolist() == [1, 0.5625, 0, -0.0625, 0, 0.5625]


def test_cubic_border_drops_what_lies_outside():
    inner = enlarging_matrix(cubic_weight, 6, 2)[6]
    assert inner.sum() == pytest.approx(1)
    edge = enlarging_matrix(cubic_weight, 6, 2)[0]
    inside = cubic_weight(np.array([0.25, 1.25]))
    assert edge[:2] == pytest.approx(inside / inside.sum())


def test_every_row_of_weights_sums_to_one():
    for kernel in (linear_weight, cubic_weight):
        assert enlarging_matrix(kernel, 4, 3).sum(axis=1) == pytest.approx(np.ones(12))


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_flatten_makes_a_vector_of_one_number(data_format):
    assert semantics("keras", "Flatten")({"data_format": data_format}, {}, np.array([4.0, 5.0])).tolist() == [[4], [5]]
