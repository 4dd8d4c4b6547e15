"""Core layers of Deep Learning Toolbox and of shallow networks: numbers that a hand can compute, and names that a
network may have."""

from __future__ import annotations

import numpy as np
import pytest

from harness.catalogue import find
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.judge.compare import compare
from harness.matlab.layers import read_layer
from harness.matlab.readers.plain import as_export, read_plain, write_plain
from harness.matlab.readers.records import NetworkError, Record
from harness.matlab.readers.toolbox import assemble
from harness.matlab.torch.source import program, torch_names
from harness.oracle import evaluate, semantics
from harness.outcomes import Outcome
from harness.spec import Input, Layer, Spec

HELP = "https://www.mathworks.com/help/deeplearning/ref/"


def run(kind, x, config=None, **weights):
    arrays = {name: np.asarray(value, dtype=float) for name, value in weights.items()}
    inputs = x if isinstance(x, tuple) else (x,)
    return semantics("matlab", kind)(config or {}, arrays, *(np.asarray(value, dtype=float) for value in inputs))


IMAGE = np.array([[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]], dtype=float)
"""N x C x H x W = 1 x 2 x 2 x 3; in MATLAB's memory 1 4 2 5 3 6 7 10 8 11 9 12."""
COLUMNS = [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12]


def test_flatten_goes_down_the_columns_then_through_the_channels():
    """HELP + nnet.cnn.layer.flattenlayer.html; MATLAB's `x(:)` of an H x W x C array."""
    assert run("FlattenLayer", IMAGE).tolist() == [COLUMNS]
    assert np.ravel(IMAGE[0].transpose(1, 2, 0), order="F").tolist() == COLUMNS


def test_flatten_of_a_volume_has_height_fastest_and_channels_slowest():
    x = np.arange(24.0).reshape(1, 2, 2, 3, 2)
    assert run("FlattenLayer", x)[0].tolist() == np.ravel(x[0].transpose(1, 2, 3, 0), order="F").tolist()


def test_flatten_and_dense_leave_no_samples_none():
    x = np.zeros((0, 2, 2, 3))
    assert run("FlattenLayer", x).shape == (0, 12)
    assert run("FullyConnectedLayer", x, Weights=np.zeros((5, 12)), Bias=np.zeros(5)).shape == (0, 5)


def test_a_dense_layer_weighs_an_image_in_that_order():
    weights = np.zeros((2, 12))
    weights[0, 1], weights[1, 6] = 1, 1  # second of the first column, first of the second channel
    assert run("FullyConnectedLayer", IMAGE, Weights=weights, Bias=[0, 0.5]).tolist() == [[4, 7.5]]


def test_a_dense_layer_works_at_each_step_of_a_sequence():
    x = [[[1, 2], [3, 4]]]
    assert run("FullyConnectedLayer", x, Weights=[[10, 1]], Bias=[0.5]).tolist() == [[[12.5], [34.5]]]


def test_statistics_of_an_input_are_height_by_width_by_channel():
    """HELP + nnet.cnn.layer.imageinputlayer.html: Mean of size h x w x c, 1 x 1 x c or one number."""
    mean = IMAGE[0].transpose(1, 2, 0)
    assert not run("ImageInputLayer", IMAGE, {"Normalization": "zerocenter"}, Mean=mean).any()
    y = run("ImageInputLayer", IMAGE, {"Normalization": "zerocenter"}, Mean=[1, 7])
    assert y[0, :, 0, 0].tolist() == [0, 0]
    y = run("SequenceInputLayer", [[[3, 8]]], {"Normalization": "zscore"}, Mean=[1, 2], StandardDeviation=[2, 3])
    assert y.tolist() == [[[1, 2]]]


@pytest.mark.parametrize(("kind", "wanted"), [("rescale-symmetric", [-1, 0, 1]), ("rescale-zero-one", [0, 0.5, 1])])
def test_rescaling_takes_the_least_to_the_lower_bound(kind, wanted):
    """HELP + nnet.cnn.layer.featureinputlayer.html: to [-1, 1] or [0, 1] with the values of Min and Max."""
    y = run("FeatureInputLayer", [[10, 20, 30]], {"Normalization": kind}, Min=[10], Max=[30])
    assert y.tolist() == [wanted]


def test_depth_to_space_dcr_has_depth_fastest_and_crd_slowest():
    """HELP + nnet.cnn.layer.depthtospace2dlayer.html; the same modes as
    https://onnx.ai/onnx/operators/onnx__DepthToSpace.html."""
    x = np.arange(8.0).reshape(1, 8, 1, 1)
    dcr = run("DepthToSpace2DLayer", x, {"BlockSize": [2, 2], "Mode": "dcr"})
    assert dcr.tolist() == [[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]]
    crd = run("DepthToSpace2DLayer", x, {"BlockSize": [2, 2], "Mode": "crd"})
    assert crd.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]


def test_oblong_blocks_are_rows_then_columns():
    y = run("DepthToSpace2DLayer", np.arange(3.0).reshape(1, 3, 1, 1), {"BlockSize": [3, 1]})
    assert y.shape == (1, 1, 3, 1)


@pytest.mark.parametrize(("mode", "wanted"), [("round", [1, 3]), ("floor", [0, 2]), ("onnx-10", [0, 2])])
def test_resize_rounds_places_half_way(mode, wanted):
    """HELP + nnet.cnn.layer.resize2dlayer.html. Four pixels to two look at 0.5 and 2.5: `round` takes the later,
    `onnx-10` (round half down) the earlier."""
    x = np.arange(4.0).reshape(1, 1, 1, 4)
    y = run("Resize2DLayer", x, {"OutputSize": [1, 2], "NearestRoundingMode": mode})
    assert y.ravel().tolist() == wanted


def test_resize_asymmetric_looks_at_the_first_pixel_first():
    x = np.arange(4.0).reshape(1, 1, 1, 4)
    config = {"OutputSize": [1, 8], "Method": "bilinear", "GeometricTransformMode": "asymmetric"}
    assert run("Resize2DLayer", x, config).ravel().tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    y = run("Resize2DLayer", x, {"OutputSize": [1, 8], "Method": "bilinear"})
    assert y.ravel().tolist() == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]


def test_crop_is_at_x_then_y_from_one_or_centred():
    """HELP + nnet.cnn.layer.crop2dlayer.html: Location is [x y] of the upper left corner."""
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    reference = np.zeros((1, 5, 1, 2))
    y = run("Crop2DLayer", (x, reference), {"Mode": "custom", "Location": [3, 1]})
    assert y.ravel().tolist() == [2, 3]
    assert run("Crop2DLayer", (x, reference)).ravel().tolist() == [5, 6]


def test_unknown_words_take_the_last_column():
    """HELP + wordembeddinglayer.html (Text Analytics Toolbox): indices from 1, OOVMode `map-to-last`."""
    table = [[10, 20, 30]]  # two words and the unknown one
    y = run("WordEmbeddingLayer", [[[0], [1], [2], [3], [9]]], Weights=table)
    assert y.ravel().tolist() == [30, 10, 20, 30, 30]


def test_concatenation_counts_matlabs_dimensions():
    a, b = np.zeros((1, 2, 3, 4)), np.zeros((1, 2, 3, 5))
    assert run("ConcatenationLayer", (a, b), {"Dim": 2}).shape == (1, 2, 3, 9)
    a, b = np.zeros((1, 7, 2)), np.zeros((1, 7, 3))
    assert run("ConcatenationLayer", (a, b), {"Dim": 1}).shape == (1, 7, 5)
    assert run("ConcatenationLayer", (a, a), {"Dim": 3}).shape == (1, 14, 2)


def test_mapminmax_maps_the_range_to_ymin_and_back():
    """HELP + mapminmax.html: y = (ymax - ymin) (x - xmin) / (xmax - xmin) + ymin; gain is the first factor."""
    settings = {"xoffset": [2, -1], "gain": [2 / (6 - 2), 2 / (1 - -1)]}
    x = [[2, -1], [6, 1], [4, 0]]
    y = run("mapminmax", x, {"y": -1}, **settings)
    assert y.tolist() == [[-1, -1], [1, 1], [0, 0]]
    assert run("mapminmax_reverse", y, {"y": -1}, **settings).tolist() == x


def test_constant_rows_are_left_out_and_put_back():
    config = {"keep": [1, 3], "remove": [2]}
    assert run("removeconstantrows", [[5, 6, 7]], config).tolist() == [[5, 7]]
    assert run("removeconstantrows_reverse", [[5, 7]], config, value=[6]).tolist() == [[5, 6, 7]]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("hardlim", [0, 1, 1, 1]),
        ("hardlims", [-1, 1, 1, 1]),
        ("satlin", [0, 0, 0.5, 1]),
        ("satlins", [-1, 0, 0.5, 1]),
        ("poslin", [0, 0, 0.5, 3]),
        ("tribas", [0, 1, 0.5, 0]),
        ("elliotsig", [-0.75, 0, 1 / 3, 0.75]),
        ("radbas", [np.exp(-9), 1, np.exp(-0.25), np.exp(-9)]),
    ],
)
def test_transfer_functions(kind, wanted):
    """HELP + hardlim.html and the pages beside it."""
    assert run(kind, [[-3, 0, 0.5, 3]]).tolist() == [wanted]


# --- readers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mapminmax", "mapstd_reverse", "removeconstantrows", "removeconstantrows_reverse"])
def test_shallow_kinds_survive_the_export(tmp_path, name):
    case = seeded_case(find("matlab", name), covering_array(find("matlab", name))[0])
    write_plain(case.spec, case.weights, tmp_path / "m.mat")
    network = read_plain("m.mat", _loaded(tmp_path / "m.mat"))
    assert network.spec.layers[-1].kind == name
    assert dict(network.spec.layers[-1].config) == dict(case.spec.layers[-1].config)
    for key, value in case.weights.items():
        assert network.weights[key].tolist() == value.tolist()


def _loaded(path):
    from harness.matlab.matfile.read import read_mat

    return read_mat(path)["parity"]


def test_features_left_out_and_kept_must_be_all_there_are():
    record = Record("removeconstantrows", "r", {"keep": np.array([[1.0, 3.0]]), "remove": np.array([[4.0]])})
    with pytest.raises(NetworkError, match="each feature once"):
        read_layer(record)


# --- names -------------------------------------------------------------------------------------------------------


def _records(*names):
    size = {"InputSize": np.array([[3.0]])}
    kinds = ["FeatureInputLayer", *["ReLULayer"] * (len(names) - 2), "AdditionLayer"]
    return [
        Record(f"nnet.cnn.layer.{kind}", name, size if kind == "FeatureInputLayer" else {})
        for kind, name in zip(kinds, names, strict=True)
    ]


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


# --- the corpus tells faults apart -------------------------------------------------------------------------------


def _wrong(layer, change):
    """How many of a row's cases show the fault."""
    shown = 0
    for choice in covering_array(find("matlab", layer)):
        case = seeded_case(find("matlab", layer), choice)
        got = evaluate(*change(case.spec, case.weights), case.inputs)
        got = {name: np.asarray(value, dtype=np.float32) for name, value in got.items()}
        shown += compare(case.golden, got).outcome not in (Outcome.EXACT, Outcome.FAITHFUL)
    return shown


def test_row_major_weights_are_seen():
    def change(spec, weights):
        shape = spec.inputs[0].shape
        if len(shape) != 3:
            return spec, weights
        c, h, w = shape
        bank = weights["layer/Weights"].reshape(-1, c, h, w).transpose(0, 1, 3, 2).reshape(-1, c * h * w)
        return spec, {**weights, "layer/Weights": bank}

    assert _wrong("FullyConnectedLayer", change) >= 10


def test_ports_in_another_order_are_seen():
    def change(spec, weights):
        *before, last = spec.layers
        turned = Layer(last.kind, last.name, last.config, last.inputs[::-1])
        return Spec(spec.dialect, spec.inputs, (*before, turned), spec.outputs), weights

    assert _wrong("DepthConcatenationLayer", change) == len(covering_array(find("matlab", "DepthConcatenationLayer")))


def test_the_export_says_in_which_order_ports_are_read():
    row = find("matlab", "DepthConcatenationLayer")
    choice = next(choice for choice in covering_array(row) if choice["inputs"] == 11)
    ends = as_export(seeded_case(row, choice).spec, {})["connections"]["destination"].ravel().tolist()
    assert ends[-2:] == ["layer/in10", "layer/in11"]
