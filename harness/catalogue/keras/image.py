"""Resizing, CenterCrop, AutoContrast, ContrastLimitedAdaptiveHistogramEqualization and Pipeline."""

from __future__ import annotations

from harness.catalogue import SOME, Choice, Chooser, Draft, explicit, inner, row, rule, single
from harness.spec import Exactness

DATA_FORMAT = ("default", "channels_first")
GEOMETRY = {
    # size before and after
    "up": ((3, 4), (6, 8)),
    "fraction": ((4, 3), (6, 5)),
    "down": ((8, 6), (4, 3)),
    "one": ((5, 4), (1, 1)),
    "ties": ((20, 6), (6, 4)),
    "mixed": ((3, 8), (7, 4)),
    "same": ((4, 5), (4, 5)),
}
FRAMED = {"square": ((4, 6), (5, 5)), "wide": ((6, 4), (4, 8)), "tall": ((2, 8), (8, 4))}
"""The same for layers that keep the aspect ratio; the crop or frame has equal halves."""


def _image(choice: Choice, height: int, width: int, channels: int = 2) -> tuple[int, int, int]:
    first = choice["data_format"] == "channels_first"
    return (channels, height, width) if first else (height, width, channels)


@row(
    "keras",
    "Resizing",
    axes={
        "geometry": (*GEOMETRY, *FRAMED),
        "interpolation": ("default", "nearest", "bicubic"),
        "antialias": ("default", True),
        "aspect": ("free", "crop", "pad"),
        "fill_value": ("default", 1.5),
        "fill_mode": ("default", "constant"),
        "data_format": DATA_FORMAT,
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "large", "impulse"),
    rules=[
        rule("geometry", "aspect", reason="the layer keeps an aspect ratio only if the sizes would change it")(
            lambda geometry, aspect: (aspect == "free") == (geometry in GEOMETRY)
        ),
        rule("aspect", "fill_value", "fill_mode", reason="only a frame is filled")(
            lambda aspect, value, mode: aspect == "pad" or (value == "default" and mode == "default")
        ),
        rule("geometry", "interpolation", reason="TensorFlow reads cubic weights from a table of 1024 steps")(
            lambda geometry, method: method != "bicubic" or geometry in ("up", "down", "same")
        ),
        rule("geometry", "interpolation", "antialias", reason="TensorFlow's wide cubic kernel is a table too")(
            lambda geometry, method, antialias: method == "default" or antialias == "default"
        ),
    ],
    barriers=[
        rule("antialias", reason="tf2onnx has no ScaleAndTranslate")(lambda antialias: antialias == "default"),
        rule("geometry", "profile", reason="of an impulse the single pixel is 0, whichever was read")(
            lambda geometry, profile: geometry != "one" or profile != "impulse"
        ),
    ],
    exactness=lambda choice: Exactness.MOVES if choice["interpolation"] == "nearest" else Exactness.COMPUTES,
    per_axis=5,
)
def resizing(choice: Choice, fill: Chooser) -> Draft:
    """Up by an integer and by a fraction, down, to a single pixel, with ties, and differently along each axis."""
    (height, width), (tall, wide) = (GEOMETRY | FRAMED)[choice["geometry"]]
    aspect = {"crop": {"crop_to_aspect_ratio": True}, "pad": {"pad_to_aspect_ratio": True}}.get(choice["aspect"], {})
    config = {
        "height": tall,
        "width": wide,
        **explicit(choice, "interpolation", "antialias", "fill_value", "fill_mode", "data_format"),
        **aspect,
    }
    return single(
        "keras",
        "Resizing",
        config,
        [_image(choice, height, width)],
        batch=choice["batch"],
        channel_axis=1 if choice["data_format"] == "channels_first" else -1,
    )


@row(
    "keras",
    "CenterCrop",
    axes={
        "size": ((3, 4), (5, 2), (4, 4), (6, 7), (8, 3)),
        "data_format": DATA_FORMAT,
        "open_sizes": (False, True),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "large", "impulse"),
    pins=[{"dtype": "int32"}],
    rules=[
        rule("size", "open_sizes", reason="open sizes are five by five, then eight by eight")(
            lambda size, opened: not opened or max(size) <= 5
        )
    ],
    second_batches=SOME,
    per_axis=4,
)
def center_crop(choice: Choice, fill: Chooser) -> Draft:
    """Images of (6, 5): the first three sizes fit into them, the others exceed an axis."""
    height, width = choice["size"]
    shape = _image(choice, 6, 5)
    if choice["open_sizes"]:
        shape = (2, None, None) if choice["data_format"] == "channels_first" else (None, None, 2)  # type: ignore[assignment]
    return single(
        "keras",
        "CenterCrop",
        {"height": height, "width": width, **explicit(choice, "data_format")},
        [shape],
        dtype=choice.get("dtype", "float32"),
        bounds={"x": 256},
        batch=choice["batch"],
        channel_axis=1 if choice["data_format"] == "channels_first" else -1,
    )


@row(
    "keras",
    "AutoContrast",
    axes={"value_range": ("default", (0, 1), (-1.0, 1.0)), "batch": (2, 1, 3)},
    profiles=("main", "negative", "spread"),
    second_batches=SOME,
    per_axis=3,
)
def auto_contrast(choice: Choice, fill: Chooser) -> Draft:
    """Unlike augmentation, the layer stretches at inference too."""
    config = explicit(choice, "value_range")
    return single("keras", "AutoContrast", config, [(*fill.pick(((4, 5), (3, 4))), 2)], batch=choice["batch"])


@row(
    "keras",
    "ContrastLimitedAdaptiveHistogramEqualization",
    axes={
        "size": ((6, 4), (5, 7), (16, 16)),
        "tile_grid_size": ((2, 2), "default", (2, 3)),
        "clip_limit": ("default", 40.0, 0.0),
        "value_range": ("default", (-255, 255), (0, 1020)),
        "data_format": DATA_FORMAT,
        "batch": (2, 1, 3),
    },
    profiles=("bytes",),
    pins=[{"size": (5, 7), "tile_grid_size": (2, 3), "clip_limit": 0.0}],
    rules=[
        rule("size", "tile_grid_size", reason="the image reaches over every tile, and the tiles' halves beyond it")(
            lambda size, grid: grid != "default" or size == (16, 16)
        )
    ],
    second_batches=SOME,
    per_axis=0,
)
def equalized_in_tiles(choice: Choice, fill: Chooser) -> Draft:
    """Like AutoContrast, the layer computes at inference too. Pixels lie between the levels, to which they are cut."""
    return single(
        "keras",
        "ContrastLimitedAdaptiveHistogramEqualization",
        explicit(choice, "tile_grid_size", "clip_limit", "value_range", "data_format"),
        [_image(choice, *choice["size"])],
        batch=choice["batch"],
        channel_axis=1 if choice["data_format"] == "channels_first" else -1,
    )


PIPELINES = {
    "rescale": [inner("Rescaling", {"scale": 0.5, "offset": -1.0}), inner("RandomFlip", {})],
    "crop": [inner("CenterCrop", {"height": 3, "width": 3}), inner("Rescaling", {"scale": -2.0})],
    "resize": [
        inner("Resizing", {"height": 4, "width": 3, "interpolation": "nearest"}),
        inner("CenterCrop", {"height": 2, "width": 3}),
    ],
}


@row(
    "keras",
    "Pipeline",
    axes={"layers": tuple(PIPELINES), "batch": (2, 1, 3)},
    profiles=("main", "negative"),
    pins=[{"layers": "crop", "equalized": True}],
    second_batches=SOME,
    per_axis=3,
)
def pipeline(choice: Choice, fill: Chooser) -> Draft:
    """Several preprocessing layers, whose order matters.

    Equalization by itself makes a cycle of a functional model; at inference it hands the image on.
    """
    first = [inner("Equalization", {})] if choice.get("equalized") else []
    config = {"layers": [*first, *PIPELINES[choice["layers"]]]}
    return single("keras", "Pipeline", config, [(6, 5, 2)], batch=choice["batch"])
