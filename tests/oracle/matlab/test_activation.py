"""Activations of Deep Learning Toolbox on numbers that a hand can compute.

HELP stands for https://www.mathworks.com/help/deeplearning/ref/.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.oracle.matlab.running import run

HALF, TWO = math.log(1 / 2), math.log(3)
"""exp(HALF) is 1/2; the sigmoid of TWO is 3/4."""


@pytest.mark.parametrize(
    ("kind", "config", "x", "wanted"),
    [
        ("ReLULayer", {}, [-2, 3], [0, 3]),
        ("LeakyReLULayer", {}, [-2, 3], [-0.02, 3]),
        ("LeakyReLULayer", {"Scale": 0.5}, [-2, 3], [-1, 3]),
        ("ClippedReLULayer", {"Ceiling": 2}, [-2, 1, 3], [0, 1, 2]),
        ("ELULayer", {}, [HALF, 3], [-0.5, 3]),
        ("ELULayer", {"Alpha": 2}, [HALF, 3], [-1, 3]),
        ("TanhLayer", {}, [HALF], [-0.6]),
        ("SigmoidLayer", {}, [TWO, 0], [0.75, 0.5]),
        ("SwishLayer", {}, [TWO, 0], [0.75 * TWO, 0]),
        ("SoftplusLayer", {}, [0, TWO, -800], [math.log(2), math.log(4), 0]),
        ("GELULayer", {}, [0, 1], [0, 0.8413447460685429]),
        ("GELULayer", {"Approximation": "tanh"}, [0, 1], [0, 0.8411919906082768]),
    ],
)
def test_elements(kind, config, x, wanted):
    """HELP + nnet.cnn.layer.relulayer.html and the pages beside it; GELU(1) is the normal distribution's Phi(1)."""
    assert run(kind, [x], config)[0] == pytest.approx(wanted, rel=1e-12, abs=1e-300)


def test_every_channel_has_its_slope():
    """HELP + nnet.cnn.layer.prelulayer.html. Channels are the second axis of images and the last of sequences."""
    assert run("PReLULayer", [[[[-2.0]], [[-2.0]]]], Alpha=[1, 3]).ravel().tolist() == [-2, -6]
    assert run("PReLULayer", [[[-2.0, -2.0], [4.0, -1.0]]], Alpha=[1, 3]).tolist() == [[[-2, -6], [4, -3]]]


@pytest.mark.parametrize("shape", [(1, 2, 1, 2), (1, 2, 2), (2, 2)])
def test_softmax_is_over_the_channels(shape):
    """HELP + nnet.cnn.layer.softmaxlayer.html."""
    channels = 2 if len(shape) == 3 else 1
    x = np.moveaxis(np.zeros(shape), channels, -1)
    x[..., 1] = TWO
    y = run("SoftmaxLayer", np.moveaxis(x, -1, channels))
    assert np.moveaxis(y, channels, -1).reshape(-1, 2) == pytest.approx(np.array([[0.25, 0.75]] * (y.size // 2)))
