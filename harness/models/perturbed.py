"""A model in its own framework with its weights off: the noise scale that shows, and the layers that outputs hide.

For the noise, each run has every weight and every input off by one random rounding, of float32 or of the half precision
in which the model computes; the scale is the root mean square of what that changes. Rounding within the layers is not
seen, so that it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.adapters.registry import resolve
from harness.models.sensitivity import felt
from harness.spec import Array, Exactness, Golden
from harness.units import UNIT

Measured = list[list[tuple[Array, Array]]]
"""For each sample, each output with its noise scale."""


APART = 1e-3
"""Share of its largest value by which an output may differ in a second call: threads add up in another order."""


class RandomOutputs(ValueError):
    """A second call on the same inputs gives other values."""


@dataclass(frozen=True)
class Rig:
    """A model as its framework runs it. `weights` are its numbers by name, `own` the names of each layer's, `put` sets
    some of them. `unit` is the largest relative error of one rounding; inputs may be `wide`, in double precision."""

    run: Callable[[Mapping[str, Array]], Sequence[Array]]
    weights: Mapping[str, Array]
    own: Mapping[str, Sequence[str]]
    put: Callable[[Mapping[str, Array]], None]
    unit: float = UNIT


def noise(rig: str, path: Path, samples: Sequence[Mapping[str, Array]], runs: int, trust: bool) -> Measured:
    """Outputs and noise scales of each sample. The function `rig`, as `module:function`, opens the model; called in a
    worker. Raises what opening and running the model raises."""
    return measured(resolve(rig)(path, trust), samples, runs)


def hidden(
    rig: str,
    path: Path,
    data: tuple[Mapping[str, Array], Mapping[str, Array], Mapping[str, Array]],
    changes: tuple[Sequence[str] | None, bool],
    trust: bool,
) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """The fields of a `Sensitivity`. `data` are the inputs of a sample, the outputs that are expected, their noise.
    `changes` are the layers to change, None for all, and whether single channels are changed, too."""
    (sample, expected, scale), (only, channels) = data, changes
    model: Rig = resolve(rig)(path, trust)

    def run(changed: Mapping[str, Array]) -> Sequence[Array]:
        model.put(changed)
        try:
            return model.run(sample)
        finally:
            model.put({name: model.weights[name] for name in changed})

    golden = Golden(dict(expected), dict(scale), Exactness.COMPUTES)
    found = felt(model.own, model.weights, run, golden, only=only, channels=channels)
    return found.tried, found.hidden, found.count


def measured(rig: Rig, samples: Sequence[Mapping[str, Array]], runs: int) -> Measured:
    """Outputs and noise scales of each sample. Raises RandomOutputs."""
    source = np.random.Generator(np.random.PCG64(0))

    def off(value: Array) -> Array:
        return _off(value, source, rig.unit)

    exact = [rig.run(sample) for sample in samples]
    for sample, outputs in zip(samples, exact, strict=True):
        for output, again in zip(outputs, rig.run(sample), strict=True):
            if not _is_alike(np.asarray(output), np.asarray(again)):
                raise RandomOutputs("a second call on the same inputs gives other values")
    squares = [[np.zeros(np.shape(output)) for output in outputs] for outputs in exact]
    for _ in range(runs):
        rig.put({name: off(value) for name, value in rig.weights.items()})
        for sample, outputs, sums in zip(samples, exact, squares, strict=True):
            others = rig.run({name: off(value) for name, value in sample.items()})
            for total, other, output in zip(sums, others, outputs, strict=True):
                if output.dtype.kind == "f":
                    error = np.asarray(other, np.float64) - output
                    np.add(total, np.where(np.isfinite(error), np.square(error), 0.0), out=total)
    return [
        [(output, np.sqrt(total / runs).astype(np.float32)) for output, total in zip(outputs, sums, strict=True)]
        for outputs, sums in zip(exact, squares, strict=True)
    ]


def _is_alike(one: Array, other: Array) -> bool:
    """Whether two calls gave the same, but for rounding."""
    if one.shape != other.shape or one.dtype.kind != "f":
        return np.array_equal(one, other)
    bound = APART * np.abs(one, where=np.isfinite(one), out=np.zeros(one.shape, one.dtype)).max(initial=0.0)
    return np.allclose(one, other, rtol=0.0, atol=float(bound), equal_nan=True)


def _off(value: Array, source: np.random.Generator, unit: float) -> Array:
    """Each float off by one rounding; by two where its type rounds the product again."""
    if value.dtype.kind != "f":
        return value
    size = unit if value.dtype == np.float64 else 2 * unit
    moved: Array = (value * (1 + size * source.uniform(-1, 1, value.shape))).astype(value.dtype)
    return moved
