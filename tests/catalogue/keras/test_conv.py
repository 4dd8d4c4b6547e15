"""Widths of convolutions. Keras' TensorFlow backend adds a bias along the width where both have the same length."""

import random

import numpy as np
import pytest

from harness.catalogue import find, rows
from harness.draw import Seeded, draw_case
from harness.draw.cover import random_choice
from harness.oracle import evaluate
from harness.spec import Case

CONVOLUTIONS = sorted(row.layer for row in rows("keras") if "Conv" in row.layer and "LSTM" not in row.layer)


def is_as_wide(case: Case) -> bool:
    """Whether the output of one of the case's samples is as wide as it has channels in front."""
    shapes = [evaluate(case.spec, case.weights, sample.inputs)["layer"].shape for sample in case.samples]
    return case.choice["data_format"] == "channels_first" and any(shape[1] == shape[-1] for shape in shapes)


def drawn(layer: str, fixed: dict[str, object], count: int = 40) -> list[Case]:
    row, source = find("keras", layer), random.Random(0)
    choices = [random_choice(row, source, fixed) for _ in range(count)]
    numbers = np.random.Generator(np.random.PCG64(0))
    return [draw_case(row, choice, Seeded(numbers), numbers) for choice in choices]


@pytest.mark.parametrize("layer", CONVOLUTIONS)
def test_no_drawn_bias_in_front_is_as_long_as_the_width(layer: str) -> None:
    opened = [{"open_sizes": True}] if "open_sizes" in find("keras", layer).axes and "Transpose" in layer else []
    for fixed in ({}, *opened):
        cases = drawn(layer, {"data_format": "channels_first", "use_bias": True, **fixed})
        assert not [case.spec for case in cases if is_as_wide(case)]


def test_a_pin_shows_what_is_not_drawn() -> None:
    for layer in ("Conv1D", "Conv2D", "Conv3D"):
        row, numbers = find("keras", layer), np.random.Generator(np.random.PCG64(0))
        pinned = [draw_case(row, choice, Seeded(numbers), numbers) for choice in row.pinned if "width" in choice]
        assert [is_as_wide(case) for case in pinned] == [True]
