"""What the profile `hidden` is for: a runtime that multiplies by the mask, where Keras selects, is told from Keras."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.catalogue import Choice, find
from harness.draw import seeded_case
from harness.judge.compare import compare
from harness.oracle import evaluate
from harness.oracle.keras import activation, attention, conv_recurrent, pooling, recurrent
from harness.outcomes import Outcome
from harness.spec import Array

LAYERS = {
    "LSTM": recurrent,
    "GRU": recurrent,
    "SimpleRNN": recurrent,
    "LSTMCell": recurrent,
    "GRUCell": recurrent,
    "SimpleRNNCell": recurrent,
    "RNN": recurrent,
    "StackedRNNCells": recurrent,
    "Bidirectional": recurrent,
    "ConvLSTM1D": conv_recurrent,
    "ConvLSTM2D": conv_recurrent,
    "ConvLSTM3D": conv_recurrent,
    "GlobalAveragePooling1D": pooling,
    "Softmax": activation,
    "Attention": attention,
    "AdditiveAttention": attention,
    "MultiHeadAttention": attention,
    "GroupQueryAttention": attention,
}
"""Layers with a mask, and the module of the oracle that applies it."""


def multiplied(condition: Array, one: Any, other: Any) -> Array:
    """`where` as a sum of products: the same wherever both are finite numbers."""
    other = np.maximum(other, -1e9)  # minus infinity, which attention writes over masked scores
    return condition * one + (1.0 - condition) * other


def outcome(layer: str, choice: Choice, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """What becomes of the case's golden where the mask is multiplied by."""
    case = seeded_case(find("keras", layer), choice)
    module: ModuleType = LAYERS[layer]
    names = {**vars(np), "where": multiplied}
    monkeypatch.setattr(module, "np", SimpleNamespace(**names))
    with np.errstate(all="ignore"):
        outputs = evaluate(case.spec, case.weights, case.inputs)
    assert case.golden
    arrays = [value.astype(np.float32) for value in outputs.values()]
    return compare(case.golden, arrays, list(outputs)).outcome


def hidden(layer: str) -> list[dict[str, Any]]:
    return [pin for pin in find("keras", layer).pinned if pin["profile"] == "hidden"]


@pytest.mark.parametrize("layer", LAYERS)
def test_multiplying_by_the_mask_shows_where_it_hides_what_is_no_number(
    layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hidden(layer)
    for pin in hidden(layer):
        with monkeypatch.context() as patch:
            assert outcome(layer, pin, patch) == Outcome.DIVERGENT
        with monkeypatch.context() as patch:
            assert outcome(layer, {**pin, "profile": "main"}, patch).passes
