"""Derived facts by hand: what padding comes to, which infinities the inputs hold, whose sizes are meant."""

from __future__ import annotations

import numpy as np
import pytest

from harness.judge.facts import axes, bias_as_wide, crop, facts, infinity, same_pad
from harness.spec import Case, Exactness, Golden, Input, Layer, Sample, Spec
from tests.miniatures import dense_case


@pytest.mark.parametrize(
    ("kind", "config", "shape", "expected"),
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
        ("Conv1D", {"kernel_size": 4, "strides": None, "padding": "same"}, (2, 5, 3), "lopsided"),
        # ceil(5 / 3) = 2 windows: (2 - 1) * 3 + 3 - 5 = 1; of a row of 4, also 2 windows, 2; of 3, one window, 0
        ("Conv1D", {"kernel_size": 3, "strides": 3, "padding": "same"}, (2, 5, 4), "lopsided"),
        ("Conv1D", {"kernel_size": 3, "strides": 3, "padding": "same"}, (2, 4, 4), "symmetric"),
        ("Conv1D", {"kernel_size": 3, "strides": 3, "padding": "same"}, (2, 3, 4), "none"),
        # a convolution steps by one where nothing is said: 3 - 1 = 2; in steps of 2 it were 1
        ("Conv1D", {"kernel_size": 3, "padding": "same"}, (2, 4, 4), "symmetric"),
        # a step wider than the window: (2 - 1) * 3 + 1 - 5 = -1, which pads nothing
        ("Conv1D", {"kernel_size": 1, "strides": 3, "padding": "same"}, (2, 5, 4), "none"),
        # a window of 3, two apart, spans 5: (3 - 1) * 2 = 4 more than a point; of 2, four apart, also 4; three apart 3
        ("Conv1D", {"kernel_size": 3, "dilation_rate": 2, "padding": "same"}, (2, 9, 4), "symmetric"),
        ("Conv1D", {"kernel_size": 2, "dilation_rate": 3, "padding": "same"}, (2, 9, 4), "lopsided"),
        # channels first: the sizes are 5 and 4; windows of 3 in steps of 2 need 2 and 1 more. Channels last: 5 and 5
        (
            "Conv2D",
            {"kernel_size": 3, "strides": 2, "padding": "same", "data_format": "channels_first"},
            (2, 5, 5, 4),
            "lopsided",
        ),
        (
            "Conv2D",
            {"kernel_size": 3, "strides": 2, "padding": "same", "data_format": "channels_last"},
            (2, 5, 5, 4),
            "symmetric",
        ),
        ("Conv2DTranspose", {"kernel_size": 2, "padding": "same"}, (2, 5, 5, 3), None),
        ("MaxPooling1D", {"pool_size": 3, "padding": "same"}, (2, 4, 3), "symmetric"),  # steps by 3: 2 windows, 2
        ("Dense", {"units": 3}, (2, 3), None),
    ],
)
def test_same_pad(kind: str, config: dict[str, object], shape: tuple[int, ...], expected: str | None) -> None:
    assert same_pad(Layer(kind, "layer", config, ("x",)), shape) == expected


@pytest.mark.parametrize(
    ("config", "out", "expected"),
    [
        # full output (5 - 1) * 1 + (3 - 1) + 1 = 7
        ({"kernel_size": (3, 3), "strides": (1, 1)}, (2, 7, 7, 4), "none"),
        ({"kernel_size": (3, 3), "strides": (1, 1)}, (2, 5, 5, 4), "symmetric"),
        ({"kernel_size": 3}, (2, 7, 7, 4), "none"),
        # (5 - 1) * 2 + (3 - 1) + 1 = 11: one is cut off; of 9, two
        ({"kernel_size": (3, 3), "strides": (2, 2)}, (2, 10, 10, 4), "lopsided"),
        ({"kernel_size": 3, "strides": 2}, (2, 11, 10, 4), "lopsided"),
        ({"kernel_size": 3, "strides": 2}, (2, 9, 11, 4), "symmetric"),
        # (5 - 1) * 2 + 1 = 9, less than 10
        ({"kernel_size": (1, 1), "strides": (2, 2)}, (2, 10, 10, 4), "beyond"),
        ({"kernel_size": 1, "strides": 2}, (2, 9, 10, 4), "beyond"),
        # (5 - 1) + (3 - 1) * 2 + 1 = 9
        ({"kernel_size": 3, "dilation_rate": 2}, (2, 9, 9, 4), "none"),
        ({"kernel_size": 3, "dilation_rate": (2, 2)}, (2, 8, 9, 4), "lopsided"),
        # channels first: sizes 5 and 3 give 7 and 5
        ({"kernel_size": 3, "data_format": "channels_first"}, (2, 4, 7, 5), "none"),
    ],
)
def test_crop(config: dict[str, object], out: tuple[int, ...], expected: str) -> None:
    assert crop(Layer("Conv2DTranspose", "layer", config, ("x",)), (2, 5, 5, 3), out) == expected


def test_crop_is_of_transposed_convolutions_whose_output_is_known() -> None:
    config = {"kernel_size": 3}
    assert crop(Layer("Conv2DTranspose", "layer", config, ("x",)), (2, 5, 5, 3), None) is None
    assert crop(Layer("Conv2D", "layer", config, ("x",)), (2, 5, 5, 3), (2, 7, 7, 4)) is None


def test_window_of_another_rank_is_an_error() -> None:
    config = {"kernel_size": (3, 3, 3), "padding": "same"}
    with pytest.raises(ValueError, match="zip"):
        same_pad(Layer("Conv2D", "layer", config, ("x",)), (2, 5, 5, 3))
    with pytest.raises(ValueError, match="zip"):
        crop(Layer("Conv2DTranspose", "layer", config, ("x",)), (2, 5, 5, 3), (2, 7, 7, 4))


def case_of(*layers: Layer, subject: str, shape: tuple[int, ...], outputs: dict[str, tuple[int, ...]] | None) -> Case:
    """A case with an input `x` and a golden of these shapes, if any."""
    golden = outputs and Golden(
        {name: np.zeros(out) for name, out in outputs.items()},
        {name: np.zeros(out, np.float32) for name, out in outputs.items()},
        Exactness.COMPUTES,
    )
    spec = Spec("keras", (Input("x", shape[1:]),), layers, tuple(outputs or [layers[-1].name]))
    return Case(spec, subject, {}, {}, (Sample({"x": np.zeros(shape)}, golden or None),))


UP = {"kernel_size": 3, "strides": 2}


def test_facts_are_those_of_the_subject() -> None:
    """(5 - 1) * 2 + 3 = 11, of which 10 are left."""
    up = Layer("Conv2DTranspose", "up", UP, ("x",))
    pad = Layer("Conv2D", "pad", {"kernel_size": 2, "padding": "same"}, ("x",))
    both = {"up": (2, 10, 10, 4), "pad": (2, 5, 5, 4)}
    rank = {"infinity": "none", "kinds": ["Conv2D", "Conv2DTranspose"], "input_rank": 4}
    case = case_of(up, pad, subject="Conv2DTranspose", shape=(2, 5, 5, 3), outputs=both)
    assert facts(case) == {**rank, "same_pad": None, "crop": "lopsided", "bias_as_wide": False, "axes": None}
    case = case_of(up, pad, subject="Conv2D", shape=(2, 5, 5, 3), outputs=both)
    assert facts(case) == {**rank, "same_pad": "lopsided", "crop": None, "bias_as_wide": None, "axes": None}


@pytest.mark.parametrize("outputs", [None, {"end": (2, 10, 10, 4)}])
def test_crop_is_unknown_where_the_subject_makes_no_output(outputs: dict[str, tuple[int, ...]] | None) -> None:
    layers = Layer("Conv2DTranspose", "up", UP, ("x",)), Layer("ReLU", "end", {}, ("up",))
    case = case_of(*layers, subject="Conv2DTranspose", shape=(2, 5, 5, 3), outputs=outputs)
    assert facts(case) == {
        "infinity": "none",
        "kinds": ["Conv2DTranspose", "ReLU"],
        "input_rank": 4,
        "same_pad": None,
        "crop": None,
        "bias_as_wide": None,
        "axes": None,
    }


@pytest.mark.parametrize(
    ("layer", "subject"),
    [
        (Layer("ReLU", "layer", {}, ("x",)), "Conv2D"),
        (Layer("Conv2D", "layer", {"kernel_size": 2}), "Conv2D"),
    ],
    ids=["no such layer", "without inputs"],
)
def test_infinity_is_the_only_fact_of_a_case_whose_subject_reads_no_input(layer: Layer, subject: str) -> None:
    assert facts(case_of(layer, subject=subject, shape=(2, 5, 5, 3), outputs=None)) == {"infinity": "none"}


def test_subject_within_a_model_has_no_sizes() -> None:
    layers = Layer("ReLU", "first", {}, ("x",)), Layer("Conv2D", "layer", {"kernel_size": 2}, ("first",))
    case = case_of(*layers, subject="Conv2D", shape=(2, 5, 5, 3), outputs=None)
    assert facts(case) == {"infinity": "none", "kinds": ["Conv2D", "ReLU"]}


def test_each_kind_of_layer_is_named_once() -> None:
    layers = [Layer(kind, f"layer{n}", {}, ("x",)) for n, kind in enumerate(["ReLU", "Add", "ReLU"])]
    assert facts(case_of(*layers, subject="Model", shape=(2, 5), outputs=None))["kinds"] == ["Add", "ReLU"]


def test_facts_of_a_case() -> None:
    assert facts(dense_case(rank=3)) == {
        "infinity": "none",
        "input_rank": 3,
        "same_pad": None,
        "crop": None,
        "bias_as_wide": None,
        "axes": None,
    }


FIRST = {"kernel_size": 3, "data_format": "channels_first"}


@pytest.mark.parametrize(
    ("kind", "config", "out", "expected"),
    [
        ("Conv2D", FIRST, (2, 5, 4, 5), True),
        ("Conv3DTranspose", FIRST, (1, 5, 2, 3, 5), True),
        ("Conv2D", FIRST, (2, 5, 5, 4), False),  # as high, not as wide
        ("Conv2D", {**FIRST, "use_bias": False}, (2, 5, 4, 5), False),
        ("Conv2D", {"kernel_size": 3}, (2, 5, 4, 5), False),
        ("Conv2D", FIRST, None, None),  # the convolution is not what the case gives
        ("ConvLSTM2D", FIRST, (2, 5, 4, 5), None),
        ("MaxPooling2D", {"pool_size": 3, "data_format": "channels_first"}, (2, 5, 4, 5), None),
    ],
)
def test_bias_as_wide(kind: str, config: dict[str, object], out: tuple[int, ...] | None, expected: bool | None) -> None:
    assert bias_as_wide(Layer(kind, "layer", config, ("x",)), out) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, None),  # the layer's default, which stands nowhere
        ({"axis": None}, "none"),
        ({"axis": -1}, "one"),
        ({"axis": [1]}, "one"),
        ({"axis": [1, -1]}, "several"),
        ({"axis": (1, 2)}, "several"),
    ],
)
def test_axes(config: dict[str, object], expected: str | None) -> None:
    assert axes(Layer("Softmax", "layer", config, ("x",))) == expected


def test_axes_are_those_of_the_subject() -> None:
    case = case_of(
        Layer("Softmax", "layer", {"axis": [1, 2]}, ("x",)), subject="Softmax", shape=(2, 3, 3), outputs=None
    )
    assert facts(case)["axes"] == "several"


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, np.nan], "none"), ([np.inf, 0], "positive"), ([-np.inf, 0], "negative"), ([np.inf, -np.inf], "both")],
)
def test_infinity(values: list[float], expected: str) -> None:
    assert infinity({"x": np.array(values), "ids": np.array([1, 2])}) == expected


def test_infinity_is_looked_for_in_every_input() -> None:
    assert infinity({"x": np.array([np.inf]), "y": np.array([-np.inf])}) == "both"
    assert infinity({"x": np.array([0.0]), "y": np.array([-np.inf])}) == "negative"
    assert infinity({}) == "none"
    assert infinity({"word": np.array(["inf"])}) == "none"


def test_time_is_no_axis_to_pad() -> None:
    layer = Layer("ConvLSTM2D", "layer", {"padding": "same", "kernel_size": [2, 3], "strides": [1, 1]}, ("x",))
    assert same_pad(layer, (2, 3, 5, 4, 2)) is None
