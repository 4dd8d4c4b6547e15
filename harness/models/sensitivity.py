"""Whether outputs can tell a wrong layer from a right one, on the inputs at hand.

A saturated softmax is 0 and 1 whatever the convolutions before the softmax compute: equal outputs prove nothing there.
So the reference is computed once more for each layer, with every weight of the layer 1 % larger or smaller, at random.
The layer is *hidden* where this change moves no compared tensor beyond the edge of what passes. Two files that are
called one network may also differ in single channels: for them, two channels are exchanged and one is reversed, too. A
converter does not do that to one channel, and a trained network may have a dead channel. The reference is the oracle
or, for a model of which the oracle knows nothing, its own framework.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
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
"""Layers that are changed, spread evenly over a network that has more: each takes one more computation, or three."""
LEAST, SECONDS = 4, 20.0
"""Layers that are changed at least, and seconds that changing layers should take, where no plan says how many."""


@dataclass(frozen=True)
class Sensitivity:
    """The changed and the hidden layers, in the network's order. `count` is the number of layers with weights; with
    `channels` single channels were changed, too."""

    tried: tuple[str, ...]
    hidden: tuple[str, ...]
    count: int
    channels: bool = False

    def __str__(self) -> str:
        """What a change of a layer would have done, as a clause."""
        if not self.tried:
            return "no layer has weights to change"
        one = f"a change of 1 %{' or of single channels' * self.channels} in the weights of"
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
    most: int | None = MOST,
    channels: bool = False,
) -> Sensitivity:
    """Change one layer after the other: `most` layers spread over the network, or the layers of `only`. With `channels`
    also exchange two channels and reverse one.

    The tensors that `golden` expects are the compared ones; its noise is that of float32.
    """
    seeing = replace(spec, outputs=tuple(golden.expected))

    def run(changed: Mapping[str, Array]) -> Iterable[Array]:
        return evaluate(seeing, {**weights, **changed}, inputs).values()

    return felt(weights_of(spec, weights), weights, run, golden, only=only, most=most, channels=channels)


def felt(
    own: Mapping[str, Sequence[str]],
    weights: Mapping[str, Array],
    run: Callable[[Mapping[str, Array]], Iterable[Array]],
    golden: Golden,
    *,
    only: Iterable[str] | None = None,
    most: int | None = None,
    channels: bool = False,
) -> Sensitivity:
    """The same of any model: `own` are the names of each layer's weights, `run` gives the compared tensors with some
    weights changed. Without `most`, the first change tells how many layers can be changed within `SECONDS`."""
    own = {layer: kept for layer, names in own.items() if (kept := _changeable(weights, names))}
    if only is not None:
        tried = [name for name in own if name in set(only)]
    else:
        tried = _spread(list(own), most or _affordable(own, weights, run, 3 if channels else 1))
    changes = (_changed, _channels_exchanged, _channel_reversed) if channels else (_changed,)
    hidden = [
        name for name in tried if not all(_is_seen(run(change(weights, own[name])), golden) for change in changes)
    ]
    return Sensitivity(tuple(tried), tuple(hidden), len(own), channels)


def weights_of(spec: Spec, weights: Mapping[str, Array]) -> dict[str, list[str]]:
    """The names of the weights of each layer. Layers that share weights count once, by the first layer."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for layer in spec.layers:
        if layer.owner not in seen:
            prefix = f"{layer.owner}/"
            found[layer.name] = [name for name in weights if name.startswith(prefix)]
        seen.add(layer.owner)
    return found


def _changeable(weights: Mapping[str, Array], names: Iterable[str]) -> list[str]:
    """The names of weights that a relative change changes."""
    return [name for name in names if weights[name].dtype.kind == "f" and np.any(weights[name])]


def _affordable(
    own: Mapping[str, Sequence[str]],
    weights: Mapping[str, Array],
    run: Callable[[Mapping[str, Array]], Iterable[Array]],
    changes: int,
) -> int:
    """How many layers can be changed in so many ways within `SECONDS`, by the time that the first change takes."""
    began = time.monotonic()
    for names in list(own.values())[:1]:
        run(_changed(weights, names))
    return max(LEAST, min(MOST, int(SECONDS / changes / max(time.monotonic() - began, 1e-9))))


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


def _channels_exchanged(weights: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
    """The first and another channel of the largest weight exchanged; one reversed where all channels are alike."""
    name, channels = _channels(weights, names)
    others = [k for k in range(1, len(channels)) if not np.array_equal(channels[k], channels[0])]
    if not others:
        return _channel_reversed(weights, names)
    other = others[len(others) // 2]
    channels[[0, other]] = channels[[other, 0]]
    return {name: _put(channels, weights[name])}


def _channel_reversed(weights: Mapping[str, Array], names: Sequence[str]) -> dict[str, Array]:
    """The channel of the largest weight in which the largest number stands, with its sign reversed."""
    name, channels = _channels(weights, names)
    place = np.abs(channels).reshape(len(channels), -1).max(axis=1).argmax()
    channels[place] = -channels[place]
    return {name: _put(channels, weights[name])}


def _channels(weights: Mapping[str, Array], names: Sequence[str]) -> tuple[str, Array]:
    """The name of the largest weight, and a copy of the weight with its channels first."""
    name = max(names, key=lambda name: weights[name].size)
    value = np.atleast_1d(weights[name])
    return name, np.moveaxis(value, _axis(value), 0).copy()


def _put(channels: Array, like: Array) -> Array:
    """The weight of these channels."""
    return np.moveaxis(channels, 0, _axis(np.atleast_1d(like))).reshape(like.shape)


def _axis(value: Array) -> int:
    """The axis of a weight's channels: the last axis that is longer than 1. A matrix may be a table of words: the axis
    is the longer one, that of the words."""
    if value.ndim == 2:
        return int(np.argmax(value.shape))
    return max((axis for axis, size in enumerate(value.shape) if size > 1), default=0)


def _is_seen(outputs: Iterable[Array], golden: Golden) -> bool:
    """Whether what the changed network computes, rounded to float32, does not pass."""
    rounded = [value.astype(np.float32) if value.dtype.kind == "f" else value for value in map(np.asarray, outputs)]
    return not compare(golden, rounded).outcome.passes
