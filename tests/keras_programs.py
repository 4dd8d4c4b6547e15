"""Programs of Keras layers as torch computes them: called in its worker: the process of a test has none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from harness.corpus.store import Store
from harness.judge.compare import compare
from harness.matlab.torch.text import build
from harness.models.keras_program import recurrent
from harness.models.keras_program.source import NoProgramError, program
from harness.spec import Array, Spec

REFUSED = "refused"


def outputs(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> list[Array]:
    """Outputs of the program of a model."""
    import torch

    module = build(program(spec, weights))
    with torch.no_grad():
        result = module(*(torch.from_numpy(np.array(inputs[item.name])) for item in spec.inputs))
    return [value.numpy() for value in (result if isinstance(result, tuple) else (result,))]


def judged(root: Path, kind: str) -> list[tuple[str, str, str]]:
    """Id, outcome and message of each golden case of a layer, on each of its samples; goldens are the oracle's."""
    found = []
    for entry in Store(root).entries(kind, folder="keras"):
        case = entry.load()
        try:
            program(case.spec, case.weights)
        except NoProgramError as error:
            found.append((case.id, REFUSED, str(error)))
            continue
        for sample in case.samples:
            assert sample.golden is not None
            comparison = compare(sample.golden, outputs(case.spec, case.weights, sample.inputs))
            found.append((case.id, str(comparison.outcome), comparison.message))
    return found


def judged_with_other_gates(root: Path, kind: str) -> list[tuple[str, str, str]]:
    """The same with two gates exchanged: a planted fault."""
    right = recurrent.cell_of

    def exchanged(array: Array, gates: int) -> Array:
        first, second, *rest = np.split(array, gates)
        return np.concatenate([second, first, *rest])

    def wrong(site: recurrent.Site) -> tuple[recurrent.Cell, dict[str, Array]]:
        cell, arrays = right(site)
        gates = 4 if kind == "LSTM" else 3
        return cell, {name: exchanged(value, gates) for name, value in arrays.items()}

    recurrent.cell_of = wrong
    try:
        return judged(root, kind)
    finally:
        recurrent.cell_of = right


def modules(spec: Spec, weights: Mapping[str, Array]) -> list[str]:
    """Names of the submodules of a program."""
    return [name for name, _ in build(program(spec, weights)).named_children()]
