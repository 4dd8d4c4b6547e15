"""Layers of Deep Learning Toolbox that move pixels, on numbers that a hand can compute.

HELP stands for https://www.mathworks.com/help/deeplearning/ref/.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracle.matlab.running import run


def test_depth_to_space_dcr_has_depth_fastest_and_crd_slowest():
    """HELP + nnet.cnn.layer.depthtospace2dlayer.html; the same modes as
    https://onnx.ai/onnx/operators/onnx__DepthToSpace.html."""
    x = np.arange(8.0).reshape(1, 8, 1, 1)
    dcr = run("DepthToSpace2DLayer", x, {"BlockSize": [2, 2], "Mode": "dcr"})
    assert dcr.tolist() == [[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]]
    crd = run("DepthToSpace2DLayer", x, {"BlockSize": [2, 2], "Mode": "crd"})
    assert crd.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]


def test_oblong_blocks_are_rows_then_columns():
    y = run("DepthToSpace2DLayer", np.arange(3.0).reshape(1, 3, 1, 1), {"BlockSize": [3, 1]})
    assert y.shape == (1, 1, 3, 1)


@pytest.mark.parametrize(("mode", "wanted"), [("round", [1, 3]), ("floor", [0, 2]), ("onnx-10", [0, 2])])
def test_resize_rounds_places_half_way(mode, wanted):
    """HELP + nnet.cnn.layer.resize2dlayer.html. Four pixels to two look at 0.5 and 2.5: `round` takes the later,
    `onnx-10` (round half down) the earlier."""
    x = np.arange(4.0).reshape(1, 1, 1, 4)
    y = run("Resize2DLayer", x, {"OutputSize": [1, 2], "NearestRoundingMode": mode})
    assert y.ravel().tolist() == wanted


def test_resize_asymmetric_looks_at_the_first_pixel_first():
    x = np.arange(4.0).reshape(1, 1, 1, 4)
    config = {"OutputSize": [1, 8], "Method": "bilinear", "GeometricTransformMode": "asymmetric"}
    assert run("Resize2DLayer", x, config).ravel().tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    y = run("Resize2DLayer", x, {"OutputSize": [1, 8], "Method": "bilinear"})
    assert y.ravel().tolist() == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]


def test_crop_is_at_x_then_y_from_one_or_centred():
    """HELP + nnet.cnn.layer.crop2dlayer.html: Location is [x y] of the upper left corner."""
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    reference = np.zeros((1, 5, 1, 2))
    y = run("Crop2DLayer", (x, reference), {"Mode": "custom", "Location": [3, 1]})
    assert y.ravel().tolist() == [2, 3]
    assert run("Crop2DLayer", (x, reference)).ravel().tolist() == [5, 6]
