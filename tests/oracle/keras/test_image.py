"""Images on cases small enough to compute by hand."""

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("kind", "dtype"), [("RandomFlip", "float64"), ("Solarization", "float64"), ("RandomGrayscale", "int32")]
)
def test_augmentation_of_whole_numbers(kind, dtype):
    y = semantics("keras", kind)({}, {}, np.arange(12, dtype="int32").reshape(1, 2, 2, 3))
    assert y.dtype == dtype
    assert y.reshape(-1).tolist() == list(range(12))


def test_center_crop_of_whole_numbers_gives_floats():
    image = np.arange(4, dtype="int32").reshape(1, 4, 1, 1)
    y = semantics("keras", "CenterCrop")({"height": 2, "width": 1}, {}, image)
    assert y.dtype == np.float64
    assert y.reshape(-1).tolist() == [1, 2]


def tiled(x, *, axis, **config):
    image = np.array(x).reshape((1, -1, 1, 1) if axis == "height" else (1, 1, -1, 1))
    clahe = semantics("keras", "ContrastLimitedAdaptiveHistogramEqualization")
    return clahe(config, {}, image).reshape(-1)


@pytest.mark.parametrize("axis", ["height", "width"])
def test_tiles_are_equalized_and_blended(axis):
    """One tile of [0 0 1 3]: counts up to each level are 2, 3, 3, 4, so level k becomes 255 (n_k - 2) / (4 - 2)."""
    one = tiled([0.2, 0.0, 1.9, 3.0], axis=axis, tile_grid_size=(1, 1), clip_limit=0)
    assert one.tolist() == [0, 0, 127.5, 255]
    # Tiles [0 0 1 3] and [1 1 1 7] are centred at pixels 2 and 6; the second's tables give 1: 191.25 (its least count,
    # at level 0, is 0: 255 * 3 / 4), 7: 255. Pixel 3, level 3, is a quarter of the way: 3/4 * 255 + 1/4 * 191.25.
    # Pixel 4, level 1: the mean of 127.5 and 191.25; pixel 5: 1/4 * 127.5 + 3/4 * 191.25.
    grid = (2, 1) if axis == "height" else (1, 2)
    two = tiled([0.0, 0.0, 1.0, 3.0, 1.0, 1.0, 1.0, 7.0], axis=axis, tile_grid_size=grid, clip_limit=0)
    assert two.tolist() == [0, 0, 127.5, 239.0625, 159.375, 175.3125, 191.25, 255]


def test_counts_above_the_limit_are_spread_over_all_levels():
    """Limit 64 * 4 / 256 = 1. Of counts 3 and 1 two are above, 2/256 for each level: c_0 = 1 + 1/128 and
    c_k = 1 + (k + 1) / 128 up to level 127, one more from there."""
    config = {"tile_grid_size": (1, 1), "clip_limit": 64.0}
    y = tiled([0.0, 0.0, 0.0, 127.0], axis="height", **config)
    least = 1 + 1 / 128
    assert np.allclose(y, [0, 0, 0, 255 * (1 + 128 / 128 + 1 - least) / (4 - least)])


def test_an_image_is_extended_by_its_reflection_and_put_back_into_its_range():
    """Three pixels in two tiles of two: the last tile is [2 2]. Tile [0 1]: counts 1, 2; level 1 becomes 255, and in
    the last tile, where no pixel lies below 2, it is 0. Scaled to 0..510 and back."""
    y = tiled([0.0, 2.0, 4.0], axis="height", tile_grid_size=(2, 1), clip_limit=0, value_range=(0, 510))
    # centres are pixels 1 and 3: pixel 0 has the first table only, pixel 1 too, pixel 2 is between them, at level 2:
    # 255 in both
    assert y.tolist() == [0, 510, 510]
