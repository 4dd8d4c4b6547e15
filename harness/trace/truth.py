"""The truth of each layer of a model: what the float64 oracle gives, and its noise units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np

from harness.oracle import OracleError, walk, widened
from harness.oracle.noise import perturbed
from harness.spec import Array, Layer, Spec
from harness.trace.noise import RUNS, Measured, unit_of

CHANNELS = {"keras": -1, "matlab": 1}
"""Channel axis of each dialect's tensors."""
Tensors = Mapping[str, Array]


def truth_of(spec: Spec, weights: Tensors, inputs: Tensors) -> dict[str, tuple[Array, ...]]:
    """The outputs of each layer that is called once, by its name; none where the oracle does not know every layer."""
    try:
        with np.errstate(all="ignore"):
            return by_layer(spec, walk(spec, widened(weights), widened(inputs)))
    except OracleError:
        return {}


def by_layer(spec: Spec, tensors: Tensors) -> dict[str, tuple[Array, ...]]:
    """The outputs of each layer that is called once, by its name.

    The calls of a shared layer have no name of their own in artifacts.
    """
    shared = {layer.owner for layer in spec.layers if layer.of}
    return {
        layer.name: tuple(np.asarray(tensors[name]) for name in outputs_of(layer, tensors))
        for layer in spec.layers
        if layer.owner not in shared
    }


def outputs_of(layer: Layer, tensors: Tensors) -> list[str]:
    """The names of a layer's output tensors: name, name:1, name:2 ..."""
    names = [layer.name]
    while (name := f"{layer.name}:{len(names)}") in tensors:
        names.append(name)
    return names


def measured_truth(spec: Spec, weights: Tensors, inputs: Tensors) -> dict[str, Measured]:
    """Every tensor of a model by name, with its noise units; none where the oracle does not know every layer.

    The runs are those of `harness.oracle.noise`, in which each operation rounds.
    """
    source = np.random.Generator(np.random.PCG64(0))
    axis = CHANNELS.get(spec.dialect, 1)
    try:
        with np.errstate(all="ignore"):
            exact = {name: np.asarray(value) for name, value in walk(spec, widened(weights), widened(inputs)).items()}
            runs = [walk(spec, perturbed(weights, source), perturbed(inputs, source)) for _ in range(RUNS)]
    except OracleError:
        return {}
    measured = {}
    for name, value in exact.items():
        unit = unit_of(value, [np.asarray(run[name]) for run in runs], axis)
        measured[name] = Measured(value, unit, unit)
    for layer in spec.layers:
        own = _own_runs(spec, layer, weights, exact, source)
        for name in outputs_of(layer, exact):
            if own:
                units = unit_of(exact[name], [np.asarray(run[name]) for run in own], axis)
                measured[name] = replace(measured[name], own=units)
    return measured


def _own_runs(
    spec: Spec, layer: Layer, weights: Tensors, exact: Tensors, source: np.random.Generator
) -> Sequence[Mapping[str, Array]]:
    """Perturbed runs of a layer alone on exact inputs; none of one that a mask reaches, as it gives something else."""
    reads = {name: exact[name] for name in layer.tensors}
    alone = cast(Spec, SimpleNamespace(dialect=spec.dialect, layers=(layer,)))
    with np.errstate(all="ignore"):
        if not np.array_equal(np.asarray(walk(alone, widened(weights), reads)[layer.name]), exact[layer.name]):
            return []
        return [walk(alone, perturbed(weights, source), perturbed(reads, source)) for _ in range(RUNS)]
