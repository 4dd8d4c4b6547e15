"""MatConvNet's graphs and chains through the common reader: wiring, blocks, what is left out and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from harness.matlab.readers.channels import groups_of
from harness.matlab.readers.fields import SimpleNNError
from harness.matlab.readers.network import NetworkError, UnsupportedLayers, read_network
from harness.matlab.torch.source import program
from harness.matlab.torch.text import build
from harness.oracle import evaluate
from harness.spec import Input
from tests.through_torch import furthest, through_torch

EMPTY = np.zeros((0, 0))


def cell(*values):
    array = np.empty((1, len(values)), dtype=object)
    for k, value in enumerate(values):
        array[0, k] = value
    return array


def structs(items):
    """A struct array 1 x n."""
    fields = list(dict.fromkeys(key for item in items for key in item))
    array = np.empty((1, len(items)), dtype=[(name, object) for name in fields])
    for k, item in enumerate(items):
        for name in fields:
            array[0, k][name] = item.get(name, EMPTY)
    return array


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).uniform(-1, 1, shape).astype(np.float32)


def layer(kind, name, inputs, outputs, params=(), **block):
    return {
        "type": kind if "." in kind or not kind[0].isupper() else f"dagnn.{kind}",
        "name": name,
        "inputs": cell(*inputs),
        "outputs": cell(*outputs),
        "params": cell(*params),
        "block": {key: value if isinstance(value, str | bool) else np.atleast_2d(value) for key, value in block.items()}
        or EMPTY,
    }


def net(layers, params=None, **more):
    stored = structs([{"name": name, "value": value} for name, value in (params or {}).items()]) if params else EMPTY
    return {"layers": structs(layers), "params": stored, "vars": EMPTY, **more}


GRAPH = [
    # not in an order in which they can run, and tensors are called otherwise than layers
    layer("Sum", "add", ["left", "up"], ["total"], numInputs=2),
    layer("Conv", "conv1", ["data"], ["x1"], ["c1f", "c1b"], size=[3, 3, 2, 4], hasBias=True, pad=1, stride=[2, 2]),
    layer("ReLU", "relu1", ["x1"], ["x2"], leak=0.2, useShortCircuit=True),
    layer("ConvTranspose", "up1", ["x2"], ["up"], ["u1f"], size=[4, 4, 4, 4], hasBias=False, upsample=2, crop=1),
    layer("Conv", "lift", ["data"], ["left"], ["lf", "lb"], size=[1, 1, 2, 4], hasBias=True),
    layer("BatchNorm", "bn", ["total"], ["x3"], ["g", "b", "m"], numChannels=4, epsilon=1e-5),
    layer("Conv", "grouped", ["x3"], ["x4"], ["gf"], size=[1, 1, 2, 6], hasBias=False),
    layer("Pooling", "pool", ["x3"], ["x5"], method="avg", poolSize=[3, 3], pad=[1, 1, 1, 1], stride=[1, 1]),
    layer("Concat", "cat", ["x4", "x5"], ["x6"], dim=3, numInputs=2),
    layer("Scale", "scale", ["x6"], ["x7"], ["sf", "sb"], size=[1, 1, 10], hasBias=True),
    layer("Crop", "crop", ["x7", "x1"], ["x8"], crop=[1, 5]),
    layer("DropOut", "drop", ["x8"], ["x9"], rate=0.5),
    layer("LRN", "norm", ["x9"], ["x10"], param=[4, 1, 0.1, 0.75]),
    layer("SoftMax", "prob", ["x10"], ["prediction"]),
    layer("Sigmoid", "gate", ["x9"], ["gated"]),
    layer("Loss", "objective", ["prediction", "label"], ["objective"], loss="softmaxlog"),
    layer("vllab_dag_loss", "own", ["prediction", "label2"], ["loss2"]),
]
PARAMS = {
    "c1f": numbers(3, 3, 2, 4),
    "c1b": numbers(4, 1),
    "u1f": numbers(4, 4, 4, 4),
    "lf": numbers(1, 1, 2, 4),
    "lb": numbers(1, 4),
    "g": numbers(4, 1),
    "b": numbers(4, 1, seed=1),
    "m": np.abs(numbers(4, 2)) + 0.5,
    "gf": numbers(1, 1, 2, 6),
    "sf": numbers(1, 1, 10),
    "sb": numbers(1, 1, 10, seed=1),
}
META = {"normalization": {"imageSize": [[8.0, 6.0, 2.0]], "averageImage": np.array([[[3, 5]]], dtype=np.float32)}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.mat"


def saved(path, value, **options):
    savemat(str(path), {"net": value}, appendmat=False, **options)
    return path


def save_v73(path, variables):
    matio = pytest.importorskip("matio")
    matio.save_to_mat(str(path), variables, version="v7.3")
    assert path.read_bytes()[512:516] == b"\x89HDF"
    return path


def test_a_graph_is_wired_by_its_tensors(path):
    network = read_network(saved(path, net(GRAPH, PARAMS, meta=META)))
    spec = network.spec
    assert (network.dialect, spec.dialect) == ("DagNN", "matconvnet")
    assert spec.inputs == (Input("data", (2, 8, 6)),)
    assert {item.name: item.inputs for item in spec.layers} == {
        "conv1": ("data",),
        "relu1": ("conv1",),
        "up1": ("relu1",),
        "lift": ("data",),
        "add": ("lift", "up1"),
        "bn": ("add",),
        "grouped": ("bn",),
        "pool": ("bn",),
        "cat": ("grouped", "pool"),
        "scale": ("cat",),
        "crop": ("scale", "conv1"),
        "drop": ("crop",),
        "norm": ("drop",),
        "prob": ("norm",),
        "gate": ("drop",),
    }
    assert spec.outputs == ("prob", "gate")
    assert {item.name: item.kind for item in spec.layers}["crop"] == "crop"
    assert groups_of(spec, network.weights) == {"conv1": 1, "up1": 1, "lift": 1, "grouped": 2}
    assert [shape.shape for name, shape in network.weights.items() if name.startswith("scale/")] == [(10,), (10,)]
    assert network.notes[0].startswith("the average image of meta.normalization, 1 x 1 x 2 (3, 5), is no part")
    assert network.notes[1:] == (
        "left out: objective (dagnn.Loss), a loss",
        "left out: own (vllab_dag_loss), a loss",
    )


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """(network, inputs, what PyTorch made of them) by name."""
    folder = tmp_path_factory.mktemp("dagnn")
    chain = [
        {"type": "conv", "name": "c", "weights": cell(numbers(3, 3, 2, 4), EMPTY), "pad": 1.0},
        {"type": "relu", "name": "r"},
        {"type": "softmaxloss", "name": "loss"},
    ]
    files = {
        "graph": saved(folder / "graph.mat", net(GRAPH, PARAMS, meta=META)),
        "graph73": save_v73(folder / "graph73.mat", {"net": net(GRAPH, PARAMS, meta=META)}),
        "chain": saved(folder / "chain.mat", {"layers": cell(*chain), "meta": META}),
        "chain73": save_v73(folder / "chain73.mat", {"net": {"layers": cell(*chain), "meta": META}}),
    }
    cases = {name: (read_network(file), {}) for name, file in files.items()}
    for network, inputs in cases.values():
        inputs[network.spec.inputs[0].name] = numbers(2, 2, 8, 6)
    outputs = through_torch(cases, folder)
    return {name: (*case, outputs[name]) for name, case in cases.items()}


@pytest.mark.parametrize("name", ["graph", "graph73", "chain", "chain73"])
def test_torch_computes_what_the_oracle_does(name, computed):
    network, inputs, outputs = computed[name]
    assert furthest(network, inputs, outputs) < 2e-6


@pytest.mark.parametrize("name", ["graph", "chain"])
def test_version_7_3_is_the_same_network(name, computed):
    network, other = computed[name][0], computed[f"{name}73"][0]
    assert network.spec == other.spec
    assert network.notes == other.notes
    assert all(np.array_equal(value, other.weights[key]) for key, value in network.weights.items())


def test_oracle_of_the_blocks_that_graphs_have():
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    path_free = {
        "sum": ([x, 2 * x, x], {}, {}, 4 * x),
        "concat": ([x, -x], {}, {}, np.concatenate([x, -x], axis=1)),
        "scale": ([x], {}, {"multipliers": [2, 3], "biases": [1, 0]}, x * [[[[2]], [[3]]]] + [[[[1]], [[0]]]]),
        "crop": ([x, x[:, :, :2, :2]], {"crop": [0, 1]}, {}, x[:, :, :2, 1:3]),
    }
    from harness.oracle import semantics

    for kind, (inputs, config, weights, wanted) in path_free.items():
        arrays = {key: np.asarray(value, dtype=float) for key, value in weights.items()}
        assert np.array_equal(semantics("matconvnet", kind)(config, arrays, *inputs), wanted), kind
    # more than there is to crop: as much as there is, MatConvNet's adapted crops
    assert np.array_equal(semantics("matconvnet", "crop")({"crop": [9, 9]}, {}, x, x[:, :, :2, :2]), x[:, :, 1:, 2:])
    with pytest.raises(ValueError, match="cannot be cropped"):
        semantics("matconvnet", "crop")({}, {}, x[:, :, :1], x)


def test_dropped_sizes_of_one_come_back(path):
    params = {"f": numbers(3, 3), "m": numbers(1, 1)}
    blocks = [
        layer("Conv", "one", ["in/put"], ["y"], ["f"], size=[3, 3, 1, 1], hasBias=False),
        layer("Scale", "s", ["y"], ["z"], ["m"], size=[1, 1, 1], hasBias=False),
    ]
    network = read_network(saved(path, net(blocks, params)))
    assert network.weights["one/filters"].shape == (3, 3, 1, 1)
    assert network.spec.inputs == (Input("in_put", (1, None, None)),)
    x = numbers(1, 1, 5, 5)
    (output,) = evaluate(network.spec, network.weights, {"in_put": x}).values()
    assert output.shape == (1, 1, 3, 3)


def test_a_single_layer_is_a_struct_and_inputs_can_be_several(path):
    network = read_network(saved(path, net([layer("Sum", "a", ["a", "b"], ["c"])])))
    assert [item.name for item in network.spec.inputs] == ["a_", "b"]
    assert network.spec.layers[0].inputs == ("a_", "b")


def test_everything_unknown_is_reported_at_once(path):
    blocks = [
        layer("BilinearSampler", "sampler", ["x", "grid"], ["y"]),
        layer("mine.Layer", "own", ["y"], ["z"]),
        layer("Concat", "cat", ["z", "y"], ["w"], dim=1),
        layer("Scale", "gate", ["w", "z"], ["v"], hasBias=False),
        layer("ReLU", "fine", ["v"], ["u"]),
    ]
    with pytest.raises(UnsupportedLayers) as caught:
        read_network(saved(path, net(blocks)))
    assert caught.value.layers == (
        ("dagnn.BilinearSampler", "sampler", ""),
        ("mine.Layer", "own", ""),
        ("dagnn.Concat", "cat", "dim = 1"),
        ("dagnn.Scale", "gate", "2 inputs and 1 outputs"),
    )
    assert f"{path}: net: 4 unsupported: dagnn.BilinearSampler 'sampler'" in str(caught.value)


def test_unknown_layers_of_a_chain_are_reported_in_the_same_way(path):
    layers = cell({"type": "roi", "name": "p"}, {"type": "relu", "name": "r"}, {"type": "spnorm", "name": "c"})
    with pytest.raises(UnsupportedLayers) as caught:
        read_network(saved(path, {"layers": layers}))
    assert caught.value.layers == (("roi", "p", "layer 1"), ("spnorm", "c", "layer 3"))


BROKEN = {
    "lost parameter": ([layer("Conv", "c", ["x"], ["y"], ["gone"], hasBias=False)], "'gone' is not in net.params"),
    "no bias": ([layer("Conv", "c", ["x"], ["y"], ["f"], hasBias=True)], "has 1 parameters"),
    "other size": (
        [layer("Conv", "c", ["x"], ["y"], ["f"], size=[2, 3, 1, 1], hasBias=False)],
        r"the block declares; expected \[2, 3, 1, 1\], got \[3, 3, 1, 1\]",
    ),
    "circle": ([layer("ReLU", "a", ["x"], ["y"]), layer("ReLU", "b", ["y"], ["x"])], "a, b feed each other"),
    "two makers": ([layer("ReLU", "a", ["x"], ["y"]), layer("ReLU", "b", ["x"], ["y"])], "both make 'y'"),
    "same name": ([layer("ReLU", "a", ["x"], ["y"]), layer("ReLU", "a", ["y"], ["z"])], "two layers are called 'a'"),
    "only losses": ([layer("Loss", "l", ["x"], ["y"])], "without layers"),
    "pad": ([layer("Conv", "c", ["x"], ["y"], ["f"], hasBias=False, pad=[1, 2, 3])], "layer 'c' .*'pad'"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_graphs_are_named(fault, path):
    blocks, message = BROKEN[fault]
    with pytest.raises(NetworkError, match=message) as caught:
        read_network(saved(path, net(blocks, {"f": numbers(3, 3)})))
    assert str(path) in str(caught.value)


def test_channels_that_do_not_fit_are_named(path):
    params = {"f": numbers(1, 1, 3, 4), "g": numbers(1, 1, 3, 5)}
    blocks = [
        layer("Conv", "a", ["x"], ["y"], ["f"], hasBias=False),
        layer("Conv", "b", ["x"], ["z"], ["g"], hasBias=False),
        layer("Sum", "s", ["y", "z"], ["w"]),
    ]
    network = read_network(saved(path, net(blocks, params)))
    with pytest.raises(SimpleNNError, match=r"'s' \(sum\): adds .* as many channels in each, got 4, 5"):
        groups_of(network.spec, network.weights)


def test_what_is_saved_field_by_field_is_the_same_network(path):
    whole = net(GRAPH, PARAMS, meta=META)
    savemat(str(path), whole, appendmat=False)
    network = read_network(path)
    assert network.spec == read_network(saved(path, whole)).spec


def test_a_real_chain_keeps_its_average_image(real_files: Path):
    file = real_files / "dcfnet_simplenn.mat"
    if not file.is_file():
        pytest.skip(f"{file.name} is not in {real_files}")
    network = read_network(file)
    assert [item.kind for item in network.spec.layers] == ["conv", "relu", "conv", "lrn"]
    assert "1 x 1 x 3 (123, 117, 104)" in network.notes[0]


def test_parameters_that_layers_share_are_written_once(path):
    """A recursive network: the same convolution twice, and a third with its filters and another pad."""
    filters, biases = numbers(3, 3, 2, 2), numbers(2)
    same = ("f", "b")
    stored = net(
        [
            layer("Conv", "first", ["x"], ["a"], same, size=[3, 3, 2, 2], hasBias=True, pad=[1, 1, 1, 1]),
            layer("ReLU", "relu", ["a"], ["r"]),
            layer("Conv", "again", ["r"], ["c"], same, size=[3, 3, 2, 2], hasBias=True, pad=[1, 1, 1, 1]),
            layer("Conv", "narrow", ["c"], ["y"], same, size=[3, 3, 2, 2], hasBias=True, pad=[0, 0, 0, 0]),
        ],
        {"f": filters, "b": biases},
    )
    network = read_network(saved(path, stored))
    assert [(item.name, item.of) for item in network.spec.layers] == [
        ("first", ""),
        ("relu", ""),
        ("again", "first"),
        ("narrow", ""),
    ]
    assert sorted(network.weights) == ["first/biases", "first/filters", "narrow/biases", "narrow/filters"]
    written = program(network.spec, network.weights)
    assert sorted(written.state) == ["first.bias", "first.weight", "narrow.bias", "narrow.weight"]
    assert "again = self.first(relu)" in written.source
    torch = pytest.importorskip("torch")
    x = numbers(1, 2, 5, 5)
    (expected,) = evaluate(network.spec, network.weights, {"x": x}).values()
    y = build(written)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
