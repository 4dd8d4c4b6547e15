"""Transfer functions and processing of shallow networks on numbers that a hand can compute.

HELP stands for https://www.mathworks.com/help/deeplearning/ref/.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracle.matlab.running import run


def test_mapminmax_maps_the_range_to_ymin_and_back():
    """HELP + mapminmax.html: y = (ymax - ymin) (x - xmin) / (xmax - xmin) + ymin; gain is the first factor."""
    settings = {"xoffset": [2, -1], "gain": [2 / (6 - 2), 2 / (1 - -1)]}
    x = [[2, -1], [6, 1], [4, 0]]
    y = run("mapminmax", x, {"y": -1}, **settings)
    assert y.tolist() == [[-1, -1], [1, 1], [0, 0]]
    assert run("mapminmax_reverse", y, {"y": -1}, **settings).tolist() == x


def test_constant_rows_are_left_out_and_put_back():
    config = {"keep": [1, 3], "remove": [2]}
    assert run("removeconstantrows", [[5, 6, 7]], config).tolist() == [[5, 7]]
    assert run("removeconstantrows_reverse", [[5, 7]], config, value=[6]).tolist() == [[5, 6, 7]]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("hardlim", [0, 1, 1, 1]),
        ("hardlims", [-1, 1, 1, 1]),
        ("satlin", [0, 0, 0.5, 1]),
        ("satlins", [-1, 0, 0.5, 1]),
        ("poslin", [0, 0, 0.5, 3]),
        ("tribas", [0, 1, 0.5, 0]),
        ("elliotsig", [-0.75, 0, 1 / 3, 0.75]),
        ("radbas", [np.exp(-9), 1, np.exp(-0.25), np.exp(-9)]),
    ],
)
def test_transfer_functions(kind, wanted):
    """HELP + hardlim.html and the pages beside it."""
    assert run(kind, [[-3, 0, 0.5, 3]]).tolist() == [wanted]
