"""The rows of Deep Learning Toolbox show the faults that importers are likely to have."""

from __future__ import annotations

import numpy as np

from harness.catalogue import find
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.judge.compare import compare
from harness.oracle import evaluate
from harness.outcomes import Outcome
from harness.spec import Layer, Spec


def _wrong(layer, change):
    """How many of a row's cases show the fault."""
    shown = 0
    for choice in covering_array(find("matlab", layer)):
        case = seeded_case(find("matlab", layer), choice)
        got = evaluate(*change(case.spec, case.weights), case.inputs)
        got = {name: np.asarray(value, dtype=np.float32) for name, value in got.items()}
        shown += compare(case.golden, got).outcome not in (Outcome.EXACT, Outcome.FAITHFUL)
    return shown


def test_row_major_weights_are_seen():
    def change(spec, weights):
        shape = spec.inputs[0].shape
        if len(shape) != 3:
            return spec, weights
        c, h, w = shape
        bank = weights["layer/Weights"].reshape(-1, c, h, w).transpose(0, 1, 3, 2).reshape(-1, c * h * w)
        return spec, {**weights, "layer/Weights": bank}

    assert _wrong("FullyConnectedLayer", change) >= 10


def test_ports_in_another_order_are_seen():
    def change(spec, weights):
        *before, last = spec.layers
        turned = Layer(last.kind, last.name, last.config, last.inputs[::-1])
        return Spec(spec.dialect, spec.inputs, (*before, turned), spec.outputs), weights

    assert _wrong("DepthConcatenationLayer", change) == len(covering_array(find("matlab", "DepthConcatenationLayer")))
