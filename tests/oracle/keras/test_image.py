"""Images on cases small enough to compute by hand."""

import numpy as np

from harness.oracle import semantics
from harness.oracle.keras.image import framed, largest_window, resizing_matrix


def apply(kind, config, x):
    return np.asarray(semantics("keras", kind)(config, {}, np.asarray(x, dtype=float)))


def test_nearest_takes_the_upper_pixel_of_a_tie():
    rows = resizing_matrix("nearest", 20, 6).argmax(axis=1)
    assert rows.tolist() == [1, 5, 8, 11, 15, 18]  # centres 1.67, 5, 8.33, 11.67, 15, 18.33


def test_bilinear_repeats_the_border():
    assert resizing_matrix("bilinear", 2, 4).tolist() == [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]


def test_antialiasing_averages_what_is_between():
    assert resizing_matrix("bilinear", 4, 2).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]
    wide = resizing_matrix("bilinear", 4, 2, antialias=True)
    assert np.allclose(wide, [[3 / 7, 3 / 7, 1 / 7, 0], [0, 1 / 7, 3 / 7, 3 / 7]])


def test_aspect_ratio_is_kept_by_cropping_or_by_a_frame():
    image = np.arange(24.0).reshape(1, 1, 4, 6)
    assert largest_window(image, (2, 2))[0, 0, 0].tolist() == [1, 2, 3, 4]
    assert framed(image, (5, 5), 9.0).shape == (1, 1, 6, 6)
    assert framed(image, (5, 5), 9.0)[0, 0, 0].tolist() == [9.0] * 6


def test_center_crop_takes_the_middle():
    x = np.arange(15.0).reshape(1, 3, 5, 1)
    assert apply("CenterCrop", {"height": 1, "width": 3}, x).ravel().tolist() == [6, 7, 8]


def test_auto_contrast_stretches_each_channel():
    x = np.array([[1.0, 10.0], [3.0, 30.0]]).reshape(1, 1, 2, 2)
    assert apply("AutoContrast", {}, x).ravel().tolist() == [0, 0, 255, 255]


def test_pipeline_keeps_its_order():
    layers = [
        {"kind": "Rescaling", "config": {"scale": 2.0}},
        {"kind": "Rescaling", "config": {"scale": 1.0, "offset": 3}},
    ]
    assert apply("Pipeline", {"layers": layers}, np.ones((1, 1, 1, 1))).item() == 5
