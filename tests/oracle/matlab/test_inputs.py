"""Input layers of Deep Learning Toolbox on numbers that a hand can compute.

HELP stands for https://www.mathworks.com/help/deeplearning/ref/.
"""

from __future__ import annotations

import pytest

from tests.oracle.matlab.running import IMAGE, run


def test_statistics_of_an_input_are_height_by_width_by_channel():
    """HELP + nnet.cnn.layer.imageinputlayer.html: Mean of size h x w x c, 1 x 1 x c or one number."""
    mean = IMAGE[0].transpose(1, 2, 0)
    assert not run("ImageInputLayer", IMAGE, {"Normalization": "zerocenter"}, Mean=mean).any()
    y = run("ImageInputLayer", IMAGE, {"Normalization": "zerocenter"}, Mean=[1, 7])
    assert y[0, :, 0, 0].tolist() == [0, 0]
    y = run("SequenceInputLayer", [[[3, 8]]], {"Normalization": "zscore"}, Mean=[1, 2], StandardDeviation=[2, 3])
    assert y.tolist() == [[[1, 2]]]


@pytest.mark.parametrize(("kind", "wanted"), [("rescale-symmetric", [-1, 0, 1]), ("rescale-zero-one", [0, 0.5, 1])])
def test_rescaling_takes_the_least_to_the_lower_bound(kind, wanted):
    """HELP + nnet.cnn.layer.featureinputlayer.html: to [-1, 1] or [0, 1] with the values of Min and Max."""
    y = run("FeatureInputLayer", [[10, 20, 30]], {"Normalization": kind}, Min=[10], Max=[30])
    assert y.tolist() == [wanted]
