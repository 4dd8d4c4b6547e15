"""Bidirectional and TimeDistributed."""

from __future__ import annotations

from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, distinct, explicit, inner, masked, row, rule, single
from harness.catalogue.keras.cells import HIDDEN, LONG_ENOUGH, PROFILES
from harness.catalogue.keras.recurrent import HANDED_ON, WORDS, cell_weights, draft
from harness.spec import Exactness

GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


@row(
    "keras",
    "Bidirectional",
    axes={
        "layer": tuple(GATES),
        "merge_mode": ("default", "sum", "mul", "ave", None),
        "backward_layer": (False, True),
        "return_sequences": (False, True),
        "return_state": (False, True),
        "mask": ("none", "ragged", "hole", "row", "implicit"),
        "initial_state": ("none", "given"),
        "steps": (2, 1, 5),
        "sizes": ("distinct", "equal"),
        "open_sizes": (False, True),
    },
    profiles=PROFILES,
    rules=[
        LONG_ENOUGH,
        HANDED_ON,
        rule("open_sizes", "steps", reason="an open time is five steps long")(
            lambda opened, steps: not opened or steps == 5
        ),
    ],
    pins=[
        {**HIDDEN, "layer": "LSTM"},
        {**HIDDEN, "layer": "GRU", "mask": "ragged", "merge_mode": "sum", "return_state": False},
        {**HIDDEN, "layer": "SimpleRNN", "merge_mode": "mul", "return_sequences": False},
    ],
    second_batches=SOME,
    per_axis=5,
)
def bidirectional(choice: Choice, fill: Chooser) -> Draft:
    """A `backward_layer` has another activation than the forward layer."""
    kind, batch = choice["layer"], fill.pick((2, 3))
    if choice["sizes"] == "equal":
        features = units = max(choice["steps"], 2)
    else:
        features, units = distinct(fill, 2, [n for n in (2, 3, 4, 5) if n not in (batch, choice["steps"])])
    arguments = {"units": units, "return_sequences": choice["return_sequences"], "return_state": choice["return_state"]}
    config: dict[str, Any] = {"layer": inner(kind, arguments), **explicit(choice, "merge_mode")}
    if choice["backward_layer"]:
        config["backward_layer"] = inner(kind, {**arguments, "activation": "softsign", "go_backwards": True})
    flags = {"use_bias": True, "reset_after": kind == "GRU"}
    weights = {
        f"{side}/{name}": weight
        for side in ("forward", "backward")
        for name, weight in cell_weights(flags, features, units, GATES[kind]).items()
    }
    count = 2 if kind == "LSTM" else 1
    states = {f"{side}{k}": units for side in ("f", "b") for k in range(count)}
    outputs = (2 if choice["merge_mode"] is None else 1) + (len(states) if choice["return_state"] else 0)
    return draft(
        "Bidirectional",
        config,
        choice,
        sizes=(batch, features),
        weights=weights,
        states=states,
        outputs=outputs,
    )


@row(
    "keras",
    "TimeDistributed",
    axes={
        "layer": ("Dense", "Conv2D", "BatchNormalization", "Flatten", "Dropout", "LSTM"),
        "mask": ("none", "ragged"),
        "steps": (3, 2, 5),
        "open_sizes": (False, True),
        "batch": (2, 1, 3),
    },
    profiles=("main", "negative", "large", "small", "impulse"),
    rules=[
        rule("open_sizes", "steps", reason="an open time is five steps long")(
            lambda opened, steps: not opened or steps == 5
        ),
        rule("layer", "mask", reason="a wrapped layer that takes masks takes one per step")(
            lambda layer, mask: mask == "none" or layer != "LSTM"
        ),
        rule("layer", "open_sizes", reason="Keras on TensorFlow finds no gradient-free loop over an open time")(
            lambda layer, opened: not opened or layer not in ("LSTM",)
        ),
    ],
    pins=[{"layer": "Embedding", "profile": "ids"}, {"layer": "Embedding", "profile": "ids", "mask": "ragged"}],
    second_batches=SOME,
    exactness=lambda choice: (
        Exactness.MOVES if choice["layer"] in ("Flatten", "Dropout", "Embedding") else Exactness.COMPUTES
    ),
    per_axis=6,
)
def time_distributed(choice: Choice, fill: Chooser) -> Draft:
    """Steps must neither mix nor change their order. The wrapper hands the ids of an Embedding on as the floats that
    they are."""
    kind = choice["layer"]
    a, b = distinct(fill, 2, (2, 3, 4))
    vector, image = (a,), (4, 3, a)
    laws = {"gamma": "gamma", "beta": "beta", "moving_mean": "mean", "moving_variance": "variance"}
    table: dict[str, tuple[dict[str, Any], tuple[int, ...], dict[str, Weight]]] = {
        "Dense": ({"units": b}, vector, {"kernel": Weight((a, b), "kernel", fan_in=a), "bias": Weight((b,), "bias")}),
        "Conv2D": (
            {"filters": b, "kernel_size": (2, 2), "padding": "same"},
            image,
            {"kernel": Weight((2, 2, a, b), "kernel", fan_in=4 * a), "bias": Weight((b,), "bias")},
        ),
        "BatchNormalization": ({}, vector, {name: Weight((a,), law) for name, law in laws.items()}),
        "Flatten": ({}, image, {}),
        "Dropout": ({"rate": 0.5}, vector, {}),
        "LSTM": ({"units": b}, (3, a), cell_weights({"use_bias": True}, a, b, 4)),
        "Embedding": ({"input_dim": WORDS, "output_dim": a}, (b,), {"embeddings": Weight((WORDS, a), "embedding")}),
    }
    config, shape, weights = table[kind]
    steps = None if choice["open_sizes"] else choice["steps"]
    plain = single(
        "keras",
        "TimeDistributed",
        {"layer": inner(kind, config)},
        [(steps, *shape)],
        weights=weights,
        batch=choice["batch"],
        bounds={"x": WORDS} if kind == "Embedding" else None,
    )
    return plain if choice["mask"] == "none" else masked(plain, (steps,), choice["mask"])
