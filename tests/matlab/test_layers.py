"""What the importer knows of each layer: its ports, its weights, and that a row of the catalogue has all it needs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from harness.catalogue import rows
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.matlab.layers import INPUTS, KINDS, MATCONVNET, TOOLBOX, Unsupported, kind_of, read_layer
from harness.matlab.layers.kind import layer
from harness.matlab.octave import REFERENCE
from harness.matlab.readers.records import NetworkError, Record
from harness.matlab.torch.writers import constant
from harness.oracle import semantics
from harness.spec import Input, Layer, Spec

ROWS = [row for row in rows("matlab") if row.layer != "Graph"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.layer)
def test_a_row_has_an_oracle_an_importer_and_a_reference(row):
    assert callable(semantics("matlab", row.layer))
    assert TOOLBOX[row.layer].name == row.layer
    first = (REFERENCE / "+layers" / f"{row.layer}.m").read_text().splitlines()[0]
    assert re.fullmatch(rf"function (y|\[y, .*\]) = {row.layer}\(p, x.*\)", first)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.layer)
def test_every_weight_of_a_layer_can_be_declared(row):
    """Shallow networks have no declared layout."""
    case = seeded_case(row, covering_array(row)[0])
    kinds = {item.name: TOOLBOX[item.kind] for item in case.spec.layers if item.kind.endswith("Layer")}
    owners = [name.rpartition("/") for name in case.weights]
    assert {key for owner, _, key in owners if owner in kinds and key not in kinds[owner].axes} == set()


def test_axes_have_one_letter_each():
    assert TOOLBOX["Convolution2DLayer"].axes == {"Weights": ("hwcf",), "Bias": ("f",)}
    assert MATCONVNET["convt"].axes == {"filters": ("hwfc",), "biases": ("f",)}
    ways = [way for known in KINDS.values() for kind in known.values() for ways in kind.axes.values() for way in ways]
    assert [way for way in ways if len(set(way)) < len(way)] == []


@pytest.mark.parametrize(
    ("kind", "port", "place"),
    [
        ("AdditionLayer", "in11", 11),
        ("AdditionLayer", "", 1),
        ("ReLULayer", "in", 1),
        ("ReLULayer", "input", 1),
        ("MaxUnpooling2DLayer", "in", 1),
        ("MaxUnpooling2DLayer", "indices", 2),
        ("MaxUnpooling2DLayer", "size", 3),
        ("Crop2DLayer", "ref", 2),
        ("AdditionLayer", "ref", None),
    ],
)
def test_inputs_are_counted_from_one(kind, port, place):
    assert TOOLBOX[kind].input_place(port) == place


def test_the_export_calls_inputs_by_their_ports():
    assert [TOOLBOX["MaxUnpooling2DLayer"].input_port(k) for k in (1, 2, 3)] == ["in", "indices", "size"]
    assert [TOOLBOX["ConcatenationLayer"].input_port(k) for k in (1, 12)] == ["in1", "in12"]


def test_outputs_are_counted_from_zero_and_depend_on_options():
    pooling = TOOLBOX["MaxPooling2DLayer"]
    assert [pooling.output_place(port, {}) for port in ("", "out", "out1", "indices")] == [0, 0, 0, None]
    assert [pooling.output_place(port, {"HasUnpoolingOutputs": True}) for port in ("out", "indices", "size")] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("kind", "config", "before", "after"),
    [
        ("FullyConnectedLayer", {}, [2, 3, 4, 5], [2, 3, 2, 2]),
        ("GlobalMaxPooling1DLayer", {}, [3, 4], [2, 4]),
        ("LSTMLayer", {"OutputMode": "last"}, [3], [2]),
        ("LSTMLayer", {"OutputMode": "sequence"}, [3], [3]),
        ("Convolution2DLayer", {}, [2, 4], [4, 4]),
        ("Convolution1DLayer", {}, [3], [3]),
    ],
)
def test_ranks(kind, config, before, after):
    assert [TOOLBOX[kind].rank(config, rank) for rank in before] == after


def stored_input(kind, *size):
    return Record(f"nnet.cnn.layer.{kind}", "in", {"InputSize": np.array([size], dtype=float)})


@pytest.mark.parametrize(
    ("kind", "size", "shape"),
    [
        ("ImageInputLayer", (4, 5, 3), (3, 4, 5)),
        ("Image3DInputLayer", (4, 5, 6, 3), (3, 4, 5, 6)),
        ("SequenceInputLayer", (7,), (None, 7)),
        ("FeatureInputLayer", (7,), (7,)),
    ],
)
def test_an_input_layer_says_its_shape(kind, size, shape):
    assert TOOLBOX[kind].shape(stored_input(kind, *size)) == shape


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        (
            "ImageInputLayer",
            (4, 5),
            r"InputSize does not fit; expected \[h w c\] or \[h w d c\], got a float64 array of size \[1, 2\]",
        ),
        ("SequenceInputLayer", (4, 5, 3), "expected one number: sequences of images are not supported"),
        ("FeatureInputLayer", (0,), "expected positive whole numbers"),
    ],
)
def test_a_size_that_is_no_shape_is_refused(kind, size, message):
    with pytest.raises(NetworkError, match=message):
        TOOLBOX[kind].shape(stored_input(kind, *size))


def test_only_input_layers_have_a_shape():
    assert sorted(name for name, kind in TOOLBOX.items() if kind.shape) == sorted(INPUTS.values())


def test_a_kind_is_registered_once():
    with pytest.raises(ValueError, match="ELULayer is registered twice"):
        layer("ELULayer")(constant("nn.ELU()"))


def test_an_unknown_layer_of_a_spec_is_named():
    spec = Spec("matlab", (Input("x", (3,)),), (Layer("MishLayer", "m", {}, ("x",)),), ("m",))
    with pytest.raises(ValueError, match="layer 'm': no MishLayer is known in dialect 'matlab'"):
        kind_of(spec, spec.layers[0])


@pytest.mark.parametrize("name", ["mine.ReLULayer", "nnet.keras.layer.ReLULayer"])
def test_a_class_of_the_same_name_in_another_package_is_somebody_elses(name):
    with pytest.raises(Unsupported):
        read_layer(Record(name, "relu", {}))
    assert read_layer(Record("nnet.cnn.layer.ReLULayer", "relu", {})) == ({}, {})
