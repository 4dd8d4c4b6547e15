"""SimpleRNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, distinct, explicit, row, rule
from harness.spec import Input, Layer, Spec

FLAGS = ("return_sequences", "return_state", "go_backwards", "use_bias", "unroll", "activation", "recurrent_activation")
"""Axes that are constructor arguments of both layers under the same name."""

SIZES = (2, 3, 4, 5)

AXES = {  # longest first: the greedy covering array is then smaller and uses each flag's two values about equally
    "mask": ("none", "ragged", "left", "hole", "row", "implicit"),
    "steps": (2, 1, 5),
    "activation": ("tanh", "relu", "softsign"),
    "recurrent_activation": ("sigmoid", "hard_sigmoid"),
    "unroll": (False, True),
    "fusible": (True, False),
    "sizes": ("distinct", "equal"),
    "return_sequences": (False, True),
    "return_state": (False, True),
    "go_backwards": (False, True),
    "use_bias": (True, False),
    "initial_state": ("none", "given"),
    "open_sizes": (False, True),
}
FUSIBLE = {
    "mask": ("none",),
    "steps": (2, 5),
    "activation": ("tanh", "relu"),
    "recurrent_activation": ("sigmoid",),
    "unroll": (False,),
}
"""Values of layers that converters turn into one LSTM or GRU node, over more than one step. The axis `fusible`
follows from these five axes. It is an axis so that every other value occurs with it: random choices hardly ever
have all five of these values together."""
DROPS = {"dropout": ("default", 0.5), "recurrent_dropout": ("default", 0.5)}
"""What is dropped in training. At inference nothing is, but Keras calls no fused kernel for `recurrent_dropout`, and an
exporter sees another graph."""
LATER_DROPS = {"dropout": (0.5,), "recurrent_dropout": (0.5,)}
DROP_PINS = (
    {"dropout": 0.5},
    {"recurrent_dropout": 0.5},
    {
        "recurrent_dropout": 0.5,
        "steps": 5,
        "open_sizes": True,
        "return_sequences": True,
        "return_state": True,
        "initial_state": "given",
    },
)
"""What converters turn into one node without them: pairs alone hardly ever leave the rest as plain as that."""
UNROLLED = rule("unroll", "steps", reason="onnx2torch has no Loop, and no squeeze over several axes")(
    lambda unroll, steps: unroll and steps > 1
)
PROFILES = ("main", "negative", "spread", "large", "small", "impulse")
HIDDEN = tuple(
    {"profile": "hidden", "steps": 5, **pin}
    for pin in (
        {"mask": "ragged", "return_sequences": True},
        {"mask": "hole", "unroll": True, "return_state": True},
        {"mask": "left", "go_backwards": True, "return_state": True},
        {"mask": "row", "initial_state": "given", "return_state": True},
    )
)
"""Pins whose masked steps hold NaN and infinity. Keras selects what a step leaves; who multiplies by the mask, by
zero, gets NaN."""
HANDED_ON = rule("mask", "initial_state", reason="Keras 3.15 loses an implicit mask beside an initial state")(
    lambda mask, initial_state: mask != "implicit" or initial_state == "none"
)
PLAIN_RULES = (
    HANDED_ON,
    rule("steps", "mask", reason="a sequence padded at one end needs a step to keep and a step to mask")(
        lambda steps, mask: mask not in ("ragged", "left", "implicit") or steps >= 2
    ),
    rule("steps", "mask", reason="a hole has unmasked steps on both sides")(
        lambda steps, mask: mask != "hole" or steps >= 3
    ),
    rule("open_sizes", "steps", "unroll", reason="an open time is five steps long and cannot be unrolled")(
        lambda opened, steps, unroll: not opened or (steps == 5 and not unroll)
    ),
)
RULES = (
    *PLAIN_RULES,
    rule("fusible", *FUSIBLE, reason="`fusible` says whether the other axes leave one plain loop")(
        lambda fusible, *values: (
            fusible == all(value in allowed for value, allowed in zip(values, FUSIBLE.values(), strict=True))
        )
    ),
)


def sizes(choice: Choice, fill: Chooser) -> tuple[int, int, int]:
    """batch, features and units: `distinct` from each other and from the steps, or features and units `equal`."""
    steps = choice["steps"]
    if choice["sizes"] == "equal":
        size = steps if steps > 1 else fill.pick(SIZES)
        return fill.pick((2, 3)), size, size
    batch = fill.pick([n for n in (2, 3) if n != steps])
    features, units = distinct(fill, 2, [n for n in SIZES if n not in (steps, batch)])
    return batch, features, units


def cell_weights(choice: Choice, features: int, units: int, gates: int) -> dict[str, Weight]:
    """Kernels and bias with the gates side by side; `reset_after` adds a bias for the recurrent product."""
    columns = gates * units
    weights = {
        "kernel": Weight((features, columns), "kernel", fan_in=features),
        "recurrent_kernel": Weight((units, columns), "recurrent"),
    }
    if choice["use_bias"]:
        weights["bias"] = Weight((2, columns) if choice.get("reset_after") else (columns,), "bias")
    return weights


def _front(choice: Choice, features: int) -> tuple[list[Input], list[Layer], dict[str, Weight]]:
    """Inputs, layers and weights before the layer: one input, or an input and an Embedding that makes the mask."""
    steps = None if choice["open_sizes"] else choice["steps"]
    if choice["mask"] != "implicit":
        return [Input("x", (steps, features))], [], {}
    config = {"input_dim": WORDS, "output_dim": features, "mask_zero": True}
    weights = {"embedding/embeddings": Weight((WORDS, features), "embedding")}
    return [Input("x", (steps,), "int32")], [Layer("Embedding", "embedding", config, ("x",))], weights


WORDS = 3
"""Vocabulary of the Embedding before the layer. Id 0 is masked; the last step of the last sample always has it."""


def draft(
    kind: str,
    config: Mapping[str, Any],
    choice: Choice,
    *,
    sizes: tuple[int, int],
    weights: Mapping[str, Weight],
    states: Mapping[str, int],
    outputs: int,
) -> Draft:
    """One recurrent layer on `x`, with the inputs `mask` and initial `states` if the choice has them.

    `sizes` are batch and features; `weights` are named below `layer/`; `states` maps names to sizes.
    """
    batch, features = sizes
    inputs, layers, more = _front(choice, features)
    keywords: dict[str, tuple[str, ...]] = {}
    if choice["mask"] not in ("none", "implicit"):
        inputs.append(Input("mask", inputs[0].shape[:1], "bool"))
        keywords["mask"] = ("mask",)
    if choice["initial_state"] == "given":
        inputs += [Input(name, (size,)) for name, size in states.items()]
        keywords["initial_state"] = tuple(states)
    before = layers[-1].name if layers else "x"
    spec = Spec(
        dialect="keras",
        inputs=tuple(inputs),
        layers=(*layers, Layer(kind=kind, name="layer", config=config, inputs=(before,), keywords=keywords)),
        outputs=tuple("layer" if k == 0 else f"layer:{k}" for k in range(outputs)),
    )
    return Draft(
        spec=spec,
        weights={**more, **{f"layer/{name}": weight for name, weight in weights.items()}},
        batch=batch,
        bounds={"x": WORDS},
        masks={"mask": choice["mask"]} if "mask" in keywords else {},
        hides={"mask": ("x",)} if "mask" in keywords else {},
    )


def _layer(kind: str, choice: Choice, fill: Chooser, *, gates: int, states: tuple[str, ...]) -> Draft:
    batch, features, units = sizes(choice, fill)
    return draft(
        kind,
        {
            "units": units,
            **{name: choice[name] for name in (*FLAGS, "reset_after") if name in choice},
            **explicit(choice, *DROPS),
        },
        choice,
        sizes=(batch, features),
        weights=cell_weights(choice, features, units, gates),
        states=dict.fromkeys(states, units),
        outputs=1 + (len(states) if choice["return_state"] else 0),
    )


@row(
    "keras",
    "LSTM",
    axes={**AXES, **DROPS},
    profiles=PROFILES,
    rules=RULES,
    second_batches=SOME,
    later=LATER_DROPS,
    pins=(*DROP_PINS, *HIDDEN),
)
def lstm(choice: Choice, fill: Chooser) -> Draft:
    """Outputs with `return_state`: the output, the hidden state h, the carry c."""
    return _layer("LSTM", choice, fill, gates=4, states=("h0", "c0"))


@row(
    "keras",
    "GRU",
    axes={**AXES, "reset_after": (True, False), **DROPS},
    profiles=PROFILES,
    rules=RULES,
    second_batches=SOME,
    later=LATER_DROPS,
    pins=(*DROP_PINS, *HIDDEN),
)
def gru(choice: Choice, fill: Chooser) -> Draft:
    """Outputs with `return_state`: the output and the hidden state h."""
    return _layer("GRU", choice, fill, gates=3, states=("h0",))


@row(
    "keras",
    "SimpleRNN",
    axes={
        **{name: values for name, values in AXES.items() if name not in ("fusible", "recurrent_activation")},
        **DROPS,
    },
    profiles=PROFILES,
    rules=PLAIN_RULES,
    pins=HIDDEN,
    second_batches=SOME,
    later=LATER_DROPS,
    barriers=[UNROLLED],
    per_axis=4,
)
def simple_rnn(choice: Choice, fill: Chooser) -> Draft:
    """Outputs with `return_state`: the output and the hidden state h."""
    return _layer("SimpleRNN", choice, fill, gates=1, states=("h0",))
