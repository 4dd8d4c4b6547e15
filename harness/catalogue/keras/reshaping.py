"""Flatten, Reshape, Permute, ZeroPadding2D, Cropping2D and UpSampling2D."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.catalogue import Choice, Chooser, Draft, distinct, explicit, row, rule, single, sized
from harness.spec import Exactness

SHAPE = {"sizes": ("distinct", "equal"), "batch": (2, 1, 3)}
DATA_FORMAT = ("default", "channels_last", "channels_first")
MOVING = ("main", "negative", "special", "integer", "impulse")


def _image(choice: Choice, height: int, width: int, channels: int) -> tuple[int, int, int]:
    """The three sizes in the order of the data format."""
    first = choice["data_format"] == "channels_first"
    return (channels, height, width) if first else (height, width, channels)


def _channel_axis(choice: Choice) -> int:
    return 1 if choice["data_format"] == "channels_first" else -1


@row(
    "keras",
    "Flatten",
    axes={"rank": (2, 3, 4, 5), "data_format": DATA_FORMAT, **SHAPE},
    profiles=MOVING,
    pins=[{"rank": 1}, {"rank": 1, "data_format": "channels_first"}],
    exactness=Exactness.MOVES,
)
def flatten(choice: Choice, fill: Chooser) -> Draft:
    """channels_first moves the channels last before it flattens, whatever the rank. At rank 1 a sample is a number."""
    shape = tuple(sized(choice["sizes"], fill, choice["rank"] - 1, options=(2, 3, 4, 5)))
    return single("keras", "Flatten", explicit(choice, "data_format"), [shape], batch=choice["batch"])


TARGETS: Mapping[str, Callable[[int, int, int], tuple[int, ...]]] = {
    "merge": lambda a, b, c: (a * b, c),
    "reverse": lambda a, b, c: (c, b, a),
    "ones": lambda a, b, c: (a, 1, b * c),
    "first": lambda a, b, c: (-1, c, b),
    "middle": lambda a, b, c: (b, -1, a),
    "last": lambda a, b, c: (c, a, -1),
}
"""Target shapes from the input's three factors; `first`, `middle`, `last` say where the -1 is."""


@row(
    "keras",
    "Reshape",
    axes={"target": tuple(TARGETS), "rank": (2, 3, 4), **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
)
def reshape(choice: Choice, fill: Chooser) -> Draft:
    """The same three factors give an input of each rank: a vector, a matrix or an array of three axes."""
    a, b, c = sized(choice["sizes"], fill, 3, options=(2, 3, 5))
    shape = {2: (a * b * c,), 3: (a, b * c), 4: (a, b, c)}[choice["rank"]]
    config = {"target_shape": TARGETS[choice["target"]](a, b, c)}
    return single("keras", "Reshape", config, [shape], batch=choice["batch"])


@row(
    "keras",
    "Permute",
    axes={"dims": ((2, 1), (2, 3, 1), (3, 1, 2), (3, 2, 1), (1, 3, 2), (4, 1, 3, 2)), **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
)
def permute(choice: Choice, fill: Chooser) -> Draft:
    """Most permutations are not their own inverse: the inverse is the usual fault."""
    shape = tuple(sized(choice["sizes"], fill, len(choice["dims"]), options=(2, 3, 4, 5)))
    return single("keras", "Permute", {"dims": choice["dims"]}, [shape], batch=choice["batch"])


@row(
    "keras",
    "ZeroPadding2D",
    axes={
        "padding": ("default", 2, (2, 1), ((1, 0), (2, 3)), ((3, 1), (0, 2))),
        "data_format": DATA_FORMAT,
        **SHAPE,
    },
    profiles=MOVING,
    exactness=Exactness.MOVES,
)
def zero_padding(choice: Choice, fill: Chooser) -> Draft:
    """Four pairwise different pads show every exchange of sides."""
    shape = _image(choice, *sized(choice["sizes"], fill, 3, options=(2, 3, 4)))
    config = explicit(choice, "padding", "data_format")
    return single("keras", "ZeroPadding2D", config, [shape], batch=choice["batch"], channel_axis=_channel_axis(choice))


CROPPED = {"default": (0, 0), 1: (2, 2), (2, 1): (4, 2), ((1, 0), (2, 3)): (1, 5), ((3, 1), (0, 2)): (4, 2)}
"""Rows and columns that each value of `cropping` removes."""


@row(
    "keras",
    "Cropping2D",
    axes={"cropping": tuple(CROPPED), "data_format": DATA_FORMAT, **SHAPE},
    profiles=MOVING,
    exactness=Exactness.MOVES,
)
def cropping(choice: Choice, fill: Chooser) -> Draft:
    """The output's size is drawn; with `equal` the input is a cube that is large enough."""
    rows, columns = CROPPED[choice["cropping"]]
    if choice["sizes"] == "equal":
        height = width = channels = max(rows, columns) + 1
    else:
        height, width, channels = distinct(fill, 3, (1, 2, 3, 4))
        height, width = height + rows, width + columns
    config = explicit(choice, "cropping", "data_format")
    return single(
        "keras",
        "Cropping2D",
        config,
        [_image(choice, height, width, channels)],
        batch=choice["batch"],
        channel_axis=_channel_axis(choice),
    )


@row(
    "keras",
    "UpSampling2D",
    axes={
        "size": ("default", 3, (2, 3), (3, 1), (4, 2)),
        "interpolation": ("default", "nearest", "bilinear", "bicubic"),
        "data_format": DATA_FORMAT,
        "sizes": ("distinct", "equal"),
        "batch": (2, 1),
    },
    profiles=("main", "negative", "spread", "large", "special", "impulse"),
    rules=[
        rule("size", "interpolation", reason="TensorFlow reads cubic weights from a table of 1024 steps")(
            lambda size, interpolation: interpolation != "bicubic" or size in ("default", (4, 2))
        ),
        rule("interpolation", "profile", reason="implementations compute 0 * inf, which is NaN, or skip it")(
            lambda interpolation, profile: profile != "special" or interpolation in ("default", "nearest")
        ),
    ],
    exactness=lambda choice: (
        Exactness.MOVES if choice["interpolation"] in ("default", "nearest") else Exactness.COMPUTES
    ),
)
def up_sampling(choice: Choice, fill: Chooser) -> Draft:
    """Different factors per axis; not `lanczos3` and `lanczos5`, which have no documented rule at the border."""
    options = (2, 3) if choice["sizes"] == "equal" else (2, 3, 4)
    shape = _image(choice, *sized(choice["sizes"], fill, 3, options=options))
    config = explicit(choice, "size", "interpolation", "data_format")
    return single("keras", "UpSampling2D", config, [shape], batch=choice["batch"], channel_axis=_channel_axis(choice))
