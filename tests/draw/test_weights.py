"""Drawn weights reveal faults: none alike, none at an initialiser's value."""

from __future__ import annotations

import numpy as np
import pytest

from harness.catalogue import Weight
from harness.draw.weights import draw_weights


def test_weights_are_never_alike() -> None:
    weights = draw_weights(
        {
            "kernel": Weight((6, 8), "kernel", fan_in=6),
            "recurrent": Weight((4, 16), "recurrent"),
            "gamma": Weight((5,), "gamma"),
            "variance": Weight((64,), "variance"),
        },
        np.random.default_rng(0),
    )
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}
    for name in ("kernel", "recurrent"):
        columns = weights[name].T
        assert len({tuple(column) for column in columns}) == len(columns)
    assert (weights["gamma"] < 0).any()
    assert weights["variance"].min() >= 1e-4
    assert weights["variance"].max() <= 10
    with pytest.raises(ValueError, match="fan_in"):
        draw_weights({"kernel": Weight((2, 2), "kernel")}, np.random.default_rng(0))
