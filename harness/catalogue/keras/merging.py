"""Add, Subtract, Multiply, Average, Maximum, Minimum, Dot and Concatenate."""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, explicit, row, rule, single, sized
from harness.spec import Exactness

SHAPE = {"rank": (2, 3, 4), "sizes": ("distinct", "equal"), "batch": (2, 1, 3)}
PROFILES = ("main", "negative", "large", "small", "special")

BROADCAST = {"same": 2, "last": 3, "leading": 3, "mutual": 3, "rank": 3}
"""Difference between the shapes of the two inputs, and the lowest rank at which it is possible."""

_ROOM = rule("rank", "shapes", reason="broadcasting needs an axis that stays and one that is repeated")(
    lambda rank, shapes: BROADCAST[shapes] <= rank
)


def _pair(choice: Choice, fill: Chooser) -> list[tuple[int, ...]]:
    """Two shapes without batch that broadcast to one.

    `last`: only the last axis is there; `leading`: all but the last; `mutual`: each input lacks what the other
    has; `rank`: the second has no other axis than the last (Keras inserts the missing ones after the batch).
    """
    shape = tuple(sized(choice["sizes"], fill, choice["rank"] - 1, batch=choice["batch"], options=(3, 2, 5, 7)))
    ones = (1,) * (len(shape) - 1)
    return {
        "same": [shape, shape],
        "last": [shape, (*ones, shape[-1])],
        "leading": [shape, (*shape[:-1], 1)],
        "mutual": [(*shape[:-1], 1), (*ones, shape[-1])],
        "rank": [shape, shape[-1:]],
    }[choice["shapes"]]


@row(
    "keras",
    "Add",
    axes={**SHAPE, "shapes": tuple(BROADCAST), "swapped": (False, True), "inputs": (2, 3)},
    profiles=PROFILES,
    second_batches=(2, 3, 5),
    rules=[
        _ROOM,
        rule("inputs", "profile", reason="whether 3e38 + 3e38 - inf is -inf or NaN is a matter of order and range")(
            lambda inputs, profile: inputs == 2 or profile != "special"
        ),
    ],
    # Keras on TensorFlow takes the second input for a bias: see the expectations of the source
    pins=[
        {"rank": 3, "sizes": "equal", "batch": 1, "shapes": "mutual", "swapped": False},
        {"rank": 3, "sizes": "equal", "batch": 1, "shapes": "mutual", "swapped": True},
        {"rank": 4, "sizes": "equal", "batch": 1, "shapes": "mutual", "swapped": False},
        {"rank": 3, "sizes": "equal", "batch": 1, "shapes": "leading", "swapped": False},
    ],
)
def add(choice: Choice, fill: Chooser) -> Draft:
    """A third input has the shape of the second. With `swapped` the first input is broadcast."""
    first, second = _pair(choice, fill)
    shapes = [first, second, second][: choice["inputs"]]
    return single("keras", "Add", {}, shapes[::-1] if choice["swapped"] else shapes, batch=choice["batch"])


@row(
    "keras",
    "Subtract",
    axes={**SHAPE, "shapes": tuple(BROADCAST), "swapped": (False, True)},
    profiles=PROFILES,
    rules=[_ROOM],
)
def subtract(choice: Choice, fill: Chooser) -> Draft:
    """Among the choices are two inputs of the same shape, which can be exchanged."""
    shapes = _pair(choice, fill)
    return single("keras", "Subtract", {}, shapes[::-1] if choice["swapped"] else shapes, batch=choice["batch"])


def _several(kind: str, choice: Choice, fill: Chooser) -> Draft:
    first, second = _pair(choice, fill)
    shapes = [first, second, first][: choice["inputs"]]
    return single("keras", kind, {}, shapes[::-1] if choice["swapped"] else shapes, batch=choice["batch"])


SEVERAL = {**SHAPE, "shapes": tuple(BROADCAST), "swapped": (False, True), "inputs": (2, 3)}


@row("keras", "Multiply", axes=SEVERAL, profiles=("main", "negative", "spread", "small"), rules=[_ROOM], per_axis=3)
def multiply(choice: Choice, fill: Chooser) -> Draft:
    """Not `special`: a framework may flush a subnormal factor to zero, and zero times infinity is NaN."""
    return _several("Multiply", choice, fill)


@row(
    "keras",
    "Average",
    axes=SEVERAL,
    profiles=("main", "negative", "large", "small"),
    rules=[_ROOM],
    second_batches=(2, 3, 5),
    per_axis=3,
)
def average(choice: Choice, fill: Chooser) -> Draft:
    """Not `special`: 3e38 + 3e38 overflows, unless the implementation halves first."""
    return _several("Average", choice, fill)


@row(
    "keras",
    "Maximum",
    axes=SEVERAL,
    profiles=("main", "negative", "integer", "ties", "special"),
    rules=[_ROOM],
    exactness=lambda choice: Exactness.COMPUTES if choice["profile"] == "special" else Exactness.SELECTS,
    per_axis=3,
)
def maximum(choice: Choice, fill: Chooser) -> Draft:
    """Judged as computed, because `special` has subnormal numbers, which TensorFlow may flush to zero."""
    return _several("Maximum", choice, fill)


@row(
    "keras",
    "Minimum",
    axes=SEVERAL,
    profiles=("main", "negative", "integer", "ties", "special"),
    rules=[_ROOM],
    exactness=lambda choice: Exactness.COMPUTES if choice["profile"] == "special" else Exactness.SELECTS,
    per_axis=3,
)
def minimum(choice: Choice, fill: Chooser) -> Draft:
    """As Maximum."""
    return _several("Minimum", choice, fill)


DOTTED: dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...], tuple[int, int]]] = {
    # ranks of both inputs: the axes, without the batch, of each by number, and which of them are summed over
    (2, 2): ((0,), (0,), (1, 1)),
    (3, 2): ((1, 0), (0,), (2, 1)),
    (2, 3): ((0,), (0, 2), (1, 1)),
    (3, 3): ((1, 0), (2, 0), (2, 2)),
    (4, 3): ((1, 0, 2), (0, 3), (2, 1)),
}


@row(
    "keras",
    "Dot",
    axes={
        "ranks": tuple(DOTTED),
        "axes_form": ("two", "negative"),
        "normalize": ("default", True),
        "sizes": ("distinct", "equal"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "large", "small"),
    per_axis=4,
)
def dot(choice: Choice, fill: Chooser) -> Draft:
    """Axes with the same number have the same size; the sum is over number 0. With `equal` a wrong axis fits too."""
    first, second, axes = DOTTED[choice["ranks"]]
    numbers = sized(choice["sizes"], fill, 4, batch=choice["batch"], options=(2, 3, 4, 5, 7))
    shapes = [tuple(numbers[k] for k in axes_of) for axes_of in (first, second)]
    dot_axes = (
        axes if choice["axes_form"] == "two" else tuple(a - len(s) - 1 for a, s in zip(axes, shapes, strict=True))
    )
    one = {"axes": dot_axes[0] if dot_axes[0] == dot_axes[1] else dot_axes}
    return single("keras", "Dot", {**one, **explicit(choice, "normalize")}, shapes, batch=choice["batch"])


@row(
    "keras",
    "Concatenate",
    axes={**SHAPE, "axis": ("default", 1, 2, 3, -2), "inputs": (2, 3)},
    profiles=("main", "negative", "special", "integer", "impulse"),
    rules=[
        rule("rank", "axis", reason="the axis is one of the input's, and not the batch")(
            lambda rank, axis: {"default": 2, 1: 2, 2: 3, 3: 4, -2: 3}[axis] <= rank
        )
    ],
    exactness=Exactness.MOVES,
)
def concatenate(choice: Choice, fill: Chooser) -> Draft:
    """With `distinct` sizes the inputs differ along the axis, with `equal` they can be exchanged."""
    rank, axis = choice["rank"], -1 if choice["axis"] == "default" else choice["axis"]
    shape = sized(choice["sizes"], fill, rank - 1, batch=choice["batch"], options=(2, 3, 4, 5))
    lengths = [shape[axis % rank - 1]] * choice["inputs"]
    if choice["sizes"] == "distinct":
        lengths = sized("distinct", fill, choice["inputs"], options=(1, 2, 3, 4))
    shapes = [tuple(n if k == axis % rank else size for k, size in enumerate(shape, start=1)) for n in lengths]
    return single("keras", "Concatenate", explicit(choice, "axis"), shapes, batch=choice["batch"])
