"""Whether outputs can tell a wrong layer from a right one, on the inputs at hand.

A saturated softmax is 0 and 1 whatever the convolutions before the softmax compute: equal outputs prove nothing there.
So the reference is computed once more for each layer, with every weight of the layer 1 % larger or smaller, at random.
The layer is *hidden* where this change moves no compared tensor beyond the edge of what passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from harness.judge.compare import compare
from harness.oracle import evaluate
from harness.patterns import few
from harness.spec import Array, Golden, Spec

CHANGE = 0.01
"""Relative size of the change of each weight."""
MOST = 24
"""Layers that are changed, spread evenly over a network that has more: each takes one more exact computation."""


@dataclass(frozen=True)
class Sensitivity:
    """The changed and the hidden layers, in the network's order. `count` is the number of layers with weights."""

    tried: tuple[str, ...]
    hidden: tuple[str, ...]
    count: int

    def __str__(self) -> str:
        """What a change of a layer would have done, as a clause."""
        if not self.tried:
            return "no layer has weights to change"
        one = "a change of 1 % in the weights of"
        if not self.hidden:
            each = "any layer" if len(self.tried) == self.count else f"each of {len(self.tried)} layers tried"
            return f"{one} {each} would have been seen"
        return f"{one} {few(self.hidden)} would not have been seen"


def sensitivity(
    spec: Spec,
    weights: Mapping[str, Array],
    inputs: Mapping[str, Array],
    golden: Golden,
    *,
    only: Iterable[str] | None = None,
    most: int = MOST,
) -> Sensitivity:
    """Change one layer after the other: `most` layers spread over the network, or the layers of `only`.

    The tensors that `golden` expects are the compared ones; its noise is that of float32.
    """
    own = _weights_of(spec, weights)
    tried = [name for name in own if name in set(only)] if only is not None else _spread(list(own), most)
    seeing = replace(spec, outputs=tuple(golden.expected))
    hidden = [
        name for name in tried if not _is_seen(seeing, {**weights, **_changed(weights, own[name])}, inputs, golden)
    ]
    return Sensitivity(tuple(tried), tuple(hidden), len(own))


def _weights_of(spec: Spec, weights: Mapping[str, Array]) -> dict[str, list[str]]:
    """The names of the weights of each layer. Layers that share weights count once, by the first layer."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for layer in spec.layers:
        prefix = f"{layer.owner}/"
        names = [
            name
            for name, value in weights.items()
            if name.startswith(prefix) and value.dtype.kind == "f" and np.any(value)
        ]
        if names and layer.owner not in seen:
            found[layer.name] = names
        seen.add(layer.owner)
    return found


def _spread(names: list[str], most: int) -> list[str]:
    """At most `most` names at even distances, with the first name and the last name."""
    if len(names) <= most:
        return names
    return [names[place] for place in np.linspace(0, len(names) - 1, most).round().astype(int)]


def _changed(weights: Mapping[str, Array], names: Iterable[str]) -> dict[str, Array]:
    """The weights with each number larger or smaller by `CHANGE`. Each call gives the same numbers."""
    changed = {}
    for name in names:
        source = np.random.Generator(np.random.PCG64(crc32(name.encode())))
        value = weights[name]
        changed[name] = value * (1 + CHANGE * source.choice([-1.0, 1.0], value.shape))
    return changed


def _is_seen(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], golden: Golden) -> bool:
    """Whether what the changed network computes, rounded to float32, does not pass."""
    outputs = evaluate(spec, weights, inputs).values()
    rounded = [value.astype(np.float32) if value.dtype.kind == "f" else value for value in outputs]
    return not compare(golden, rounded).outcome.passes
