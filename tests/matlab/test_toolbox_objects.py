"""Saved network objects of each kind, as the library that reads them hands them over.

Of the real files all networks are SeriesNetworks; the structure of the others (properties under `any`, connections as a
table, the graph inside a dlnetwork) is built here by hand. `test_network_files.py` reads such objects from files.
"""

from __future__ import annotations

import numpy as np
import pytest

from harness.matlab.matfile.read import Cell, Object
from harness.matlab.readers.card import Card
from harness.matlab.readers.records import NetworkError, UnsupportedLayers
from harness.matlab.readers.toolbox import is_network, read_objects
from harness.oracle import evaluate

PACKAGE = "nnet.cnn.layer."


def number(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


def layer(kind: str, name: str, package: str = PACKAGE, **saved: object) -> Object:
    return Object(package + kind, {"Version": number(1), "any": {"Version": number(3), "Name": name, **saved}})


def learnable(value: np.ndarray) -> dict[str, object]:
    return {"Version": number(2), "Value": value.astype(np.float32), "LearnRateFactor": number(1)}


def branches() -> tuple[Cell, Object]:
    """A graph whose layers and connections are in no order: concatenation of x and 2 x, port by port."""
    double = learnable(2 * np.eye(2))
    layers = [
        layer("ConcatenationLayer", "join", Dim=number(1), NumInputs=number(2)),
        layer("FullyConnectedLayer", "fc", OutputSize=number(2), Weights=double, Bias=learnable(np.zeros((2, 1)))),
        layer("FeatureInputLayer", "in", InputSize=number(2), Normalization=""),
    ]
    table = Object("table", {"Source": ["fc", "in", "in"], "Destination": ["join/in2", "join/in1", "fc"]})
    return Cell(tuple(layers), (3, 1)), table


def kinds() -> dict[str, object]:
    layers, table = branches()
    graph = Object("nnet.cnn.LayerGraph", {"any": {"Layers": layers, "Connections": table}})
    saved = {"Version": number(6), "LayerGraph": graph, "OutputNames": Cell(("join",), (1, 1))}
    return {
        "DAGNetwork": Object("DAGNetwork", {"any": {"Layers": layers, "Connections": table}}),
        "dlnetwork": Object("dlnetwork", {"any": saved}),
        "LayerGraph": graph,
    }


@pytest.mark.parametrize("kind", ["DAGNetwork", "dlnetwork", "LayerGraph"])
def test_a_graph_is_wired_by_ports(kind: str) -> None:
    value = kinds()[kind]
    assert is_network(value)
    network = read_objects("here", value)
    assert [item.name for item in network.spec.inputs] == ["in_in"]
    outputs = evaluate(network.spec, network.weights, {"in_in": np.array([[1.0, 3.0]], dtype=np.float32)})
    assert outputs["join"].tolist() == [[1, 3, 2, 6]]


def test_a_layer_array_is_a_chain() -> None:
    layers = Cell((layer("FeatureInputLayer", "in", InputSize=number(3)), layer("ReLULayer", "relu")), (2, 1))
    assert is_network(layers)
    assert read_objects("here", layers).spec.layers[-1].inputs == ("in",)


def test_every_unknown_layer_is_named_at_once() -> None:
    custom = [layer("SpikingLayer", "spike", package=""), layer("CapsuleLayer", "capsule")]
    layers = Cell((layer("FeatureInputLayer", "in", InputSize=number(3)), *custom), (3, 1))
    with pytest.raises(UnsupportedLayers) as caught:
        read_objects("net.mat", layers)
    assert [name for _, name, _ in caught.value.layers] == ["spike", "capsule"]
    assert "SpikingLayer" in str(caught.value)
    assert "net.mat" in str(caught.value)


def test_a_network_that_was_never_trained_is_refused() -> None:
    fc = layer("FullyConnectedLayer", "fc", OutputSize=number(2), Weights=learnable(np.zeros((0, 0))))
    layers = Cell((layer("FeatureInputLayer", "in", InputSize=number(3)), fc), (2, 1))
    with pytest.raises(NetworkError, match="has no Weights"):
        read_objects("here", layers)


def trained(*more: Object) -> list[Object]:
    weights = {"Weights": learnable(2 * np.eye(3)), "Bias": learnable(np.zeros((3, 1)))}
    return [
        layer("FeatureInputLayer", "in", InputSize=number(3)),
        layer("FullyConnectedLayer", "fc", OutputSize=number(3), **weights),
        *more,
    ]


def series(layers: list[Object], kind: str = "SeriesNetwork") -> Object:
    return Object(kind, {"any": {"Version": number(1), "Layers": Cell(tuple(layers), (len(layers), 1))}})


def test_a_custom_class_at_the_end_of_a_trained_network_is_a_loss() -> None:
    network = read_objects("here", series(trained(layer("myLoss", "loss", package=""))))
    assert [item.name for item in network.spec.layers] == ["in", "fc"]
    assert network.spec.outputs == ("fc",)
    assert network.notes == ("left out: loss (myLoss), an output layer of a SeriesNetwork: a loss",)


def test_a_custom_class_before_the_end_is_a_layer() -> None:
    layers = trained(layer("myLayer", "mine", package=""), layer("ReLULayer", "relu"))
    with pytest.raises(UnsupportedLayers, match="1 unsupported: myLayer 'mine'"):
        read_objects("here", series(layers))


@pytest.mark.parametrize("kind", ["dlnetwork", "nnet.cnn.LayerGraph"])
def test_a_custom_class_at_the_end_of_another_network_is_a_layer(kind: str) -> None:
    with pytest.raises(UnsupportedLayers, match="1 unsupported: myLoss 'loss'"):
        read_objects("here", series(trained(layer("myLoss", "loss", package="")), kind))


def test_a_loss_in_a_graph_is_left_out_with_its_connection() -> None:
    layers = trained(layer("myLoss", "loss", package=""))
    table = Object("table", {"Source": ["in", "fc"], "Destination": ["fc", "loss"]})
    value = Object("DAGNetwork", {"any": {"Layers": Cell(tuple(layers), (3, 1)), "Connections": table}})
    network = read_objects("here", value)
    assert network.spec.outputs == ("fc",)
    assert network.notes == ("left out: loss (myLoss), an output layer of a DAGNetwork: a loss",)


def test_the_classes_of_a_custom_output_layer_are_those_of_the_layer_before_it() -> None:
    classes = Object("categorical", {"categories": ["cat", "dog", "emu"]})
    mine = layer("focalLoss", "loss", package="", Classes=classes)
    assert read_objects("here", series(trained(mine))).card == Card(classes=("cat", "dog", "emu"), labelled="fc")
    table = Object("table", {"Source": ["in", "fc/out"], "Destination": ["fc", "loss/in"]})
    graph = {"Layers": Cell(tuple(trained(mine)), (3, 1)), "Connections": table}
    assert read_objects("here", Object("DAGNetwork", {"any": graph})).card.classes == ("cat", "dog", "emu")


def test_an_input_whose_mean_was_never_computed_is_untrained() -> None:
    image = layer("ImageInputLayer", "in", InputSize=number(2, 2, 1), Normalization={"Type": "zerocenter"})
    with pytest.raises(NetworkError) as caught:
        read_objects("here", series([image, layer("ReLULayer", "relu")], "LayerGraph"))
    assert str(caught.value) == (
        "here: layer 'in' (ImageInputLayer): is untrained: it has no Mean for the normalisation 'zerocenter'. "
        "Train or initialise the network before it is saved."
    )
