"""What a framework gives for a model, with the noise scale that its own perturbed runs show.

Each run has every weight and every input off by one random rounding, of float32 or of the half precision in which the
model computes; the scale is the root mean square of what that changes. Rounding within the layers is not seen, so that
it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from harness.spec import Array
from harness.units import UNIT

Measured = list[list[tuple[Array, Array]]]
"""For each sample, each output with its noise scale."""
Shake = Callable[[Callable[[Array], Array]], None]
"""Sets each weight of a model to what a function makes of its value."""


def measured(
    run: Callable[[Mapping[str, Array]], Sequence[Array]],
    shake: Shake,
    samples: Sequence[Mapping[str, Array]],
    runs: int,
    unit: float = UNIT,
) -> Measured:
    """Outputs and noise scales of each sample. `run` calls the model, `shake` perturbs its weights; `unit` is the
    largest relative error of one rounding."""
    source = np.random.Generator(np.random.PCG64(0))

    def off(value: Array) -> Array:
        return _off(value, source, unit)

    exact = [run(sample) for sample in samples]
    squares = [[np.zeros(np.shape(output)) for output in outputs] for outputs in exact]
    for _ in range(runs):
        shake(off)
        for sample, outputs, sums in zip(samples, exact, squares, strict=True):
            others = run({name: off(value) for name, value in sample.items()})
            for total, other, output in zip(sums, others, outputs, strict=True):
                if output.dtype.kind == "f":
                    error = np.asarray(other, np.float64) - output
                    np.add(total, np.where(np.isfinite(error), np.square(error), 0.0), out=total)
    return [
        [(output, np.sqrt(total / runs).astype(np.float32)) for output, total in zip(outputs, sums, strict=True)]
        for outputs, sums in zip(exact, squares, strict=True)
    ]


def _off(value: Array, source: np.random.Generator, unit: float) -> Array:
    """Each float off by one rounding; by two where its type rounds the product again."""
    if value.dtype.kind != "f":
        return value
    size = unit if value.dtype == np.float64 else 2 * unit
    moved: Array = (value * (1 + size * source.uniform(-1, 1, value.shape))).astype(value.dtype)
    return moved
