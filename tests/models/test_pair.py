"""Two files of one network or of two: the answer, the layers that are matched, and what would make them equal."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from scipy.io import savemat

from harness.adapters.registry import installed
from harness.cli.main import AGREED, DEVIATIONS, USAGE
from harness.matlab.readers.network import read_network
from harness.matlab.readers.plain import write_plain
from harness.matlab.readers.toolbox import Network
from harness.matlab.to_onnx import as_onnx
from harness.models.deliver import without_normalization, write_torch
from harness.models.pair import check_pair
from harness.models.predict import PredictionError
from harness.models.reference import ConversionError
from harness.oracle import evaluate
from harness.outcomes import Outcome
from harness.spec import Input, Layer, Spec
from harness.workers.pool import Workers

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxruntime", "torch")), reason="no ONNX or no torch"
)


def numbers(*shape):
    return np.random.default_rng(shape).uniform(-1, 1, shape).astype(np.float32)


SPEC = Spec(
    "matlab",
    (Input("in_in", (3, 6, 6)),),
    (
        Layer("ImageInputLayer", "in", {"Normalization": "zerocenter"}, ("in_in",)),
        Layer("Convolution2DLayer", "conv_1", {"Stride": [1, 1], "PaddingSize": [1, 1, 1, 1]}, ("in",)),
        Layer("ReLULayer", "relu", {}, ("conv_1",)),
        Layer("FullyConnectedLayer", "fc", {"OutputSize": 4, "InputShape": [2, 6, 6]}, ("relu",)),
    ),
    ("fc",),
)
WEIGHTS = {
    "in/Mean": np.array([10.0, 20.0, 30.0], np.float32),
    "conv_1/Weights": numbers(3, 3, 3, 2),
    "conv_1/Bias": numbers(2),
    "fc/Weights": numbers(4, 72),
    "fc/Bias": numbers(4),
}
NETWORK = Network("test", SPEC, WEIGHTS)


@pytest.fixture(scope="module")
def workers():
    registry = installed()
    with Workers((*registry.formats, *registry.runtimes)) as shared:
        yield shared


@pytest.fixture
def saved(tmp_path):
    """Saves an ONNX model after a change of its graph."""
    import onnx

    def save(change=lambda graph: None, weights=WEIGHTS):
        model = as_onnx(SPEC, weights)
        change(model.graph)
        onnx.save(model, str(tmp_path / "net.onnx"))
        return tmp_path / "net.onnx"

    return save


def doubled(graph):
    """Subtract the mean a second time, as the exporter does to networks that it has imported before."""
    from onnx import helper

    place, first = next((k, node) for k, node in enumerate(graph.node) if node.op_type == "Sub")
    graph.node.insert(place + 1, helper.make_node("Sub", ["in_Sub", first.input[1]], ["in_Sub_again"], "in_Sub_again"))
    for node in graph.node:
        if node.op_type == "Conv":
            node.input[0] = "in_Sub_again"


def without_sub(graph):
    graph.node.remove(next(node for node in graph.node if node.op_type == "Sub"))
    for node in graph.node:
        if node.op_type == "Conv":
            node.input[0] = "in_in"


def test_one_network_agrees_at_every_layer(saved, workers):
    pair = check_pair(NETWORK, saved(), workers)
    assert pair.comparison.outcome.passes
    assert [check.layer for check in pair.layers] == ["in", "conv_1", "relu", "fc"]
    assert all(check.comparison.outcome.passes for check in pair.layers)
    assert (pair.unmatched, pair.equal_if) == ((), "")


def test_a_name_that_fits_by_chance_is_no_counterpart(tmp_path, workers):
    """torch calls the second Relu `relu_1`, as MATLAB may call the first."""
    import onnx

    first, conv, relu, fc = SPEC.layers
    second = replace(conv, name="conv_2", inputs=("relu_1",)), replace(relu, name="relu_2", inputs=("conv_2",))
    layers = (first, conv, replace(relu, name="relu_1"), *second, replace(fc, inputs=("relu_2",)))
    weights = WEIGHTS | {"conv_2/Weights": numbers(3, 3, 2, 2), "conv_2/Bias": numbers(2)}
    spec = replace(SPEC, layers=layers)
    model = as_onnx(spec, weights)
    names = {"relu_1": "relu", "relu_2": "relu_1"}
    for node in model.graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    onnx.save(model, str(tmp_path / "net.onnx"))
    pair = check_pair(Network("test", spec, weights), tmp_path / "net.onnx", workers)
    assert pair.comparison.outcome.passes
    assert [check.layer for check in pair.layers] == ["in", "conv_1", "conv_2", "fc"]
    assert (pair.unmatched, pair.apart) == (("relu_1", "relu_2"), ())


def renamed(graph):
    """Tensors with names of another framework."""
    outputs = {item.name for item in graph.output}
    made = [name for node in graph.node for name in node.output if name not in outputs]
    names = {name: f"/t{place}" for place, name in enumerate(made)}
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]


@pytest.mark.parametrize("weight", ["in/Mean", "conv_1/Weights", "fc/Weights"])
def test_the_layer_in_which_two_files_part_needs_no_name(weight, saved, workers):
    """A tensor of another name shows the layer, and so does one of a torch program."""
    weights = WEIGHTS | {weight: WEIGHTS[weight] * np.float32(1.01)}
    pair = check_pair(NETWORK, saved(renamed, weights), workers)
    assert pair.apart == tuple(dict.fromkeys([weight.partition("/")[0], "fc"])), "the output has its name"
    assert "relu" in pair.unmatched


@pytest.mark.parametrize("weight", ["conv_1/Weights", "fc/Weights"])
def test_a_layer_of_a_torch_program_is_named(weight, tmp_path, workers):
    weights = WEIGHTS | {weight: WEIGHTS[weight] * np.float32(1.01)}
    (model, _) = write_torch(SPEC, weights, tmp_path)
    pair = check_pair(NETWORK, model, workers, trust=True)
    assert pair.apart == (weight.partition("/")[0],)


@pytest.mark.parametrize(("changed", "named"), [("bn", ("conv_1", "bn")), ("fc", ("fc",)), (None, ())])
def test_a_folded_normalisation_is_named_with_its_convolution(changed, named, saved, workers):
    """The file has one node for the two layers: it accuses both where it is wrong, none where it is right."""
    first, conv, relu, fc = SPEC.layers
    bn = Layer("BatchNormalizationLayer", "bn", {"Epsilon": 1e-5}, ("conv_1",))
    spec = replace(SPEC, layers=(first, conv, bn, replace(relu, inputs=("bn",)), fc))
    scale = np.array([2.0, 0.5], np.float32)
    bias = np.array([0.5, -0.25], np.float32)
    plain = {"bn/TrainedMean": np.zeros(2, np.float32), "bn/TrainedVariance": np.full(2, 1 - 1e-5, np.float32)}
    weights = WEIGHTS | plain | {"bn/Scale": scale, "bn/Offset": bias}
    more = np.float32(1.01)
    folded = WEIGHTS | {
        "conv_1/Weights": WEIGHTS["conv_1/Weights"] * scale * (more if changed == "bn" else 1),
        "conv_1/Bias": WEIGHTS["conv_1/Bias"] * scale + bias,
        "fc/Weights": WEIGHTS["fc/Weights"] * (more if changed == "fc" else 1),
    }
    pair = check_pair(Network("test", spec, weights), saved(renamed, folded), workers)
    assert pair.apart == named if changed != "bn" else set(pair.apart) == {*named, "fc"}
    assert pair.comparison.outcome.passes is (changed is None)


def test_a_doubled_subtraction_is_named(saved, workers):
    pair = check_pair(NETWORK, saved(doubled), workers)
    assert pair.comparison.outcome is Outcome.DIVERGENT
    assert pair.equal_if == "without node in_Sub of the other file"
    assert {check.layer: check.comparison.outcome.passes for check in pair.layers} == dict.fromkeys(
        ("in", "conv_1", "relu", "fc"), False
    )


def test_a_lost_normalisation_is_named(saved, workers):
    pair = check_pair(NETWORK, saved(without_sub), workers)
    assert not pair.comparison.outcome.passes
    assert pair.equal_if == "without the normalisation of layer in of the .mat"


def test_reversed_channels_are_named(saved, workers):
    turned = {
        **WEIGHTS,
        "in/Mean": WEIGHTS["in/Mean"][::-1].copy(),
        "conv_1/Weights": np.ascontiguousarray(WEIGHTS["conv_1/Weights"][:, :, ::-1]),
    }
    pair = check_pair(NETWORK, saved(weights=turned), workers)
    assert pair.equal_if == "with the channels of the other model's input reversed (RGB against BGR)"


def test_other_weights_are_another_network(saved, workers):
    """The first layers agree, the one that differs does not, and nothing is offered as a cure."""
    pair = check_pair(NETWORK, saved(weights={**WEIGHTS, "fc/Bias": WEIGHTS["fc/Bias"] + 1}), workers)
    assert [check.comparison.outcome.passes for check in pair.layers] == [True, True, True, False]
    assert (pair.comparison.outcome, pair.equal_if) == (Outcome.DIVERGENT, "")


def test_another_input_size_is_an_error(saved, workers):
    other = replace(NETWORK, spec=replace(SPEC, inputs=(Input("in_in", (3, 7, 6)),)))
    with pytest.raises(ConversionError, match=r"the sizes of the inputs differ: .*expected \['N', 3, 7, 6\], got"):
        check_pair(other, saved(), workers)


def test_activations_in_a_mat_file(tmp_path, workers):
    """MATLAB's layout: H x W x C x N. A wrong activation names its layer."""
    x = numbers(1, 3, 6, 6) * 50
    wide = replace(SPEC, outputs=("conv_1", "fc"))
    truth = evaluate(wide, WEIGHTS, {"in_in": x})
    variables = {
        "x": x.transpose(2, 3, 1, 0),
        "conv_1": truth["conv_1"].transpose(2, 3, 1, 0),
        "fc": truth["fc"].T,
    }
    savemat(tmp_path / "seen.mat", variables)
    pair = check_pair(NETWORK, tmp_path / "seen.mat", workers)
    assert [(check.layer, check.comparison.outcome.passes) for check in pair.layers] == [("conv_1", True), ("fc", True)]
    assert pair.unmatched == ("in", "relu")
    savemat(tmp_path / "seen.mat", variables | {"fc": truth["fc"].T + 1})
    pair = check_pair(NETWORK, tmp_path / "seen.mat", workers)
    assert pair.comparison.outcome is Outcome.DIVERGENT
    assert pair.comparison.message.startswith("layer 'fc' (FullyConnectedLayer): ")
    savemat(tmp_path / "seen.mat", {"fc": truth["fc"].T})
    with pytest.raises(ConversionError, match="the input is absent; expected a variable in_in or x"):
        check_pair(NETWORK, tmp_path / "seen.mat", workers)


def test_a_program_of_torch_is_compared_at_its_outputs(tmp_path, workers):
    (model, _) = write_torch(SPEC, WEIGHTS, tmp_path)
    pair = check_pair(NETWORK, model, workers, trust=True)
    assert pair.comparison.outcome.passes
    assert (pair.layers, pair.unmatched) == ((), ("in", "conv_1", "relu", "fc"))
    write_torch(*without_normalization(SPEC, WEIGHTS), tmp_path)
    pair = check_pair(NETWORK, model, workers, trust=True)
    assert pair.comparison.outcome is Outcome.DIVERGENT
    assert pair.equal_if == "without the normalisation of layer in of the .mat"
    with pytest.raises(PredictionError, match="is a program, which can run any code"):
        check_pair(NETWORK, model, workers)


KERAS = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, numpy as np
weights = np.load(sys.argv[1])
conv = keras.layers.Conv2D(2, 3, padding="same", activation="relu")
model = keras.Sequential([keras.Input((6, 6, 3)), conv])
conv.set_weights([weights["w"], weights["b"]])
model.save(sys.argv[2])
"""


@pytest.mark.skipif(find_spec("keras") is None or find_spec("tensorflow") is None, reason="no Keras")
def test_a_keras_model_has_channels_last(tmp_path, workers):
    layers = (Layer("ImageInputLayer", "in", {}, ("in_in",)), *SPEC.layers[1:3])
    plain = Network("test", Spec("matlab", SPEC.inputs, layers, ("relu",)), WEIGHTS)
    np.savez(tmp_path / "w.npz", w=WEIGHTS["conv_1/Weights"], b=WEIGHTS["conv_1/Bias"])
    model = tmp_path / "net.keras"
    subprocess.run([sys.executable, "-c", KERAS, str(tmp_path / "w.npz"), str(model)], check=True, capture_output=True)
    assert check_pair(plain, model, workers).comparison.outcome.passes
    other = replace(plain, weights={**WEIGHTS, "conv_1/Bias": WEIGHTS["conv_1/Bias"] + 1})
    pair = check_pair(other, model, workers)
    assert not pair.comparison.outcome.passes
    assert pair.apart == ("conv_1",)


@pytest.mark.parametrize("file", ["ccn_net"])
def test_what_matlab_wrote_twice_is_one_network(file, real_files, workers):
    """The object and the ONNX file that MATLAB exported of it: each layer agrees."""
    if not all((real_files / f"{file}.{end}").is_file() for end in ("mat", "onnx")):
        pytest.skip(f"{file} is not in {real_files}")
    network = read_network(real_files / f"{file}.mat")
    pair = check_pair(network, real_files / f"{file}.onnx", workers)
    assert pair.comparison.outcome.passes
    assert len(pair.layers) == 16
    assert all(check.comparison.outcome.passes for check in pair.layers)
    assert pair.unmatched == ()


def test_the_command_answers_and_has_exit_codes(saved, tmp_path, monkeypatch, command):
    net = tmp_path / "net.mat"  # by its whole path: the process that reads files may have another current folder
    write_plain(SPEC, WEIGHTS, net)
    saved(doubled)
    monkeypatch.chdir(tmp_path)

    def parity(*args):
        return command("check", net, *args)

    code, out, err = parity("--against", "net.onnx")
    assert code == DEVIATIONS, err
    assert "they are equal without node in_Sub of the other file" in out
    code, out, _ = parity("--against", "net.onnx", "--json")
    report = json.loads(out)
    assert (code, report["same"], report["equal_if"]) == (DEVIATIONS, False, "without node in_Sub of the other file")
    saved()
    code, out, _ = parity("--against", "net.onnx")
    assert (code, "they are one network" in out) == (AGREED, True)
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    code, _, err = parity("--against", "bad.onnx")
    assert code == USAGE
    assert err.startswith(f"parity: {net}: ")
    assert "bad.onnx" in err


FEATURES = Spec(
    "matlab",
    (Input("in_in", (5,)),),
    (
        Layer("FeatureInputLayer", "in", {"Normalization": "zerocenter"}, ("in_in",)),
        Layer("FullyConnectedLayer", "fc_1", {}, ("in",)),
        Layer("ReLULayer", "relu", {}, ("fc_1",)),
        Layer("FullyConnectedLayer", "fc_2", {}, ("relu",)),
    ),
    ("fc_2",),
)
DENSE = {
    "in/Mean": numbers(5),
    "fc_1/Weights": numbers(4, 5),
    "fc_1/Bias": numbers(4),
    "fc_2/Weights": numbers(2, 4),
    "fc_2/Bias": numbers(2),
}


def of_four_axes(path, *, size, weights=DENSE):
    """The network as old exporters wrote it: each tensor has four axes, those of a Gemm too."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    ones = [1] * (len(size) - 2)
    constants = {
        "mean": weights["in/Mean"].reshape(size),
        "fc_1_W": weights["fc_1/Weights"].reshape(4, 5, *ones),
        "fc_1_B": weights["fc_1/Bias"].reshape(1, 4, *ones),
        "fc_2_W": weights["fc_2/Weights"].T.reshape(*ones, 4, 2),
        "fc_2_B": weights["fc_2/Bias"],
    }
    nodes = [
        helper.make_node("Sub", ["input", "mean"], ["in_Sub"]),
        helper.make_node("Gemm", ["in_Sub", "fc_1_W", "fc_1_B"], ["fc_1"], transB=1),
        helper.make_node("Relu", ["fc_1"], ["relu"]),
        helper.make_node("Gemm", ["relu", "fc_2_W", "fc_2_B"], ["fc_2"]),
    ]
    graph = helper.make_graph(
        nodes,
        "old",
        [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, size),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in constants.items()),
        ],
        [helper.make_tensor_value_info("fc_2", TensorProto.FLOAT, [1, 2, *ones])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 7)], ir_version=3)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("size", [(1, 1, 1, 5), (1, 5, 1, 1)])
def test_tensors_of_four_axes_are_compared(size, tmp_path, workers):
    network = Network("test", FEATURES, DENSE)
    pair = check_pair(network, of_four_axes(tmp_path / "old.onnx", size=size), workers)
    assert pair.comparison.outcome.passes
    assert [(one.layer, one.comparison.outcome.passes) for one in pair.layers] == [
        (name, True) for name in ("in", "fc_1", "relu", "fc_2")
    ]
    assert pair.notes == (
        "the other file has Gemm nodes on more axes than the two that ONNX allows (fc_1, fc_2): what they read is "
        "flattened, as old exporters mean it",
    )
    other = {**DENSE, "fc_2/Bias": DENSE["fc_2/Bias"] + 1}
    pair = check_pair(network, of_four_axes(tmp_path / "old.onnx", size=size, weights=other), workers)
    assert [one.comparison.outcome.passes for one in pair.layers] == [True, True, True, False]


def test_a_file_that_onnx_allows_is_taken_as_it_is(saved, workers):
    assert check_pair(NETWORK, saved(), workers).notes == ()
