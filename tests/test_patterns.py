"""Patterns of names, and the names nearest to one that fits none."""

from __future__ import annotations

import pytest

from harness.patterns import fits, nearest, pointer

LAYERS = ["Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "DepthwiseConv2D", "Dense", "GRU"]


@pytest.mark.parametrize(
    ("name", "patterns", "answer"),
    [
        ("Conv2D", (), True),
        ("Conv2D", ("GRU", "Conv?D"), True),
        ("Conv2D", ("Conv?D", "GRU"), True),
        ("Conv2D", ("GRU", "conv2d"), False),
        ("Conv2D", ("Conv",), False),
    ],
)
def test_fits(name: str, patterns: tuple[str, ...], answer: bool) -> None:
    assert fits(name, patterns) is answer


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("conv2d", ["Conv2D"]),
        ("conv?d", ["Conv1D", "Conv2D", "Conv3D"]),
        ("Densee*", ["Dense"]),
        ("conv2", ["Conv2D", "Conv2DTranspose", "DepthwiseConv2D"]),
        ("*wise*2D", ["DepthwiseConv2D"]),
        ("Comv2D", ["Conv2D", "Conv3D", "Conv1D"]),
        ("zzz", []),
        ("**", []),
    ],
)
def test_nearest(pattern: str, names: list[str]) -> None:
    assert nearest(pattern, LAYERS) == names


def test_pointer() -> None:
    assert pointer("densee", LAYERS) == "Nearest: Dense. "
    assert pointer("zzz", LAYERS) == pointer("?", []) == ""
