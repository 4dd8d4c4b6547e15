"""Dense and Embedding."""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, explicit, row, single, sized

ACTIVATIONS = (None, "relu", "tanh", "sigmoid", "gelu")


@row(
    "keras",
    "Dense",
    axes={
        "rank": (2, 3, 4),
        "sizes": ("distinct", "equal"),
        "use_bias": (True, False),
        "activation": ACTIVATIONS,
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "spread", "large", "small", "impulse"),
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
    return single("keras", "Dense", config, [(*spatial, features)], weights=weights, batch=choice["batch"])


@row(
    "keras",
    "Embedding",
    axes={
        "vocabulary": (3, 1, 2, 5, 7),
        "features": (3, 1, 2, 5),
        "rank": (2, 3),
        "mask_zero": ("default", True),
        "dtype": ("int32", "int64"),
        "batch": (2, 1, 3),
    },
    profiles=("main",),
    exactness="moves",
)
def embedding(choice: Choice, fill: Chooser) -> Draft:
    """The first id is the vocabulary's last and the last is 0, so a table cut short at either end shows."""
    return single(
        "keras",
        "Embedding",
        {"input_dim": choice["vocabulary"], "output_dim": choice["features"], **explicit(choice, "mask_zero")},
        [tuple(sized("distinct", fill, choice["rank"] - 1, options=(4, 5, 6)))],
        weights={"embeddings": Weight((choice["vocabulary"], choice["features"]), "embedding")},
        dtype=choice["dtype"],
        batch=choice["batch"],
        bounds={"x": choice["vocabulary"]},
    )
