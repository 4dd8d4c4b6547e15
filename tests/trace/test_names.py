"""The layer of a node, by its name."""

from types import SimpleNamespace

from harness.trace.names import layers_of, layers_of_nodes


def test_scopes_of_tensorflow_have_a_number_behind() -> None:
    names = [
        "functional_1/conv1_1/convolution",
        "functional_1/conv1_1/BiasAdd:0",
        "Transpose__12",
        "functional_1/conv1_2/x",
    ]
    assert layers_of(names, ["conv1", "dense"]) == ["conv1", "conv1", "", "conv1"]


def test_of_two_readings_the_one_that_finds_more_layers_counts() -> None:
    assert layers_of(["f/dense_1/MatMul", "f/dense_1_1/MatMul"], ["dense", "dense_1"]) == ["dense", "dense_1"]
    assert layers_of(["f/dense/MatMul", "f/dense_1/MatMul"], ["dense", "dense_1"]) == ["dense", "dense_1"]


def test_names_of_modules() -> None:
    assert layers_of(["/conv1/Conv", "/fc.0/Gemm", "node_mean"], ["conv1", "fc"]) == ["conv1", "fc", ""]


def test_without_layers() -> None:
    assert layers_of(["a", ""], []) == ["", ""]


def test_a_node_without_a_layer_takes_that_of_its_weights_else_of_its_only_neighbour() -> None:
    nodes = [
        SimpleNamespace(op_type="Any", input=["x", "f/conv_1/kernel"], output=["1"]),
        SimpleNamespace(op_type="Any", input=["1"], output=["2"]),
        SimpleNamespace(op_type="Any", input=["2"], output=["3"]),
        SimpleNamespace(op_type="Any", input=["2"], output=["4"]),
        SimpleNamespace(op_type="Any", input=["3"], output=["y"]),
    ]
    names = ["Conv__1", "Transpose__2", "f/lstm_1/MatMul", "f/gru_1/MatMul", "Transpose__3"]
    found = layers_of_nodes(nodes, names, ["f/conv_1/kernel"], ["conv", "lstm", "gru"])
    # two layers read the first transposition, and the convolution alone makes what it gets; none reads the second
    assert found == ["conv", "conv", "lstm", "gru", "lstm"]


def test_an_activation_without_a_layer_is_of_the_layer_before() -> None:
    nodes = [
        SimpleNamespace(op_type="MatMul", input=["x"], output=["1"]),
        SimpleNamespace(op_type="Selu", input=["1"], output=["2"]),
        SimpleNamespace(op_type="MatMul", input=["2"], output=["y"]),
    ]
    names = ["f/a_1/MatMul", "Selu__1", "f/b_1/MatMul"]
    assert layers_of_nodes(nodes, names, [], ["a", "b"]) == ["a", "a", "b"]


def test_a_node_between_nameless_ones_has_no_layer() -> None:
    assert layers_of_nodes([SimpleNamespace(op_type="Any", input=["x"], output=["y"])], ["Neg__1"], [], ["a"]) == [""]
