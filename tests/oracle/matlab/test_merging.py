"""Layers of several inputs of Deep Learning Toolbox on numbers that a hand can compute."""

from __future__ import annotations

import numpy as np

from tests.oracle.matlab.running import run


def test_concatenation_counts_matlabs_dimensions():
    a, b = np.zeros((1, 2, 3, 4)), np.zeros((1, 2, 3, 5))
    assert run("ConcatenationLayer", (a, b), {"Dim": 2}).shape == (1, 2, 3, 9)
    a, b = np.zeros((1, 7, 2)), np.zeros((1, 7, 3))
    assert run("ConcatenationLayer", (a, b), {"Dim": 1}).shape == (1, 7, 5)
    assert run("ConcatenationLayer", (a, a), {"Dim": 3}).shape == (1, 14, 2)
