"""The scaling layer: MATLAB's expansion worked out by hand, and a program that carries a function."""

from __future__ import annotations

import numpy as np
import pytest

from harness.matlab.layers import read_layer
from harness.matlab.readers.records import Record
from harness.matlab.readers.toolbox import Network
from harness.matlab.torch.source import program
from harness.oracle import semantics
from harness.spec import Input, Layer, Spec
from tests.through_torch import furthest, through_torch

CLASS = "nnet.cnn.layer.ScalingLayer"


def scaling(x, **weights):
    arrays = {name: np.asarray(value, dtype=float) for name, value in weights.items()}
    return semantics("matlab", "ScalingLayer")({}, arrays, np.asarray(x, dtype=float))


def network(shape, **weights):
    layer = Layer("ScalingLayer", "scale", {}, ("x",))
    arrays = {f"scale/{name}": np.asarray(value, np.float32) for name, value in weights.items()}
    return Network("test", Spec("matlab", (Input("x", shape),), (layer,), ("scale",)), arrays)


def test_one_value_for_each_channel_lies_along_the_third_dimension_of_an_image():
    x = [[[[1, 2]], [[3, 4]]]]  # N x C x H x W = 1 x 2 x 1 x 2
    y = scaling(x, Scale=[[[10, 100]]], Offset=[[0.5]])
    assert y.tolist() == [[[[10.5, 20.5]], [[300.5, 400.5]]]]


def test_one_value_for_each_element_is_height_by_width_by_channel():
    offset = np.arange(12).reshape(2, 3, 2)  # h x w x c
    y = scaling(np.zeros((1, 2, 2, 3)), Offset=offset)
    assert y[0, 0].tolist() == [[0, 2, 4], [6, 8, 10]]
    assert y[0, 1].tolist() == [[1, 3, 5], [7, 9, 11]]


def test_a_column_is_channels_of_features_and_of_sequences_and_rows_of_an_image():
    column = [[10], [100]]
    assert scaling([[1, 2]], Scale=column).tolist() == [[10, 200]]
    assert scaling([[[1, 2], [3, 4]]], Scale=column).tolist() == [[[10, 200], [30, 400]]]
    assert scaling([[[[1], [2]]]], Scale=column).tolist() == [[[[10], [200]]]]


def test_without_scale_and_offset_nothing_changes():
    assert scaling([[3, -4]]).tolist() == [[3, -4]]
    config, arrays = read_layer(Record(CLASS, "s", {}))
    assert config == {}
    assert arrays == {}  # read back, a network has the weights that it was written with


def test_the_offset_was_called_bias():
    _, arrays = read_layer(Record(CLASS, "s", {"Bias": np.array([[2.0], [3.0]])}))
    assert arrays["Offset"].tolist() == [[2], [3]]


def test_a_program_carries_the_function_that_it_calls():
    text = program(*_parts(network((2, 3, 4), Scale=[[[2, 3]]]))).source
    assert "self.scale = Call(scaled, scale=(1, 2, 1, 1), offset=(1, 1, 1, 1))" in text
    assert "def scaled(x: Tensor, scale: Tensor, offset: Tensor) -> Tensor:" in text
    assert "import json\nfrom collections.abc import Callable\nfrom pathlib import Path\n" in text
    plain = Spec("matlab", (Input("x", (2,)),), (Layer("ReLULayer", "relu", {}, ("x",)),), ("relu",))
    assert "Callable" not in program(plain, {}).source


def test_more_dimensions_than_the_input_has_are_refused():
    with pytest.raises(ValueError, match=r"size \[1, 1, 2\] has more dimensions than the 2"):
        program(*_parts(network((2,), Scale=[[[2, 3]]])))


def test_programs_compute_what_the_oracle_says(tmp_path):
    source = np.random.default_rng(5)
    element, column = source.normal(size=(3, 4, 2)), source.normal(size=(2, 1))
    networks = {
        "image": (network((2, 3, 4), Scale=element, Offset=source.normal(size=(1, 1, 2))), (3, 2, 3, 4)),
        "features": (network((2,), Scale=column, Offset=[[0.25]]), (3, 2)),
        "sequence": (network((None, 2), Offset=column), (3, 5, 2)),
    }
    cases = {name: (net, {"x": source.normal(size=size).astype(np.float32)}) for name, (net, size) in networks.items()}
    outputs = through_torch(cases, tmp_path)
    assert max(furthest(*case, outputs[name]) for name, case in cases.items()) < 2e-7


def _parts(net):
    return net.spec, net.weights
