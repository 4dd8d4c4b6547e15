"""Dense."""

from __future__ import annotations

from harness.catalogue import Choice, Chooser, Draft, Weight, distinct, row, single

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
