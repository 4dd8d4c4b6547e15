"""A folder of images as inputs: order, channels, sizes, and what cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.models.guard import ModelError
from harness.models.images import images_of
from harness.spec import Input

Image = pytest.importorskip("PIL.Image", reason="needs Pillow")
COLORS = {"b.png": (1, 2, 3), "a.png": (40, 50, 60), "sub/c.bmp": (7, 8, 9)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images" / "sub").mkdir(parents=True)
    for name, color in COLORS.items():
        Image.new("RGB", (5, 4), color).save(tmp_path / "images" / name)
    (tmp_path / "images" / "notes.txt").write_text("no image")
    return tmp_path / "images"


def test_channels_last(folder: Path) -> None:
    inputs, said = images_of(folder, [Input("x", (4, 5, 3))], channels_last=True)
    assert (inputs["x"].shape, inputs["x"].dtype) == ((3, 4, 5, 3), np.float32)
    assert inputs["x"][:, 0, 0].tolist() == [[40, 50, 60], [1, 2, 3], [7, 8, 9]]
    assert said == "3 images, pixels from 0 to 255"


def test_channels_first(folder: Path) -> None:
    inputs, _ = images_of(folder, [Input("x", (3, None, None))], channels_last=False)
    assert inputs["x"].shape == (3, 3, 4, 5)
    assert inputs["x"][1, :, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(("channels_last", "shape"), [(True, (3, 3, 5, 3)), (False, (3, 3, 5, 3))])
def test_where_either_may_be_the_channels_the_framework_decides(
    folder: Path, channels_last: bool, shape: tuple[int, ...]
) -> None:
    inputs, _ = images_of(folder, [Input("x", (3, 5, 3))], channels_last=channels_last)
    assert inputs["x"].shape == shape
    assert (inputs["x"][0, 0, 0].tolist() == [40, 50, 60]) == channels_last
    assert (inputs["x"][0, :, 0, 0].tolist() == [40, 50, 60]) != channels_last


def test_other_sizes_are_resized_and_told(folder: Path) -> None:
    Image.new("RGB", (50, 40), (9, 9, 9)).save(folder / "d.png")
    inputs, said = images_of(folder, [Input("x", (4, 5, 1))], channels_last=True)
    assert inputs["x"].shape == (4, 4, 5, 1)
    assert inputs["x"][2].tolist() == np.full((4, 5, 1), 9).tolist()
    assert said == "4 images, pixels from 0 to 255; 1 resized to 4 x 5 (bilinear)"


def test_open_sizes_are_those_of_the_first_image(folder: Path) -> None:
    Image.new("RGB", (8, 8)).save(folder / "z.png")
    inputs, said = images_of(folder, [Input("x", (None, None, 3), "uint8")], channels_last=True)
    assert (inputs["x"].shape, inputs["x"].dtype) == ((4, 4, 5, 3), np.uint8)
    assert "1 resized to 4 x 5" in said


@pytest.mark.parametrize(
    ("shapes", "came"),
    [
        ([(4, 5)], "x0 4 x 5"),
        ([(4, 5, 3), (2,)], "x0 4 x 5 x 3, x1 2"),
        ([(9, 5, 7)], "x0 9 x 5 x 7"),
        ([], "no input"),
    ],
)
def test_a_model_that_takes_no_images(folder: Path, shapes: list[tuple[int, ...]], came: str) -> None:
    inputs = [Input(f"x{place}", shape) for place, shape in enumerate(shapes)]
    with pytest.raises(ModelError, match=f"the model does not take images; expected .*, got {came}"):
        images_of(folder, inputs, channels_last=True)


def test_no_image_a_damaged_one_and_too_many_numbers(folder: Path, tmp_path: Path) -> None:
    x = [Input("x", (4, 5, 3))]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="there is no image in this folder"):
        images_of(tmp_path / "empty", x, channels_last=True)
    with pytest.raises(ModelError, match="input 'x' is too large"):
        images_of(folder, [Input("x", (9000, 9000, 3))], channels_last=True)
    (folder / "e.png").write_bytes((folder / "a.png").read_bytes()[:40])
    with pytest.raises(ModelError, match="cannot be read as an image: ") as raised:
        images_of(folder, x, channels_last=True)
    assert "e.png" in str(raised.value)
