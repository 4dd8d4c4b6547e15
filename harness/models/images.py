"""A folder of images as the inputs of a model: pixels from 0 to 255, all of the size that the model declares."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.models.guard import ModelError, check_size
from harness.spec import Array, Input

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode of an image with so many channels."""
BILINEAR = 2
"""`PIL.Image.Resampling.BILINEAR`."""


def images_of(folder: Path, inputs: Sequence[Input], *, channels_last: bool) -> tuple[dict[str, Array], str]:
    """The images below a folder, in the order of their paths, as the model's only input; and what was done to them.

    One of another size than the model's is resized by Pillow (bilinear, antialiased). Sizes that the model leaves open
    are those of the first image. Where the input may have its channels first or last, `channels_last` decides. Raises
    ModelError for a folder without images, a file that is no image, and a model that does not take images.
    """
    item = _image_input(inputs, folder)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise ModelError("there is no image in this folder", where=folder, expected=f"files as {', '.join(SUFFIXES)}")
    axis = _channel_axis(item, channels_last=channels_last)
    mode = CHANNELS[item.shape[axis] or 3]
    first = _opened(paths[0], mode)
    declared = [size for at, size in enumerate(item.shape) if at != axis]
    height, width = (size or own for size, own in zip(declared, first.size[::-1], strict=True))
    bands = item.shape[axis] or 3
    array = np.empty(check_size(item, (len(paths), height, width, bands), folder), np.uint8)
    resized = 0
    for place, path in enumerate(paths):
        picture = _opened(path, mode)
        if picture.size != (width, height):
            resized += 1
            picture = picture.resize((width, height), resample=BILINEAR)
        array[place] = np.asarray(picture, np.uint8).reshape(height, width, bands)
    said = f"{len(paths)} image{'s' * (len(paths) != 1)}, pixels from 0 to 255"
    said += f"; {resized} resized to {height} x {width} (bilinear)" * bool(resized)
    return {item.name: np.ascontiguousarray(array if axis == 2 else np.moveaxis(array, -1, 1)).astype(item.dtype)}, said


def _image_input(inputs: Sequence[Input], folder: Path) -> Input:
    """The only input of the model, if that takes images. Raises ModelError."""
    fitting = [item for item in inputs if len(item.shape) == 3 and item.dtype != "string"]
    if len(inputs) == 1 and fitting and {fitting[0].shape[0], fitting[0].shape[2]} & {None, *CHANNELS}:
        return fitting[0]
    came = ", ".join(f"{item.name} {' x '.join('?' if n is None else str(n) for n in item.shape)}" for item in inputs)
    raise ModelError(
        "the model does not take images",
        where=folder,
        expected="one input of height, width and 1, 3 or 4 channels",
        came=came or "no input",
        advice="Give arrays: an .npz, .npy or .mat file.",
    )


def _channel_axis(item: Input, *, channels_last: bool) -> int:
    """The axis of the channels, 0 or 2, without the batch."""
    first, last = (item.shape[at] in CHANNELS for at in (0, 2))
    return 2 if last and (channels_last or not first) else 0 if first else 2 if channels_last else 0


def _opened(path: Path, mode: str) -> Any:
    """The image in a mode. Raises ModelError."""
    try:
        from PIL import Image
    except ImportError:
        raise ModelError("images need Pillow", where=path, advice="pip install pillow") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path).convert(mode)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ModelError(f"it cannot be read as an image: {error}", where=path) from None
