"""SimpleNN and DagNN files: what we write is read back to the bit, and what MATLAB wrote is understood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from harness.adapters.formats.matconvnet import MatConvNetFile
from harness.catalogue import rows
from harness.draw import Seeded, draw_case
from harness.draw.cover import covering_array
from harness.matlab.readers.channels import first_channels, groups_of
from harness.matlab.readers.fields import SimpleNNError
from harness.matlab.readers.records import UnsupportedLayers
from harness.matlab.readers.simplenn import read_simplenn
from harness.spec import Input, Layer, Spec


def cell(*values):
    members = np.empty((1, len(values)), dtype=object)
    for k, value in enumerate(values):
        members[0, k] = value
    return members


def numbers(*shape):
    return np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)


EMPTY = np.zeros((0, 0))


def saved(path, *layers, **fields):
    savemat(str(path), {"net": {"layers": cell(*layers), **fields}}, appendmat=False)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.mat"


@pytest.mark.parametrize("row", rows("matconvnet"), ids=lambda row: row.layer)
def test_round_trip_is_identical(row, path):
    file = MatConvNetFile()
    for choice in covering_array(row):
        source = np.random.Generator(np.random.PCG64(1))
        case = draw_case(row, choice, Seeded(source), source)
        file.write(case.spec, case.weights, path)
        spec, weights = file.read(path)
        assert spec == case.spec
        assert spec.id == case.spec.id
        assert list(weights) == list(case.weights)
        for name, value in case.weights.items():
            assert (weights[name].dtype, weights[name].shape) == (value.dtype, value.shape)
            assert weights[name].tobytes() == value.tobytes()


def one_layer(kind, config, shape=(2, 5, 4)):
    return Spec("matconvnet", (Input("x", shape),), (Layer(kind, "layer", config, ("x",)),), ("layer",))


CONV = {"pad": [0, 0, 0, 0], "stride": [1, 1], "dilate": [1, 1]}


@pytest.mark.parametrize(
    ("shape", "stored"),
    [((3, 2, 4, 1), (3, 2, 4)), ((3, 2, 1, 1), (3, 2)), ((1, 1, 1, 1), (1, 1)), ((3, 2, 1, 4), (3, 2, 1, 4))],
)
def test_trailing_singletons_are_dropped_and_restored(shape, stored, path):
    spec = one_layer("conv", CONV, (shape[2], 5, 4))
    MatConvNetFile().write(spec, {"layer/filters": numbers(*shape)}, path)
    layer = loadmat(str(path))["net"][0, 0]["layers"][0, 0]
    assert layer["weights"][0, 0][0, 0].shape == stored
    assert layer["weights"][0, 0][0, 0].dtype == np.float32
    assert layer["weights"][0, 0][0, 1].shape == (0, 0)
    _, weights = MatConvNetFile().read(path)
    assert list(weights) == ["layer/filters"]
    assert np.array_equal(weights["layer/filters"], numbers(*shape))


def test_the_file_is_what_matlab_would_hold(path):
    weights = {"layer/filters": numbers(3, 2, 2, 3), "layer/biases": numbers(3)}
    MatConvNetFile().write(one_layer("conv", {**CONV, "pad": [1, 2, 0, 3]}), weights, path)
    assert path.read_bytes().startswith(b"MATLAB 5.0 MAT-file")
    net = loadmat(str(path))["net"]
    layers = net[0, 0]["layers"]
    assert (net.shape, layers.shape, layers.dtype, layers[0, 0].shape) == ((1, 1), (1, 1), np.dtype(object), (1, 1))
    layer = layers[0, 0][0, 0]
    assert layers[0, 0].dtype.names == ("type", "name", "weights", "pad", "stride", "dilate")
    assert (layer["type"].item(), layer["name"].item()) == ("conv", "layer")
    assert layer["weights"].shape == (1, 2)
    assert layer["weights"][0, 1].shape == (1, 3)
    assert layer["pad"].tolist() == [[1, 2, 0, 3]]
    assert net[0, 0]["meta"][0, 0]["inputs"][0, 0]["size"].tolist() == [[5, 4, 2, 1]]


def graph(*layers, inputs=("x",), outputs=None):
    members = [Layer(kind, name, config, taken) for kind, name, config, taken in layers]
    declared = tuple(Input(name, (2, 5, 4)) for name in inputs)
    return Spec("matconvnet", declared, tuple(members), outputs or (members[-1].name,))


def test_a_graph_is_a_dagnn_as_matlab_would_hold_it(path):
    spec = graph(
        ("conv", "a", CONV, ("x",)),
        ("scale", "a_out", {}, ("y",)),
        ("concat", "c", {}, ("a_out", "a", "a")),
        ("pool", "p", {"method": "avg", "pool": [2, 3], "stride": [1, 1], "pad": [0] * 4}, ("a",)),
        inputs=("x", "y"),
        outputs=("c", "p"),
    )
    weights = {"a/filters": numbers(3, 2, 2, 1), "a_out/multipliers": numbers(2), "a_out/biases": numbers(2)}
    MatConvNetFile().write(spec, weights, path)
    net = loadmat(str(path))["net"][0, 0]
    assert net["layers"].dtype.names == ("name", "type", "inputs", "outputs", "params", "block")
    assert [item.item() for item in net["layers"]["type"][0]] == [
        "dagnn.Conv",
        "dagnn.Scale",
        "dagnn.Concat",
        "dagnn.Pooling",
    ]
    wires = [[[name.item() for name in cells[0]] for cells in net["layers"][key][0]] for key in ("inputs", "outputs")]
    (a,), (scaled,), (joined,), (pooled,) = wires[1]
    assert wires[0] == [["x"], ["y"], [scaled, a, a], [a]]
    assert len({"x", "y", "a", "a_out", "c", "p", a, scaled, joined, pooled}) == 10
    assert [item.item() for item in net["params"]["name"][0]] == ["a_filters", "a_out_multipliers", "a_out_biases"]
    assert [item.shape for item in net["params"]["value"][0]] == [(3, 2, 2), (1, 1, 2), (1, 1, 2)]
    block = net["layers"]["block"][0, 0][0, 0]
    assert (block["size"].tolist(), block["hasBias"].item()) == ([[3, 2, 2, 1]], 0)
    assert net["layers"]["block"][0, 3][0, 0]["poolSize"].tolist() == [[2, 3]]
    network, arrays = MatConvNetFile().read(path)
    assert network == spec
    assert {name: value.tolist() for name, value in arrays.items()} == {n: v.tolist() for n, v in weights.items()}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (graph(("sum", "a", {}, ("x", "x")), ("relu", "b", {}, ("x",))), "returns what no layer reads"),
        (graph(("sum", "a", {}, ("x", "x")), ("relu", "b", {}, ("a",)), outputs=("b", "a")), "what no layer reads"),
        (graph(("sum", "a", {}, ("y", "x")), inputs=("x", "y")), "what its layers read, in that order"),
        (graph(("sum", "a", {}, ("x", "x")), inputs=("x", "y")), "what its layers read, in that order"),
        (graph(("sum", "a", {}, ("x", "x")), ("gru", "g", {}, ("a",))), r"no layers of these types: g \(gru\)"),
    ],
)
def test_a_graph_that_no_dagnn_can_say_is_refused(spec, message, path):
    with pytest.raises(ValueError, match=message):
        MatConvNetFile().write(spec, {}, path)
    assert not path.exists()


def test_write_leaves_no_partial_file(path):
    with pytest.raises(ValueError, match=r"no layers of these types: layer \(gru\)"):
        MatConvNetFile().write(one_layer("gru", {}), {}, path)
    assert not list(path.parent.iterdir())
    MatConvNetFile().write(one_layer("softmax", {}), {}, path)
    assert [network.name for network in path.parent.iterdir()] == ["net.mat"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec("keras", (Input("x", (1, 1, 1)),), (Layer("relu", "r", {}, ("x",)),), ("r",)), "dialect"),
        (Spec("matconvnet", (Input("x", (3,)),), (Layer("relu", "r", {}, ("x",)),), ("r",)), r"\(C, H, W\)"),
        (
            Spec(
                "matconvnet",
                (Input("x", (1, 1, 1)),),
                (Layer("relu", "r", {}, ("x",)), Layer("relu", "s", {}, ("x",))),
                ("s",),
            ),
            "returns what no layer reads",
        ),
        (
            Spec("matconvnet", (Input("x", (1, 1, 1)),), (Layer("relu", "r", {}, ("x",)),), ("x",)),
            "returns its last layer 'r'",
        ),
    ],
)
def test_write_refuses_what_the_format_cannot_say(spec, message, path):
    with pytest.raises(ValueError, match=message):
        MatConvNetFile().write(spec, {}, path)


def test_old_fields(path):
    layers = [
        {"type": "conv", "name": "c", "filters": numbers(3, 3, 2, 4), "biases": numbers(4, 1), "pad": 1, "stride": 2},
        {"type": "bnorm", "filters": numbers(4, 1), "biases": numbers(1, 4), "moments": numbers(4, 2)},
        {"type": "normalize", "name": "n"},
        {"type": "softmaxloss", "name": "loss", "class": 1.0},
    ]
    mean = numbers(1, 1, 2)
    saved(path, *layers, normalization={"imageSize": np.array([[9, 8, 2]], dtype=np.uint8), "averageImage": mean})
    network = read_simplenn(path)
    assert network.spec.inputs == (Input("x", (2, 9, 8)),)
    assert [(layer.kind, layer.name) for layer in network.spec.layers] == [
        ("conv", "c"),
        ("bnorm", "layer2"),
        ("lrn", "n"),
        ("softmax", "loss"),
    ]
    assert network.spec.layers[0].config == {"pad": [1] * 4, "stride": [2, 2], "dilate": [1, 1]}
    assert network.spec.layers[1].config == {"epsilon": 1e-5}
    assert network.spec.layers[2].config == {"param": [5, 1.0, 0.0001 / 5, 0.75]}
    assert {name: value.shape for name, value in network.weights.items()} == {
        "c/filters": (3, 3, 2, 4),
        "c/biases": (4,),
        "layer2/multipliers": (4,),
        "layer2/biases": (4,),
        "layer2/moments": (4, 2),
    }
    assert np.array_equal(network.average_image, mean)


def test_defaults_of_absent_fields(path):
    bank = cell(numbers(2, 2, 3, 3), EMPTY)
    layers = [{"type": "convt", "weights": bank}, {"type": "pool", "pool": 2}, {"type": "relu"}, {"type": "dropout"}]
    spec = read_simplenn(saved(path, *layers)).spec
    assert [layer.config for layer in spec.layers] == [
        {"upsample": [1, 1], "crop": [0] * 4, "numGroups": 1},
        {"method": "max", "pool": [2, 2], "stride": [1, 1], "pad": [0] * 4},
        {"leak": 0.0},
        {"rate": 0.5},
    ]
    assert spec.inputs == (Input("x", (3, None, None)),)


def test_dropped_and_repeated_names(path):
    layers = [{"type": "relu", "name": name} for name in ("a/b", "a:b", "", "x", "a_b")]
    spec = read_simplenn(saved(path, *layers, {"type": "loss", "name": "loss"})).spec
    assert [layer.name for layer in spec.layers] == ["a_b", "a_b_2", "layer3", "x", "a_b_3"]
    assert spec.inputs[0].name == "x_"


def test_networks_under_other_names(path):
    layers = cell({"type": "relu", "name": "r"})
    for variables in ({"layers": layers, "meta": {"a": 1.0}}, {"model": {"layers": layers}, "other": 1.0}):
        savemat(str(path), variables, appendmat=False)
        assert [layer.name for layer in read_simplenn(path).spec.layers] == ["r"]
    savemat(str(path), {"a": {"layers": layers}, "b": {"layers": layers}}, appendmat=False)
    with pytest.raises(SimpleNNError, match=r"net\.mat: holds 2 SimpleNN networks; expected .*got the variables a "):
        read_simplenn(path)


def test_all_unsupported_layers_at_once(path):
    layers = [{"type": "pdist", "name": "p"}, {"type": "relu", "name": "r"}, {"type": "custom"}, {"type": "Conv"}]
    with pytest.raises(UnsupportedLayers) as caught:
        MatConvNetFile().read(saved(path, *layers))
    assert isinstance(caught.value, ValueError)
    assert caught.value.layers == (("pdist", "p", "layer 1"), ("custom", "", "layer 3"), ("Conv", "", "layer 4"))
    assert "3 unsupported: layer 1 of type 'pdist' (name 'p'), layer 3 of type 'custom'" in str(caught.value)


BANK = numbers(2, 2, 1, 3)
BROKEN = {
    "no type": ({"name": "a"}, "layer 1: field 'type' is absent"),
    "no struct": (1.0, "layer 1 is no struct"),
    "no weights": ({"type": "conv"}, r"layer 1 \(conv\): field 'weights' is absent"),
    "wrong biases": ({"type": "conv", "weights": cell(BANK, numbers(1, 2))}, "expected 3 biases, got 2"),
    "weights no cell": ({"type": "conv", "weights": BANK}, "expected a cell array"),
    "text as filters": ({"type": "conv", "weights": cell("abc", EMPTY)}, "real numbers"),
    "three pads": ({"type": "conv", "weights": cell(BANK, EMPTY), "pad": [[1, 2, 3]]}, "'pad' .* expected 1 or 4"),
    "negative pad": ({"type": "pool", "pool": 2, "pad": -1}, "'pad' .* at least 0"),
    "half a stride": ({"type": "pool", "pool": 2, "stride": 0.5}, "'stride' .* whole numbers of at least 1"),
    "no pool": ({"type": "pool"}, "field 'pool' is absent"),
    "method": ({"type": "pool", "pool": 2, "method": "sum"}, "expected 'max' or 'avg', got 'sum'"),
    "no moments": ({"type": "bnorm", "weights": cell(numbers(3, 1), numbers(3, 1))}, "the moments"),
    "param": ({"type": "lrn", "param": [[2.5, 1, 1, 1]]}, "whole window"),
    "leak": ({"type": "relu", "leak": "big"}, "'leak' .* expected 1 finite numbers"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_layers_are_named(fault, path):
    layer, message = BROKEN[fault]
    with pytest.raises(SimpleNNError, match=message) as caught:
        read_simplenn(saved(path, layer))
    assert str(path) in str(caught.value)


def test_foreign_files_are_told_from_networks(path, tmp_path):
    savemat(str(path), {"weights": numbers(2, 2)}, appendmat=False)
    with pytest.raises(
        SimpleNNError, match=r"net\.mat: holds no SimpleNN network; .*got the variables weights \(float32\)"
    ):
        read_simplenn(path)
    struct = np.zeros((1, 2), dtype=[("name", object), ("type", object)])
    savemat(str(path), {"net": {"layers": struct}}, appendmat=False)
    with pytest.raises(SimpleNNError, match="DagNN"):
        read_simplenn(path)
    savemat(str(path), {"net": {"layers": numbers(2, 2)}}, appendmat=False)
    with pytest.raises(SimpleNNError, match="no cell array"):
        read_simplenn(path)
    with pytest.raises(SimpleNNError, match="without layers"):
        read_simplenn(saved(path, {"type": "loss"}))
    path.write_bytes(b"\0" * 512 + b"\x89HDF\r\n\x1a\n" + b"\0" * 64)
    with pytest.raises(SimpleNNError, match=r"version 7\.3"):
        read_simplenn(path)
    for content in (b"", b"GIF89a" * 40, b"\0" * 3):
        path.write_bytes(content)
        with pytest.raises(SimpleNNError, match=r"net\.mat"):
            read_simplenn(path)
    with pytest.raises(FileNotFoundError):
        read_simplenn(tmp_path / "absent.mat")


@pytest.mark.filterwarnings("ignore")
def test_a_cut_or_damaged_file_is_never_a_network(path):
    MatConvNetFile().write(one_layer("conv", CONV), {"layer/filters": numbers(3, 2, 2, 3)}, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(SimpleNNError):
            read_simplenn(path)
    for place in range(136, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        with pytest.raises(SimpleNNError):
            read_simplenn(path)


def test_groups_follow_the_channels(path):
    layers = [
        {"type": "conv", "name": "a", "weights": cell(numbers(1, 1, 2, 6), EMPTY)},
        {"type": "convt", "name": "b", "weights": cell(numbers(1, 1, 2, 6), EMPTY), "numGroups": 3},
        {"type": "conv", "name": "c", "weights": cell(numbers(1, 1, 1, 12), EMPTY)},
    ]
    saved(path, *layers, meta={"inputs": {"name": "data", "size": np.array([[7, np.nan, 4, 10]])}})
    network = read_simplenn(path)
    assert network.spec.inputs == (Input("data", (4, 7, None)),)
    assert groups_of(network.spec, network.weights) == {"a": 2, "b": 3, "c": 6}
    assert first_channels(network.spec, network.weights) == 2
    narrow = Spec("matconvnet", (Input("data", (5, 7, 7)),), network.spec.layers, network.spec.outputs)
    with pytest.raises(SimpleNNError, match=r"layer 'a' \(conv\): 5 channels cannot be divided"):
        groups_of(narrow, network.weights)
