"""Derived facts: what padding `same` comes to."""

from __future__ import annotations

import numpy as np
import pytest

from harness.judge.facts import crop, facts, infinity, same_pad
from harness.spec import Layer
from tests.miniatures import dense_case


@pytest.mark.parametrize(
    ("kind", "config", "shape", "said"),
    [
        ("Conv2D", {"kernel_size": [3, 3], "padding": "same"}, (2, 5, 7, 3), "symmetric"),
        ("Conv2D", {"kernel_size": [2, 3], "padding": "same"}, (2, 5, 7, 3), "lopsided"),
        ("Conv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, (2, 4, 4, 3), "lopsided"),
        ("Conv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, (2, 5, 5, 3), "symmetric"),
        ("Conv2D", {"kernel_size": 1, "padding": "same"}, (2, 5, 5, 3), "none"),
        ("Conv2D", {"kernel_size": 2, "dilation_rate": 2, "padding": "same"}, (2, 5, 5, 3), "symmetric"),
        ("Conv2D", {"kernel_size": 3, "padding": "valid"}, (2, 5, 5, 3), None),
        (
            "Conv2D",
            {"kernel_size": [3, 2], "padding": "same", "data_format": "channels_first"},
            (2, 9, 5, 5),
            "lopsided",
        ),
        ("AveragePooling2D", {"pool_size": [2, 2], "strides": None, "padding": "same"}, (2, 4, 4, 3), "none"),
        ("AveragePooling2D", {"pool_size": [2, 2], "strides": None, "padding": "same"}, (2, 5, 4, 3), "lopsided"),
        ("Conv1D", {"kernel_size": 4, "padding": "same"}, (2, 5, 3), "lopsided"),
        ("Dense", {"units": 3}, (2, 3), None),
    ],
)
def test_same_pad(kind: str, config: dict[str, object], shape: tuple[int, ...], said: str | None) -> None:
    assert same_pad(Layer(kind, "layer", config, ("x",)), shape) == said


@pytest.mark.parametrize(
    ("kernel", "strides", "made", "said"),
    [
        ((3, 3), (1, 1), (2, 7, 7, 4), "none"),
        ((3, 3), (1, 1), (2, 5, 5, 4), "symmetric"),
        ((3, 3), (2, 2), (2, 10, 10, 4), "lopsided"),
        ((1, 1), (2, 2), (2, 10, 10, 4), "beyond"),
    ],
)
def test_crop(kernel: tuple[int, int], strides: tuple[int, int], made: tuple[int, ...], said: str) -> None:
    layer = Layer("Conv2DTranspose", "layer", {"kernel_size": kernel, "strides": strides}, ("x",))
    assert crop(layer, (2, 5, 5, 3), made) == said


def test_facts_of_a_case() -> None:
    assert facts(dense_case(rank=3)) == {"infinity": "none", "input_rank": 3, "same_pad": None, "crop": None}


@pytest.mark.parametrize(
    ("values", "said"),
    [([1.0, np.nan], "none"), ([np.inf, 0], "positive"), ([-np.inf, 0], "negative"), ([np.inf, -np.inf], "both")],
)
def test_infinity(values: list[float], said: str) -> None:
    assert infinity({"x": np.array(values), "ids": np.array([1, 2])}) == said


def test_time_is_no_axis_to_pad() -> None:
    layer = Layer("ConvLSTM2D", "layer", {"padding": "same", "kernel_size": [2, 3], "strides": [1, 1]}, ("x",))
    assert same_pad(layer, (2, 3, 5, 4, 2)) is None
