"""Names, ports and settings of networks, from their records to the export and to PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from harness.catalogue import find
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.matlab.layers import read_layer
from harness.matlab.readers.plain import as_export, read_plain, write_plain
from harness.matlab.readers.records import NetworkError, Record
from harness.matlab.readers.toolbox import assemble
from harness.matlab.torch.source import program, torch_names
from harness.spec import Input, Layer, Spec


def _loaded(path):
    from harness.matlab.matfile.read import read_mat

    return read_mat(path)["parity"]


def _records(*names):
    size = {"InputSize": np.array([[3.0]])}
    kinds = ["FeatureInputLayer", *["ReLULayer"] * (len(names) - 2), "AdditionLayer"]
    return [
        Record(f"nnet.cnn.layer.{kind}", name, size if kind == "FeatureInputLayer" else {})
        for kind, name in zip(kinds, names, strict=True)
    ]


@pytest.mark.parametrize("name", ["mapminmax", "mapstd_reverse", "removeconstantrows", "removeconstantrows_reverse"])
def test_shallow_kinds_survive_the_export(tmp_path, name):
    case = seeded_case(find("matlab", name), covering_array(find("matlab", name))[0])
    write_plain(case.spec, case.weights, tmp_path / "m.mat")
    network = read_plain("m.mat", _loaded(tmp_path / "m.mat"))
    assert network.spec.layers[-1].kind == name
    assert dict(network.spec.layers[-1].config) == dict(case.spec.layers[-1].config)
    for key, value in case.weights.items():
        assert network.weights[key].tolist() == value.tolist()


def test_features_left_out_and_kept_must_be_all_there_are():
    record = Record("removeconstantrows", "r", {"keep": np.array([[1.0, 3.0]]), "remove": np.array([[4.0]])})
    with pytest.raises(NetworkError, match="each feature once"):
        read_layer(record)


def test_slashes_in_names_are_no_ports_where_a_layer_has_that_name():
    records = _records("x", "a/in1", "a_in1", "a/in2", "a")
    pairs = [("x", "a/in1"), ("x", "a_in1"), ("a/in1", "a/in2"), ("a_in1", "a/in3"), ("a/in2", "a/in4")]
    spec = assemble("here", "test", records, pairs, outputs=["a"]).spec
    assert [layer.name for layer in spec.layers] == ["x", "a_in1", "a_in1_2", "a_in2", "a"]
    assert spec.layers[-1].inputs == ("a_in1_2", "a_in2")


def test_a_layer_may_have_the_name_that_the_input_would_get():
    spec = assemble("here", "test", _records("x", "x_in", "x_in_", "sum"), None).spec
    assert spec.inputs[0].name == "x_in__"
    assert spec.layers[0].inputs == ("x_in__",)


def test_names_become_identifiers_that_python_does_not_mangle():
    layers = [Layer("ReLULayer", name, {}, ("d",)) for name in ("--a", "class", "a b", "a_b", "1st")]
    names = torch_names(Spec("matlab", (Input("d", (2,)),), tuple(layers), ("a b",)))
    assert [names[layer.name] for layer in layers] == ["layer__a", "class_", "a_b", "a_b_", "_1st"]


def test_further_outputs_of_a_layer_keep_their_names():
    """`pool`, `pool_1` and `pool_2` are what max pooling with indices gives; a layer `pool_1` is another."""
    layers = (
        Layer("MaxPooling2DLayer", "pool", {"PoolSize": [2, 2], "HasUnpoolingOutputs": True}, ("d",)),
        Layer("ReLULayer", "pool_1", {}, ("pool",)),
        Layer("MaxUnpooling2DLayer", "up", {}, ("pool_1", "pool:1", "pool:2")),
    )
    text = program(Spec("matlab", (Input("d", (1, 4, 4)),), layers, ("up",)), {}).source
    assert "pool_1_ = self.pool_1_(pool)" in text
    assert "up = self.up(pool_1_, pool_1, pool_2)" in text


def test_the_export_says_in_which_order_ports_are_read():
    row = find("matlab", "DepthConcatenationLayer")
    choice = next(choice for choice in covering_array(row) if choice["inputs"] == 11)
    ends = as_export(seeded_case(row, choice).spec, {})["connections"]["destination"].ravel().tolist()
    assert ends[-2:] == ["layer/in10", "layer/in11"]
