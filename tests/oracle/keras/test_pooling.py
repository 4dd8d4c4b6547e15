"""Pooling on cases small enough to compute by hand."""

import numpy as np
import pytest

from harness.catalogue import find
from harness.draw import seeded_case
from harness.oracle import semantics
from harness.spec import Exactness


def apply(kind, config, x):
    return np.asarray(semantics("keras", kind)(config, {}, np.asarray(x, dtype=float)))


def line(*values):
    return np.array(values, dtype=float).reshape(1, -1, 1)


SQUARE = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pool_size": 2}, [3, 4]),  # strides default to the pool size; the fifth element is in no window
        ({"pool_size": 2, "strides": 1}, [3, 3, 4, 4]),
        ({"pool_size": 2, "padding": "same"}, [3, 4, 2]),  # the last window holds one element
        ({"pool_size": 1, "strides": 3}, [1, 4]),  # windows with gaps between them
        ({"pool_size": 5, "strides": 2, "padding": "same"}, [3, 4, 4]),
    ],
)
def test_max_pooling1d(config, expected):
    assert apply("MaxPooling1D", config, line(1, 3, 2, 4, 2)).ravel().tolist() == expected


def test_max_pooling_pads_with_nothing_not_with_zero():
    y = apply("MaxPooling2D", {"pool_size": (2, 2), "padding": "same"}, -SQUARE)
    assert y[0, :, :, 0].tolist() == [[-1, -3], [-7, -9]]


def test_max_pooling2d_windows_and_strides_differ_per_axis():
    y = apply("MaxPooling2D", {"pool_size": (1, 2), "strides": (2, 1)}, SQUARE)
    assert y[0, :, :, 0].tolist() == [[2, 3], [8, 9]]


def test_average_divides_by_the_elements_inside_the_input():
    """The third example of https://keras.io/api/layers/pooling_layers/average_pooling2d/."""
    y = apply("AveragePooling2D", {"pool_size": (2, 2), "strides": (1, 1), "padding": "same"}, SQUARE)
    assert y[0, :, :, 0].tolist() == [[3, 4, 4.5], [6, 7, 7.5], [7.5, 8.5, 9]]


def test_average_of_a_window_padded_on_both_sides():
    y = apply(
        "AveragePooling2D", {"pool_size": (1, 3), "padding": "same"}, np.array([1.0, 3, 5, 9]).reshape(1, 1, 4, 1)
    )
    assert y.ravel().tolist() == [2, 7]  # windows [-, 1, 3] and [5, 9, -]


def test_average_drops_what_a_valid_window_cannot_reach():
    y = apply("AveragePooling2D", {"pool_size": (2, 2)}, SQUARE)
    assert y.ravel().tolist() == [3]


@pytest.mark.parametrize(
    ("data_format", "keepdims", "shape"),
    [
        ("channels_last", False, (2, 3)),
        ("channels_last", True, (2, 1, 1, 3)),
        ("channels_first", False, (2, 3)),
        ("channels_first", True, (2, 3, 1, 1)),
    ],
)
def test_global_average(data_format, keepdims, shape):
    x = np.arange(2 * 4 * 5 * 3.0).reshape(2, 4, 5, 3)
    means = x.mean(axis=(1, 2))
    image = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    y = apply("GlobalAveragePooling2D", {"data_format": data_format, "keepdims": keepdims}, image)
    assert y.shape == shape
    np.testing.assert_allclose(y.reshape(2, 3), means, rtol=1e-15)


@pytest.mark.parametrize("layer", ["AveragePooling2D", "GlobalAveragePooling2D"])
def test_a_mean_carries_noise(layer):
    row = find("keras", layer)
    golden = seeded_case(row, row.complete({"profile": "main"})).golden
    assert golden.exactness == Exactness.COMPUTES
    assert golden.noise["layer"].min() > 0


@pytest.mark.parametrize("layer", ["MaxPooling1D", "MaxPooling2D"])
def test_a_maximum_is_one_of_the_inputs(layer):
    row = find("keras", layer)
    case = seeded_case(row, row.complete({"profile": "ties", "padding": "same"}))
    assert case.golden.exactness == Exactness.SELECTS
    assert set(case.golden.expected["layer"].ravel()) <= set(case.inputs["x"].ravel().astype(float))
