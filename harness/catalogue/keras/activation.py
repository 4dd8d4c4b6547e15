"""Activation, ReLU, LeakyReLU, PReLU, ELU and Softmax."""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, Weight, explicit, masked, row, rule, single, sized
from harness.spec import Exactness

SHAPE = {"rank": (2, 3, 4), "sizes": ("distinct", "equal"), "batch": (2, 1, 3)}
PROFILES = ("main", "negative", "spread", "large", "small", "special")

FUNCTIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "exponential", "tanh", "tanh_shrink", "sigmoid",
    "log_sigmoid", "silu", "gelu", "softplus", "mish", "softsign", "squareplus", "hard_sigmoid", "hard_silu",
    "hard_tanh", "hard_shrink", "soft_shrink", "sparse_plus", "sparse_sigmoid", "softmax", "log_softmax", "glu",
)  # fmt: skip
"""All of keras.activations in Keras 3.15 that a layer can name, but: `threshold` needs two arguments more; `swish` and
`hard_swish` are other names for the same model file; `sparsemax` in Keras adds up the running sums of the support
where its reference (Martins et al., 2016) takes the last, so [1, 0.9] gives [0.05, 0] for [0.55, 0.45]."""

SELECTING = ("relu", "relu6", "hard_tanh", "hard_shrink")
OPEN_AT_INFINITY = ("hard_silu", "hard_shrink", "soft_shrink", "squareplus", "softmax", "log_softmax", "sparse_plus",
    "silu", "gelu", "mish", "glu", "softsign")  # fmt: skip
"""Functions without a `special` case: the documented pieces or limits say one thing and the formula's 0 * inf,
inf / inf or overflowing square another, or NaN falls in no documented piece, and frameworks legitimately differ."""


def _flushes(choice: Choice) -> bool:
    """Whether subnormal inputs are among the numbers: TensorFlow flushes them to zero, so nothing is bit-identical."""
    return bool(choice["profile"] == "special")


def _shape(choice: Choice, fill: Chooser) -> tuple[int, ...]:
    return tuple(sized(choice["sizes"], fill, choice["rank"] - 1, batch=choice["batch"]))


def _function_exactness(choice: Choice) -> Exactness:
    if choice["activation"] == "linear":
        return Exactness.MOVES
    return Exactness.SELECTS if choice["activation"] in SELECTING and not _flushes(choice) else Exactness.COMPUTES


@row(
    "keras",
    "Activation",
    axes={"activation": FUNCTIONS, **SHAPE},
    profiles=("main", "negative", "spread", "large", "special"),
    rules=[
        rule("activation", "profile", reason="the documentation leaves the answer for NaN or infinity open")(
            lambda activation, profile: profile != "special" or activation not in OPEN_AT_INFINITY
        )
    ],
    exactness=_function_exactness,
)
def activation(choice: Choice, fill: Chooser) -> Draft:
    """glu halves the last axis, so its size is made even."""
    *leading, last = _shape(choice, fill)
    if choice["activation"] == "glu":
        last = 2 * last
    config = {"activation": choice["activation"]}
    return single("keras", "Activation", config, [(*leading, last)], batch=choice["batch"])


@row(
    "keras",
    "ReLU",
    axes={
        **SHAPE,
        "max_value": ("default", 6.0, 2.5),
        "negative_slope": ("default", 0.2, 1.5),
        "threshold": ("default", 0.7),
    },
    profiles=PROFILES,
    rules=[
        rule("threshold", "profile", reason="with a threshold Keras answers 0 for NaN, the documented pieces NaN")(
            lambda threshold, profile: threshold == "default" or profile != "special"
        )
    ],
    exactness=lambda choice: (
        Exactness.SELECTS if choice["negative_slope"] == "default" and not _flushes(choice) else Exactness.COMPUTES
    ),
)
def relu(choice: Choice, fill: Chooser) -> Draft:
    """The function jumps at the threshold, so 0.7 is a number that no profile draws."""
    config = explicit(choice, "max_value", "negative_slope", "threshold")
    return single("keras", "ReLU", config, [_shape(choice, fill)], batch=choice["batch"])


@row(
    "keras",
    "LeakyReLU",
    axes={**SHAPE, "negative_slope": ("default", 0.01, 0.2, 1.5)},
    profiles=PROFILES,
)
def leaky_relu(choice: Choice, fill: Chooser) -> Draft:
    """A slope above 1 tells the definition from `max(x, slope * x)`."""
    return single(
        "keras", "LeakyReLU", explicit(choice, "negative_slope"), [_shape(choice, fill)], batch=choice["batch"]
    )


SHARED = {"none": None, "first": (1,), "spatial": (1, 2), "tail": (2, 3), "last": (3,), "ends": (1, 3)}


@row(
    "keras",
    "PReLU",
    axes={**SHAPE, "shared_axes": tuple(SHARED)},
    profiles=PROFILES,
    rules=[
        rule("rank", "shared_axes", reason="a shared axis is one of the input's")(
            lambda rank, shared: max(SHARED[shared] or (0,)) < rank
        )
    ],
)
def prelu(choice: Choice, fill: Chooser) -> Draft:
    """With `equal` sizes an alpha broadcast along the wrong axis still fits."""
    shape = _shape(choice, fill)
    shared = SHARED[choice["shared_axes"]]
    alpha = tuple(1 if k in (shared or ()) else n for k, n in enumerate(shape, start=1))
    config = {} if shared is None else {"shared_axes": shared}
    return single("keras", "PReLU", config, [shape], weights={"alpha": Weight(alpha, "alpha")}, batch=choice["batch"])


@row("keras", "ELU", axes={**SHAPE, "alpha": ("default", 0.5, 2.0)}, profiles=PROFILES)
def elu(choice: Choice, fill: Chooser) -> Draft:
    """Alpha on both sides of its default of 1."""
    return single("keras", "ELU", explicit(choice, "alpha"), [_shape(choice, fill)], batch=choice["batch"])


@row(
    "keras",
    "Softmax",
    axes={
        **SHAPE,
        "axis": ("default", 1, 2, -2, (-1,), (1, -1)),
        "mask": ("none", "ragged", "hole"),
        "open_sizes": (False, True),
    },
    profiles=("main", "negative", "spread", "large", "small", "ties"),
    pins=[
        {"profile": "hidden", "mask": "ragged", "rank": 3},
        {"profile": "hidden", "mask": "hole", "axis": 1, "rank": 4},
    ],
    rules=[
        rule("rank", "axis", reason="the axes are the input's, without the batch, and different")(
            lambda rank, axis: {"default": 2, 1: 2, 2: 3, -2: 3, (-1,): 2, (1, -1): 3}[axis] <= rank
        ),
    ],
)
def softmax(choice: Choice, fill: Chooser) -> Draft:
    """With `equal` sizes the wrong axis gives the right shape.

    No `special` profile: around an infinite maximum the formula gives NaN everywhere, TensorFlow only there.
    """
    shape: tuple[int | None, ...] = _shape(choice, fill)
    if choice["open_sizes"]:
        shape = (None, *shape[1:])
    draft = single("keras", "Softmax", explicit(choice, "axis"), [shape], batch=choice["batch"])
    return draft if choice["mask"] == "none" else masked(draft, shape, choice["mask"], hides=("x",))
