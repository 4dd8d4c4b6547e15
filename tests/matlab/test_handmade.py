"""Cells of weights with the names of their activations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from harness.matlab.readers.network import NetworkError, UnsupportedLayers, read_network
from harness.oracle import evaluate
from harness.spec import Input
from tests.through_torch import furthest, through_torch

REAL = "nnvmt_example2.mat"


def cell(*values):
    array = np.empty((1, len(values)), dtype=object)
    for k, value in enumerate(values):
        array[0, k] = value
    return array


def numbers(*shape):
    return np.random.default_rng(shape).uniform(-1, 1, shape)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.mat"


def saved(path, **variables):
    savemat(str(path), variables, appendmat=False)
    return path


W = cell(numbers(4, 3), numbers(5, 4), numbers(2, 5))
B = cell(numbers(4, 1), numbers(1, 5), numbers(2, 1))


def test_a_chain_of_matrices_and_functions(path):
    network = read_network(saved(path, W=W, b=B, act_fcns=np.array(["tanh  ", "ReLU  ", "linear"])))
    assert (network.dialect, network.spec.dialect) == ("cells", "matlab")
    assert network.spec.inputs == (Input("x", (3,)),)
    assert [(item.kind, item.name, item.inputs) for item in network.spec.layers] == [
        ("FullyConnectedLayer", "layer1", ("x",)),
        ("TanhLayer", "layer1_tanh", ("layer1",)),
        ("FullyConnectedLayer", "layer2", ("layer1_tanh",)),
        ("ReLULayer", "layer2_relu", ("layer2",)),
        ("FullyConnectedLayer", "layer3", ("layer2_relu",)),
    ]
    assert network.spec.outputs == ("layer3",)
    assert network.notes == ()
    x = numbers(6, 3)
    y = x
    for k, function in enumerate((np.tanh, lambda v: np.maximum(v, 0), lambda v: v)):
        y = function(y @ W[0, k].T + B[0, k].ravel())
    (output,) = evaluate(network.spec, network.weights, {"x": x}).values()
    assert output == pytest.approx(y, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    "variables",
    [
        {"weights": W, "biases": B, "activation_fcns": cell("logsig", "satlin", "softmax")},
        {"net": {"W": W, "b": B, "act_fcns": cell("radbas", "hardlim", "satlins")}},
        {"W": W, "b": B, "activation_fcns": cell("tansig", "poslin", "purelin"), "range": numbers(3, 2)},
    ],
    ids=["other names", "in a struct", "with more beside"],
)
def test_every_way_of_keeping_them_reaches_torch(variables, path, tmp_path_factory):
    network = read_network(saved(path, **variables))
    inputs = {"x": numbers(7, 3).astype(np.float32)}
    outputs = through_torch({"net": (network, inputs)}, tmp_path_factory.mktemp("cells"))
    assert furthest(network, inputs, outputs["net"]) < 2e-6


BROKEN = {
    "no functions": ({"W": W, "b": B}, "without the names of their activations; expected act_fcns"),
    "too few": ({"W": W, "b": B, "act_fcns": "relu"}, r"3 weights, 3 biases and 1 activations \(relu\)"),
    "sizes": (
        {"W": cell(numbers(4, 3), numbers(2, 5)), "b": cell(numbers(4), numbers(2)), "act_fcns": cell("relu", "relu")},
        r"layer 2 does not fit the 4 values that come in; .*got W\{2\} of 2 x 5 and b\{2\} of 2 values",
    ),
    "turned": (
        {"W": cell(numbers(3, 4), numbers(3, 2)), "b": cell(numbers(3), numbers(2)), "act_fcns": cell("relu", "relu")},
        r"If the matrices are inputs x outputs, declare a layout",
    ),
    "names": (
        {"W": cell(numbers(4, 3)), "b": cell(numbers(4)), "functions": "relu"},
        r"expected act_fcns, .*got the fields W \(cell\), b \(cell\), functions \(char\)\. .*by --layout",
    ),
    "bias": ({"W": cell(numbers(4, 3)), "b": cell(numbers(3)), "act_fcns": "relu"}, r"b\{1\} of 3 values"),
    "convolution": (
        {"W": cell(numbers(3, 3, 1, 8)), "b": cell(numbers(8)), "act_fcns": "relu"},
        r"the cells of weights hold convolutions, .*got element 1 of 3 x 3 x 1 x 8\. .*by --layout",
    ),
    "text": ({"W": cell("abc"), "b": cell(numbers(3)), "act_fcns": "relu"}, r"W\{1\} is .*char.* without numbers"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_does_not_fit_is_named(fault, path):
    variables, message = BROKEN[fault]
    with pytest.raises(NetworkError, match=message) as caught:
        read_network(saved(path, **variables))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("field", ["act_fcns", "activation_fcns", "act_functions"])
def test_names_of_the_field_of_activations(field, path):
    network = read_network(saved(path, W=W, b=B, **{field: np.array(["tanh  ", "ReLU  ", "linear"])}))
    assert [layer.kind for layer in network.spec.layers][1::2] == ["TanhLayer", "ReLULayer"]


def test_all_unknown_activations_are_reported_at_once(path):
    with pytest.raises(UnsupportedLayers) as caught:
        read_network(saved(path, W=W, b=B, act_fcns=cell("mish", "relu", "leaky_relu")))
    assert caught.value.layers == (("mish", "layer1", "activation"), ("leaky_relu", "layer3", "activation"))


def test_a_note_says_that_square_matrices_are_taken_as_outputs_by_inputs(path):
    network = read_network(saved(path, W=cell(numbers(3, 3)), b=cell(numbers(3)), act_fcns="relu"))
    assert network.notes == ("every matrix is square: they are taken as outputs x inputs",)


def test_plain_arrays_are_refused_with_advice(path):
    with pytest.raises(NetworkError) as caught:
        read_network(saved(path, conv1_w=numbers(3, 3, 1, 8), conv1_b=numbers(8)))
    message = str(caught.value)
    assert "conv1_b, conv1_w may be weights" in message
    assert "docs/matlab.md" in message
    assert "variable and axes" in message


def test_a_real_file(real_files: Path, tmp_path_factory):
    file = real_files / REAL
    if not file.is_file():
        pytest.skip(f"{REAL} is not in {real_files}")
    network = read_network(file)
    assert [(item.kind, item.name) for item in network.spec.layers] == [
        ("FullyConnectedLayer", "layer1"),
        ("SigmoidLayer", "layer1_sigmoid"),
        ("FullyConnectedLayer", "layer2"),
        ("SigmoidLayer", "layer2_sigmoid"),
    ]
    assert {name: value.shape for name, value in network.weights.items()} == {
        "layer1/Weights": (3, 2),
        "layer1/Bias": (3,),
        "layer2/Weights": (1, 3),
        "layer2/Bias": (1,),
    }
    inputs = {"x": numbers(9, 2).astype(np.float32)}
    outputs = through_torch({"net": (network, inputs)}, tmp_path_factory.mktemp("real"))
    assert furthest(network, inputs, outputs["net"]) < 1e-6
