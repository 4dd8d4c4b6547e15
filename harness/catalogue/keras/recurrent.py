"""LSTM and GRU."""

from __future__ import annotations

from collections.abc import Mapping

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, distinct, row, rule
from harness.spec import Input, Layer, Spec

FLAGS = ("return_sequences", "return_state", "go_backwards", "use_bias", "unroll", "activation", "recurrent_activation")
"""Axes that are constructor arguments of both layers under the same name."""

SIZES = (2, 3, 4, 5)

AXES = {  # longest first: the greedy covering array is then smaller and uses each flag's two values about equally
    "mask": ("none", "ragged", "left", "hole", "row"),
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
}
FUSIBLE = {
    "mask": ("none",),
    "steps": (2, 5),
    "activation": ("tanh", "relu"),
    "recurrent_activation": ("sigmoid",),
    "unroll": (False,),
}
"""What converters turn into one LSTM or GRU node, where it is worth looking: over more than one step. The axis
`fusible` follows from these five; it is an axis of its own so that every other value meets this path too, which
they would hardly ever hit together by chance."""
PROFILES = ("main", "negative", "spread", "large", "small", "impulse")
RULES = (
    rule("steps", "mask", reason="a sequence padded at one end needs a step to keep and a step to mask")(
        lambda steps, mask: mask not in ("ragged", "left") or steps >= 2
    ),
    rule("steps", "mask", reason="a hole has unmasked steps on both sides")(
        lambda steps, mask: mask != "hole" or steps >= 3
    ),
    rule("fusible", *FUSIBLE, reason="`fusible` says whether the other axes leave one plain loop")(
        lambda fusible, *values: (
            fusible == all(value in allowed for value, allowed in zip(values, FUSIBLE.values(), strict=True))
        )
    ),
)


def _sizes(choice: Choice, fill: Chooser) -> tuple[int, int, int]:
    """batch, features and units: `distinct` from each other and from the steps, or all that can be `equal` is."""
    steps = choice["steps"]
    if choice["sizes"] == "equal":
        size = steps if steps > 1 else fill.pick(SIZES)
        return fill.pick((2, 3)), size, size
    batch = fill.pick([n for n in (2, 3) if n != steps])
    features, units = distinct(fill, 2, [n for n in SIZES if n not in (steps, batch)])
    return batch, features, units


def _weights(choice: Choice, features: int, units: int, gates: int) -> Mapping[str, Weight]:
    """Kernels and bias with the gates side by side; `reset_after` gives the recurrent product a bias of its own."""
    columns = gates * units
    weights = {
        "layer/kernel": Weight((features, columns), "kernel", fan_in=features),
        "layer/recurrent_kernel": Weight((units, columns), "recurrent"),
    }
    if choice["use_bias"]:
        weights["layer/bias"] = Weight((2, columns) if choice.get("reset_after") else (columns,), "bias")
    return weights


def _draft(kind: str, choice: Choice, fill: Chooser, *, gates: int, states: tuple[str, ...]) -> Draft:
    """One recurrent layer on `x`, with the inputs `mask` and initial `states` where the choice asks for them."""
    batch, features, units = _sizes(choice, fill)
    inputs = [Input("x", (choice["steps"], features))]
    keywords: dict[str, tuple[str, ...]] = {}
    if choice["mask"] != "none":
        inputs.append(Input("mask", (choice["steps"],), "bool"))
        keywords["mask"] = ("mask",)
    if choice["initial_state"] == "given":
        inputs += [Input(name, (units,)) for name in states]
        keywords["initial_state"] = states
    config = {"units": units, **{name: choice[name] for name in (*FLAGS, "reset_after") if name in choice}}
    returned = len(states) if choice["return_state"] else 0
    spec = Spec(
        dialect="keras",
        inputs=tuple(inputs),
        layers=(Layer(kind=kind, name="layer", config=config, inputs=("x",), keywords=keywords),),
        outputs=("layer", *(f"layer:{k}" for k in range(1, returned + 1))),
    )
    masks = {"mask": choice["mask"]} if "mask" in keywords else {}
    return Draft(spec=spec, weights=_weights(choice, features, units, gates), batch=batch, masks=masks)


@row("keras", "LSTM", axes=AXES, profiles=PROFILES, rules=RULES, second_batches=SOME)
def lstm(choice: Choice, fill: Chooser) -> Draft:
    """Outputs with `return_state`: the output, the hidden state h, the carry c."""
    return _draft("LSTM", choice, fill, gates=4, states=("h0", "c0"))


@row("keras", "GRU", axes={**AXES, "reset_after": (True, False)}, profiles=PROFILES, rules=RULES)
def gru(choice: Choice, fill: Chooser) -> Draft:
    """Outputs with `return_state`: the output and the hidden state h."""
    return _draft("GRU", choice, fill, gates=3, states=("h0",))
