"""Fully connected layers, flattening and embeddings of Deep Learning Toolbox on numbers that a hand can compute.

HELP stands for https://www.mathworks.com/help/deeplearning/ref/.
"""

from __future__ import annotations

import numpy as np

from tests.oracle.matlab.running import IMAGE, run

COLUMNS = [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12]


def test_flatten_goes_down_the_columns_then_through_the_channels():
    """HELP + nnet.cnn.layer.flattenlayer.html; MATLAB's `x(:)` of an H x W x C array."""
    assert run("FlattenLayer", IMAGE).tolist() == [COLUMNS]
    assert np.ravel(IMAGE[0].transpose(1, 2, 0), order="F").tolist() == COLUMNS


def test_flatten_of_a_volume_has_height_fastest_and_channels_slowest():
    x = np.arange(24.0).reshape(1, 2, 2, 3, 2)
    assert run("FlattenLayer", x)[0].tolist() == np.ravel(x[0].transpose(1, 2, 3, 0), order="F").tolist()


def test_flatten_and_dense_leave_no_samples_none():
    x = np.zeros((0, 2, 2, 3))
    assert run("FlattenLayer", x).shape == (0, 12)
    assert run("FullyConnectedLayer", x, Weights=np.zeros((5, 12)), Bias=np.zeros(5)).shape == (0, 5)


def test_a_dense_layer_weighs_an_image_in_that_order():
    weights = np.zeros((2, 12))
    weights[0, 1], weights[1, 6] = 1, 1  # second of the first column, first of the second channel
    assert run("FullyConnectedLayer", IMAGE, Weights=weights, Bias=[0, 0.5]).tolist() == [[4, 7.5]]


def test_a_dense_layer_works_at_each_step_of_a_sequence():
    x = [[[1, 2], [3, 4]]]
    assert run("FullyConnectedLayer", x, Weights=[[10, 1]], Bias=[0.5]).tolist() == [[[12.5], [34.5]]]


def test_unknown_words_take_the_last_column():
    """HELP + wordembeddinglayer.html (Text Analytics Toolbox): indices from 1, OOVMode `map-to-last`."""
    table = [[10, 20, 30]]  # two words and the unknown one
    y = run("WordEmbeddingLayer", [[[0], [1], [2], [3], [9]]], Weights=table)
    assert y.ravel().tolist() == [30, 10, 20, 30, 30]
