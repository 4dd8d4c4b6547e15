"""Pooling of Deep Learning Toolbox on numbers that a hand can compute.

HELP stands for https://www.mathworks.com/help/deeplearning/ref/. PaddingValue of averagePooling2dLayer
(HELP + nnet.cnn.layer.averagepooling2dlayer.html) is 0, which counts, or "mean".
"""

from __future__ import annotations

import numpy as np

from harness.oracle import semantics
from tests.oracle.matlab.running import image, run, sequence


def test_padding_never_wins_a_maximum():
    config = {"PoolSize": [3], "PaddingSize": [2, 0]}
    assert run("MaxPooling1DLayer", sequence(-5, -3, -4), config).ravel().tolist() == [-5, -3, -3]


def test_padding_counts_in_a_mean_unless_its_value_is_mean():
    config = {"PoolSize": [3], "PaddingSize": [2, 0]}
    assert run("AveragePooling1DLayer", sequence(6, 3, 3), config).ravel().tolist() == [2, 3, 4]
    inside = run("AveragePooling1DLayer", sequence(6, 3, 3), {**config, "PaddingValue": "mean"})
    assert inside.ravel().tolist() == [6, 4.5, 4]


def test_global_pooling_leaves_features_of_sequences_and_single_pixels_of_images():
    assert run("GlobalAveragePooling1DLayer", sequence(1, 2, 6)).tolist() == [[3]]
    assert run("GlobalMaxPooling2DLayer", image([1, 2], [6, 3])).tolist() == [[[[6]]]]
    assert run("GlobalAveragePooling2DLayer", np.zeros((0, 3, 2, 2))).shape == (0, 3, 1, 1)


def test_unpooling_puts_each_maximum_back():
    x = image([1, 2, 3], [4, 5, 9], [7, 8, 6])
    config = {"PoolSize": [2, 2], "Stride": [2, 2], "PaddingSize": [0, 1, 0, 1], "HasUnpoolingOutputs": True}
    pooled, places, size = run("MaxPooling2DLayer", x, config)
    assert pooled.ravel().tolist() == [5, 9, 8, 6]
    y = semantics("matlab", "MaxUnpooling2DLayer")({}, {}, 10 * pooled, places, size)
    assert y[0, 0].tolist() == [[0, 0, 0], [0, 50, 90], [0, 80, 60]]
