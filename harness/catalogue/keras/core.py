"""Dense, EinsumDense, Embedding, ReversibleEmbedding and Masking.

`lora_alpha` is not drawn here: Keras 3.15 documents it and overwrites it with `lora_rank` when the layer is built. The
convolutions keep theirs.
"""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, Weight, called, distinct, explicit, row, rule, single, sized
from harness.spec import Exactness

ACTIVATIONS = (None, "relu", "tanh", "sigmoid", "gelu")


@row(
    "keras",
    "Dense",
    axes={
        "rank": (2, 3, 4),
        "sizes": ("distinct", "equal"),
        "use_bias": (True, False),
        "activation": ACTIVATIONS,
        "lora_rank": ("default", 2),
        "open_sizes": (False, True),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
    rules=[
        rule("rank", "open_sizes", reason="the features are known")(lambda rank, opened: rank > 2 or not opened),
    ],
    per_axis=5,
)
def dense(choice: Choice, fill: Chooser) -> Draft:
    """`equal` makes units the same as the input features, so that a transposed kernel still fits."""
    *spatial, features, units = distinct(fill, choice["rank"])
    if choice["sizes"] == "equal":
        units = features
    weights = {"kernel": Weight((features, units), "kernel", fan_in=features)}
    if choice["use_bias"]:
        weights["bias"] = Weight((units,), "bias")
    config = {"units": units, "use_bias": choice["use_bias"], "activation": choice["activation"]}
    config |= explicit(choice, "lora_rank")
    weights |= low_rank(choice, "kernel", (features, units))
    shape = [None if choice["open_sizes"] and k == 0 else n for k, n in enumerate(spatial)]
    return single("keras", "Dense", config, [(*shape, features)], weights=weights, batch=choice["batch"])


def low_rank(choice: Choice, name: str, shape: tuple[int, ...]) -> dict[str, Weight]:
    """The two factors of the low-rank update of a weight, which are weights beside the frozen one; {} without
    `lora_rank`."""
    rank = choice.get("lora_rank", "default")
    if rank == "default":
        return {}
    return {
        f"lora_{name}_a": Weight((*shape[:-1], rank), "kernel", fan_in=rank),
        f"lora_{name}_b": Weight((rank, shape[-1]), "kernel", fan_in=rank),
    }


@row(
    "keras",
    "Embedding",
    axes={
        "vocabulary": (3, 1, 2, 5, 7),
        "features": (3, 1, 2, 5),
        "rank": (2, 3),
        "mask_zero": ("default", True),
        "lora_rank": ("default", 2),
        "dtype": ("int32", "int64"),
        "open_sizes": (False, True),
        "batch": (2, 1, 3),
    },
    profiles=("main",),
    pins=[{"dtype": "float32", "profile": "ids"}, {"dtype": "float32", "profile": "ids", "open_sizes": True}],
    exactness=lambda choice: Exactness.MOVES if choice["lora_rank"] == "default" else Exactness.COMPUTES,
    per_axis=4,
)
def embedding(choice: Choice, fill: Chooser) -> Draft:
    """The first id is the vocabulary's last and the last is 0, so a table cut short at either end shows."""
    table = (choice["vocabulary"], choice["features"])
    steps, *more = sized("distinct", fill, choice["rank"] - 1, options=(4, 5, 6))
    return single(
        "keras",
        "Embedding",
        {
            "input_dim": choice["vocabulary"],
            "output_dim": choice["features"],
            **explicit(choice, "mask_zero", "lora_rank"),
        },
        [(None if choice["open_sizes"] else steps, *more)],
        weights={"embeddings": Weight(table, "embedding"), **low_rank(choice, "embeddings", table)},
        dtype=choice["dtype"],
        batch=choice["batch"],
        bounds={"x": choice["vocabulary"]},
    )


@row(
    "keras",
    "ReversibleEmbedding",
    axes={
        "tie_weights": ("default", False),
        "mask_zero": ("default", True),
        "logit_soft_cap": ("default", 1.5),
        "reverse": (False, True),
        "open_sizes": (False, True),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "large", "small"),
    rules=[
        rule("reverse", "profile", reason="ids are integers")(lambda reverse, profile: reverse or profile == "main"),
        rule("reverse", "logit_soft_cap", reason="the layer returns logits only in reverse")(
            lambda reverse, cap: reverse or cap == "default"
        ),
        rule("reverse", "mask_zero", reason="only ids give a mask")(
            lambda reverse, mask: not reverse or mask == "default"
        ),
    ],
    exactness=lambda choice: Exactness.COMPUTES if choice["reverse"] else Exactness.MOVES,
    per_axis=3,
)
def reversible_embedding(choice: Choice, fill: Chooser) -> Draft:
    """Called in reverse on features, it gives the logits of the words."""
    vocabulary, features = distinct(fill, 2, (3, 5, 7))
    weights = {"embeddings": Weight((vocabulary, features), "embedding")}
    if choice["tie_weights"] is False:
        weights["reverse_embeddings"] = Weight((features, vocabulary), "embedding")
    steps = None if choice["open_sizes"] else 4
    draft = single(
        "keras",
        "ReversibleEmbedding",
        {
            "input_dim": vocabulary,
            "output_dim": features,
            **explicit(choice, "tie_weights", "mask_zero", "logit_soft_cap"),
        },
        [(steps, features) if choice["reverse"] else (steps,)],
        weights=weights,
        dtype="float32" if choice["reverse"] else "int32",
        batch=choice["batch"],
        bounds={"x": vocabulary},
    )
    return called(draft, reverse=True) if choice["reverse"] else draft


EQUATIONS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    # equation: the input's axes after the batch by letter, and the values that bias_axes can take
    "ab,bc->ac": ("b", (None, "c")),
    "abc,cd->abd": ("bc", (None, "d", "bd")),
    "...x,xy->...y": ("bcx", (None, "y")),
    "abc,bde->adec": ("bc", (None, "e", "de", "dc")),
    "abcd,cde->abe": ("bcd", (None, "e")),
    "abc,bcd->abd": ("bc", (None, "d")),
    # These are no products of matrices to Keras. tf2onnx takes an Einsum apart, but for one with an ellipsis.
    "...x,yx->...y": ("bcx", (None, "y")),
    "abc,cb->ab": ("bc", (None, "b")),
    "abcd,dbe->aceb": ("bcd", (None, "b")),
}
JOINED = tuple(EQUATIONS)[6:]
"""Equations that joined after the row was frozen."""


@row(
    "keras",
    "EinsumDense",
    axes={
        "equation": tuple(EQUATIONS),
        "bias": (0, 1, 2),
        "activation": (None, "relu", "tanh"),
        "lora_rank": ("default", 2),
        "sizes": ("distinct", "equal"),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "large", "small", "impulse"),
    rules=[
        rule("equation", "bias", reason="the equation has no such output axes for a bias")(
            lambda equation, bias: bias < len(EQUATIONS[equation][1])
        ),
        rule("equation", "bias", "sizes", reason="Keras' ops.add adds such a bias along another axis")(
            lambda equation, bias, sizes: sizes == "distinct" or equation != "abc,bde->adec" or bias != 1
        ),
        rule("equation", "lora_rank", reason="the update is a product of matrices along the kernel's last axis")(
            lambda equation, rank: rank == "default" or equation in ("ab,bc->ac", "abc,cd->abd", "...x,xy->...y")
        ),
    ],
    later={"equation": JOINED},
    per_axis=5,
)
def einsum_dense(choice: Choice, fill: Chooser) -> Draft:
    """Each letter has a size; `bias` is an index into the values of `bias_axes`, the first of which is None."""
    letters, biases = EQUATIONS[choice["equation"]]
    kernel, result = choice["equation"].partition(",")[2].split("->")
    names = list(dict.fromkeys([*letters, *kernel]))
    sizes = dict(
        zip(
            names, sized(choice["sizes"], fill, len(names), batch=choice["batch"], options=(2, 3, 4, 5, 7)), strict=True
        )
    )
    after = list(result.removeprefix("...")) if result.startswith(".") else list(result[1:])
    axes = biases[choice["bias"]]
    shape = tuple(sizes[k] for k in kernel)
    weights = {"kernel": Weight(shape, "kernel", fan_in=sizes[letters[-1]])}
    if axes is not None:
        first = min(after.index(name) for name in axes)
        weights["bias"] = Weight(tuple(sizes[n] if n in axes else 1 for n in after[first:]), "bias")
    if choice["lora_rank"] != "default":
        weights |= low_rank(choice, "kernel", shape)
    config = {
        "equation": choice["equation"],
        "output_shape": tuple(sizes[name] for name in after),
        "bias_axes": axes,
        "activation": choice["activation"],
        **explicit(choice, "lora_rank"),
    }
    return single(
        "keras", "EinsumDense", config, [tuple(sizes[n] for n in letters)], weights=weights, batch=choice["batch"]
    )


@row(
    "keras",
    "Masking",
    axes={"mask_value": ("default", 1.0, -2.0), "open_sizes": (False, True), "features": (3, 1, 2), "batch": (2, 1, 3)},
    profiles=("impulse", "ties", "main", "special"),
    exactness=lambda choice: Exactness.COMPUTES if choice["profile"] == "special" else Exactness.SELECTS,
    per_axis=3,
)
def masking(choice: Choice, fill: Chooser) -> Draft:
    """`impulse` and `ties` have steps of a single value. Rows of later layers test the effect of the mask."""
    steps = None if choice["open_sizes"] else fill.pick((4, 5, 6))
    config = explicit(choice, "mask_value")
    return single("keras", "Masking", config, [(steps, choice["features"])], batch=choice["batch"])
