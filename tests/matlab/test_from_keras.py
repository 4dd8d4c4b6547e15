"""Keras' Bidirectional LSTM as MATLAB's, whose way back must be as that ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.matlab.from_keras import NoCounterpartError, from_keras
from harness.spec import Array, Input, Layer, Spec

AHEAD: dict[str, Any] = {"class_name": "LSTM", "config": {"name": "forward_lstm", "units": 1, "go_backwards": False}}
BACK: dict[str, Any] = {"class_name": "LSTM", "config": {"name": "backward_lstm", "units": 1, "go_backwards": True}}


def bidirectional(back: dict[str, Any]) -> Spec:
    config = {"layer": AHEAD, "merge_mode": "concat", "backward_layer": back}
    return Spec("keras", (Input("x", (3, 1)),), (Layer("Bidirectional", "both", config, ("x",)),), ("both",))


def arrays(prefix: str, first: float) -> dict[str, Array]:
    names = {"kernel": (1, 4), "recurrent_kernel": (1, 4), "bias": (4,)}
    return {f"{prefix}{name}": np.full(shape, first + place) for place, (name, shape) in enumerate(names.items())}


@pytest.mark.parametrize(
    ("ahead", "back"),
    [
        ("both/", "both/both/backward_lstm/lstm_cell/"),  # as a model names what both ways have
        ("both/both/forward_lstm/lstm_cell/", "both/both/backward_lstm/lstm_cell/"),
    ],
)
def test_both_ways_with_their_own_weights(ahead: str, back: str) -> None:
    spec, weights = from_keras(bidirectional(BACK), arrays(ahead, 1.0) | arrays(back, 10.0))
    assert [layer.kind for layer in spec.layers] == ["SequenceInputLayer", "BiLSTMLayer"]
    assert weights["both/InputWeights"].ravel().tolist() == [1.0] * 4 + [10.0] * 4
    assert weights["both/RecurrentWeights"].ravel().tolist() == [2.0] * 4 + [11.0] * 4
    assert weights["both/Bias"].ravel().tolist() == [3.0] * 4 + [12.0] * 4


@pytest.mark.parametrize(
    "back",
    [
        {**BACK, "config": {**BACK["config"], "activation": "relu"}},
        {**BACK, "config": {**BACK["config"], "go_backwards": False}},
        {**BACK, "class_name": "GRU"},
    ],
)
def test_another_way_back_is_refused(back: dict[str, Any]) -> None:
    with pytest.raises(NoCounterpartError, match=r"Bidirectional 'both' \(around LSTM, merge_mode 'concat'\)"):
        from_keras(bidirectional(back), arrays("both/", 1.0))
