"""RNN, and the cells that it runs: SimpleRNNCell, LSTMCell, GRUCell and StackedRNNCells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.catalogue import SOME, Choice, Chooser, Draft, Weight, distinct, inner, row, rule
from harness.catalogue.keras.recurrent import HANDED_ON, cell_weights, draft

GATES = {"SimpleRNNCell": 1, "LSTMCell": 4, "GRUCell": 3}
STATES = {"SimpleRNNCell": 1, "LSTMCell": 2, "GRUCell": 1}
PROFILES = ("main", "negative", "spread", "small", "impulse")
RUN = {
    "return_sequences": (False, True),
    "return_state": (False, True),
    "go_backwards": (False, True),
    "unroll": (False, True),
}
"""Arguments of RNN."""
HIDDEN = {"profile": "hidden", "mask": "hole", "steps": 5, "return_sequences": True, "return_state": True}
"""A pin whose masked step holds NaN or infinity: see `recurrent.HIDDEN`."""
LONG_ENOUGH = rule("steps", "mask", reason="a hole has unmasked steps on both sides, a ragged row two steps")(
    lambda steps, mask: steps >= {"hole": 3, "ragged": 2, "implicit": 2}.get(mask, 1)
)


def _cell(kind: str, choice: Choice, features: int, units: int) -> tuple[dict[str, Any], dict[str, Weight]]:
    """A cell as a constructor argument, and its weights."""
    names = ["activation", "use_bias"]
    names += [] if kind == "SimpleRNNCell" else ["recurrent_activation"]
    names += ["reset_after"] if kind == "GRUCell" else []
    config = {"units": units, **{name: choice[name] for name in names if name in choice}}
    flags = {
        "use_bias": choice.get("use_bias", True),
        "reset_after": kind == "GRUCell" and choice.get("reset_after", True),
    }
    return inner(kind, config), cell_weights(flags, features, units, GATES[kind])


def _run(
    cell: Any, choice: Choice, *, sizes: tuple[int, int], weights: Mapping[str, Weight], states: Mapping[str, int]
) -> Draft:
    flags = {name: choice[name] for name in (*RUN, "zero_output_for_mask") if name in choice}
    asked = {"mask": "none", "initial_state": "none", "open_sizes": False, **choice}
    outputs = 1 + (len(states) if choice["return_state"] else 0)
    return draft("RNN", {"cell": cell, **flags}, asked, sizes=sizes, weights=weights, states=states, outputs=outputs)


def _sizes(choice: Choice, fill: Chooser) -> tuple[int, int, int]:
    """batch, features and units."""
    batch = fill.pick((2, 3))
    if choice["sizes"] == "equal":
        size = max(choice["steps"], 2)
        return batch, size, size
    features, units = distinct(fill, 2, [n for n in (2, 3, 4, 5) if n not in (batch, choice["steps"])])
    return batch, features, units


def _register(kind: str, more: Mapping[str, tuple[Any, ...]]) -> None:
    @row(
        "keras",
        kind,
        axes={
            "activation": ("tanh", "relu", "softsign"),
            **more,
            "use_bias": (True, False),
            **RUN,
            "steps": (2, 1, 5),
            "sizes": ("distinct", "equal"),
            "mask": ("none", "ragged", "hole"),
        },
        profiles=PROFILES,
        rules=[LONG_ENOUGH],
        pins=[HIDDEN],
        second_batches=SOME,
        per_axis=3,
    )
    def build(choice: Choice, fill: Chooser) -> Draft:
        """The cell inside RNN, which therefore calls no fused kernel."""
        batch, features, units = _sizes(choice, fill)
        cell, weights = _cell(kind, choice, features, units)
        states = {f"s{k}": units for k in range(STATES[kind])}
        return _run(cell, choice, sizes=(batch, features), weights=weights, states=states)


GATED = {"recurrent_activation": ("sigmoid", "hard_sigmoid")}
_register("SimpleRNNCell", {})
_register("LSTMCell", GATED)
_register("GRUCell", {**GATED, "reset_after": (True, False)})


@row(
    "keras",
    "RNN",
    axes={
        "cell": tuple(GATES),
        **RUN,
        "zero_output_for_mask": (False, True),
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
        rule(
            "zero_output_for_mask",
            "unroll",
            "go_backwards",
            "mask",
            reason="unrolled backwards, Keras 3.15 zeroes outputs by the mask of the other end",
        )(lambda zero, unroll, backwards, mask: not (zero and unroll and backwards) or mask == "none"),
        rule("open_sizes", "steps", "unroll", reason="an open time is five steps long and cannot be unrolled")(
            lambda opened, steps, unroll: not opened or (steps == 5 and not unroll)
        ),
    ],
    pins=[{"cell": cell, **HIDDEN, "zero_output_for_mask": cell == "LSTMCell"} for cell in GATES],
    second_batches=SOME,
    per_axis=4,
)
def rnn(choice: Choice, fill: Chooser) -> Draft:
    """With `zero_output_for_mask` a masked step gives zeros instead of the output before it."""
    batch, features, units = _sizes(choice, fill)
    cell, weights = _cell(choice["cell"], {}, features, units)
    states = {f"s{k}": units for k in range(STATES[choice["cell"]])}
    return _run(cell, choice, sizes=(batch, features), weights=weights, states=states)


STACKS = (("LSTMCell", "GRUCell"), ("SimpleRNNCell", "LSTMCell", "GRUCell"), ("GRUCell", "SimpleRNNCell"))


@row(
    "keras",
    "StackedRNNCells",
    axes={
        "cells": STACKS,
        "as_list": (True, False),
        **RUN,
        "steps": (2, 1, 5),
        "sizes": ("distinct", "equal"),
        "mask": ("none", "ragged", "hole"),
    },
    profiles=PROFILES,
    rules=[
        LONG_ENOUGH,
        rule("cells", "return_state", reason="a cell with two states returns them as a nested list")(
            lambda cells, return_state: not return_state or "LSTMCell" not in cells
        ),
    ],
    pins=[{**HIDDEN, "return_state": False}],
    second_batches=SOME,
    per_axis=3,
)
def stacked_rnn_cells(choice: Choice, fill: Chooser) -> Draft:
    """Cells of different kinds and sizes, as StackedRNNCells or as a list."""
    batch, features, units = _sizes(choice, fill)
    cells: list[dict[str, Any]] = []
    weights: dict[str, Weight] = {}
    states: dict[str, int] = {}
    before = features
    for k, kind in enumerate(choice["cells"]):
        size = units if choice["sizes"] == "equal" else units + k
        cell, part = _cell(kind, {}, before, size)
        cells.append(cell)
        weights |= {f"{k}/{name}": weight for name, weight in part.items()}
        states |= {f"s{k}{j}": size for j in range(STATES[kind])}
        before = size
    argument = cells if choice["as_list"] else inner("StackedRNNCells", {"cells": cells})
    return _run(argument, choice, sizes=(batch, features), weights=weights, states=states)
