"""`parity convert` and `parity check`: files, numbers, messages, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from harness.adapters.registry import installed
from harness.cli.main import AGREED, DEVIATIONS, UNDECIDED, USAGE
from harness.matlab.octave import Octave, executable
from harness.matlab.readers.plain import write_plain
from harness.models import bounds, reader
from harness.optional import absence
from harness.oracle import evaluate
from harness.spec import Input, Layer, Spec
from harness.workers.pool import Workers
from tests.matlab import large

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = (ROOT / "matlab", ROOT / "tests" / "matlab" / "mock")

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def numbers(*shape):
    return np.random.default_rng(shape).uniform(-1, 1, shape).astype(np.float32)


SPEC = Spec(
    "matlab",
    (Input("in_in", (2, 6, 5)),),
    (
        Layer("ImageInputLayer", "in", {}, ("in_in",)),
        Layer("Convolution2DLayer", "conv 1", {"Stride": [1, 1], "PaddingSize": [1, 0, 2, 1]}, ("in",)),
        Layer("ReLULayer", "relu", {}, ("conv 1",)),
        Layer("FullyConnectedLayer", "fc", {"OutputSize": 4}, ("relu",)),
        Layer("SoftmaxLayer", "prob", {}, ("fc",)),
    ),
    ("prob",),
)
WEIGHTS = {
    "conv 1/Weights": numbers(3, 3, 2, 3),
    "conv 1/Bias": numbers(3),
    "fc/Weights": numbers(4, 90),
    "fc/Bias": numbers(4),
}
WRONG = """
from dataclasses import replace
from harness.matlab.layers import TOOLBOX
from harness.matlab.torch.writers import constant
TOOLBOX["ReLULayer"] = replace(TOOLBOX["ReLULayer"], write=constant("nn.Tanh()"))
"""


@pytest.fixture(scope="module")
def started():
    """Workers that outlive the command, so that torch starts once for all tests of the module."""
    workers = Workers((*installed().formats, *installed().hops, *installed().runtimes))
    close, workers.close = workers.close, lambda: None
    yield workers
    close()


@pytest.fixture
def lasting(started, monkeypatch):
    """What a test asks for whose commands may share their workers, which keep the folder that they were started in."""
    monkeypatch.setattr("harness.run.session.Workers", lambda plugins, **_: started)


@pytest.fixture
def parity(command, tmp_path, monkeypatch):
    """Runs `parity ARGS` in a folder with net.mat; returns exit code, stdout and stderr."""
    write_plain(SPEC, WEIGHTS, tmp_path / "net.mat")
    monkeypatch.chdir(tmp_path)
    reader.reader().stop()  # it lives in the folder that it was started in
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return command


def python(folder, code, *args):
    """Python in an empty place, so that nothing of the suite can be imported."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", *(["-c", code] if code else []), *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


USE = """
import importlib.util, json, sys
before = set(sys.modules)
import torch
from pathlib import Path
with_torch = set(sys.modules)
spec = importlib.util.spec_from_file_location("delivered", sys.argv[1])
delivered = importlib.util.module_from_spec(spec)
spec.loader.exec_module(delivered)
more = {name.partition(".")[0] for name in set(sys.modules) - with_torch} - set(sys.stdlib_module_names)
network = delivered.load()
x = torch.arange(120, dtype=torch.float32).reshape(2, 2, 6, 5).sin()
exported = torch.export.export(network, (x,)).module()
with torch.no_grad():
    outputs = {"y": network(x).tolist(), "exported": exported(x).tolist()}
print(json.dumps({**outputs, "more": sorted(more), "keys": list(network.state_dict())}))
"""


@pytest.mark.usefixtures("lasting")
def test_torch_is_a_program_and_its_weights(parity, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    code, out, err = parity("convert", "net.mat", "-o", tmp_path / "made")
    assert (code, err) == (AGREED, ""), out + err
    assert "net.mat (parity): 5 layers; inputs, without the batch: in_in 2 x 6 x 5" in out
    assert "faithful" in out or "exact" in out
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["model.py", "weights.safetensors"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    text = python(elsewhere, "", str(tmp_path / "made" / "model.py"))
    for name in ("in_", "conv_1", "relu", "fc", "prob"):
        assert f"({name}): " in text
    used = json.loads(python(elsewhere, USE, str(tmp_path / "made" / "model.py")))
    assert used["more"] == []
    assert used["keys"] == ["conv_1.weight", "conv_1.bias", "fc.weight", "fc.bias"]
    x = np.sin(np.arange(120, dtype=np.float32)).reshape(2, 2, 6, 5)
    (wanted,) = evaluate(SPEC, WEIGHTS, {"in_in": x}).values()
    np.testing.assert_allclose(used["y"], wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(used["exported"], wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.skipif(find_spec("onnxscript") is None or find_spec("onnxruntime") is None, reason="no ONNX")
@pytest.mark.usefixtures("lasting")
def test_onnx_is_one_file(parity, tmp_path):
    code, out, err = parity("convert", "net.mat", "--to", "onnx", "-o", tmp_path / "made" / "deeper")
    assert code == AGREED, out + err
    assert [path.name for path in (tmp_path / "made" / "deeper").iterdir()] == ["model.onnx"]
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / "made" / "deeper" / "model.onnx"))
    assert [(item.name, item.shape) for item in session.get_inputs()] == [("in", ["N", 2, 6, 5])]
    assert [(item.name, item.shape) for item in session.get_outputs()] == [("prob", ["N", 4])]
    x = numbers(5, 2, 6, 5)
    (got,) = session.run(None, {"in": x})
    (wanted,) = evaluate(SPEC, WEIGHTS, {"in_in": x}).values()
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


def test_unsupported_layers_are_named_at_once_and_nothing_is_written(parity, tmp_path):
    layers = (
        *SPEC.layers[:2],
        Layer("myLayer", "first", {}, ("conv 1",)),
        Layer("QuantumLayer", "second", {}, ("first",)),
    )
    write_plain(Spec("matlab", SPEC.inputs, layers, ("second",)), WEIGHTS, tmp_path / "odd.mat")
    for verb in (("convert", "odd.mat", "-o", "made"), ("check", "odd.mat")):
        code, out, err = parity(*verb)
        assert code == USAGE
        assert "2 unsupported: nnet.cnn.layer.myLayer 'first'" in err
        assert "; nnet.cnn.layer.QuantumLayer 'second'" in err
        assert "Traceback" not in out + err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "text"])
def test_damaged_files_are_one_line(parity, tmp_path, damage):
    whole = (tmp_path / "net.mat").read_bytes()
    files = {"cut": whole[:400], "noise": whole[:200] + bytes(range(256)) * 4, "empty": b"", "text": b"MATLAB 1 2 3"}
    (tmp_path / "bad.mat").write_bytes(files[damage])
    for verb in (("convert", "bad.mat", "-o", "made"), ("check", "bad.mat")):
        code, out, err = parity(*verb)
        assert (code, out) == (USAGE, "")
        assert err.startswith("parity: bad.mat: ")
        assert err.count("\n") == 1
    assert not (tmp_path / "made").exists()


def test_weights_that_do_not_fit_name_the_file_and_the_layer(parity, tmp_path):
    write_plain(SPEC, WEIGHTS | {"fc/Weights": numbers(4, 91)}, tmp_path / "odd.mat")
    for verb in (("convert", "odd.mat", "-o", "made"), ("check", "odd.mat")):
        code, _, err = parity(*verb)
        assert code == USAGE
        assert err.count("\n") == 1
        assert err.startswith("parity: odd.mat: layer 'fc' (FullyConnectedLayer): cannot be computed (")
        assert "got an input of 2 x 3 x 5 x 6, and the weights Weights 4 x 91" in err
    assert not (tmp_path / "made").exists()


def test_wrong_usage(parity):
    assert parity("convert", "absent.mat", "-o", "made")[0] == USAGE
    assert parity("convert", "net.mat")[0] == USAGE
    code, _, err = parity("convert", "net.mat", "--variable", "other", "-o", "made")
    assert code == USAGE
    assert "has no variable 'other'; expected one of parity" in err


@pytest.mark.usefixtures("lasting")
def test_declared_layout(parity, tmp_path):
    savemat(tmp_path / "arrays.mat", {"w": numbers(4, 3), "b": numbers(4)})
    weights = {"Weights": {"variable": "w", "axes": "oi"}, "Bias": {"variable": "b", "axes": "o"}}
    declared = {
        "input": {"kind": "features", "size": [3]},
        "layers": [{"class": "FullyConnectedLayer", "name": "last", "weights": weights}],
    }
    (tmp_path / "layout.json").write_text(json.dumps(declared))
    code, out, err = parity("convert", "arrays.mat", "--layout", "layout.json", "-o", tmp_path / "made")
    assert code == AGREED, out + err
    assert "arrays.mat (declared): 2 layers" in out
    code, out, _ = parity("check", "arrays.mat", "--layout", "layout.json", "--json")
    report = json.loads(out)
    reference = "the documented semantics of the layers that the layout declares"
    assert (code, report["reference"]) == (AGREED, reference)
    assert [layer["name"] for layer in report["layers"]] == ["input", "last"]


@pytest.mark.usefixtures("lasting")
def test_layout_of_text_files_alone(parity, tmp_path):
    """No .mat is named; neither is one of several text files in the title of the program."""
    (tmp_path / "w.csv").write_text("0.25,0.5,1\n2,4,8\n")
    (tmp_path / "b.csv").write_text("1\n2\n")
    weights = {"Weights": {"text": "w.csv", "axes": "oi"}, "Bias": {"text": "b.csv", "axes": "o", "size": [2]}}
    declared = {
        "input": {"kind": "features", "size": [3]},
        "layers": [{"class": "FullyConnectedLayer", "name": "last", "weights": weights}],
    }
    (tmp_path / "layout.json").write_text(json.dumps(declared))
    for file in ((), ("w.csv",)):
        code, out, err = parity("convert", *file, "--layout", "layout.json", "-o", tmp_path / "made")
        assert code == AGREED, out + err
        assert "note: the layout is taken at its word: a faithful verdict proves the conversion of what it decl" in out
        text = (tmp_path / "made" / "model.py").read_text()
        assert text.startswith('"""The network that layout.json declares, for PyTorch.')
    assert parity("convert", "-o", "made")[0] == USAGE


def test_exchanged_axes_are_told_where_the_layer_cannot_be_computed(parity, tmp_path):
    savemat(tmp_path / "arrays.mat", {"w": numbers(3, 4)})
    layers = [{"class": "FullyConnectedLayer", "name": "last", "weights": {"Weights": {"variable": "w", "axes": "oi"}}}]
    declared = {"input": {"kind": "features", "size": [3]}, "layers": layers}
    (tmp_path / "layout.json").write_text(json.dumps(declared))
    code, _, err = parity("convert", "arrays.mat", "--layout", "layout.json", "-o", tmp_path / "made")
    assert code == USAGE
    assert "Weights would fit with its axes o and i exchanged" in err


def test_wrong_conversion_fails_and_names_the_first_layer(parity, tmp_path, monkeypatch):
    """The writer is wrong in the worker, where the program is written."""
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "sitecustomize.py").write_text(WRONG)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "wrong"), str(ROOT))))
    code, out, err = parity("convert", "net.mat", "-o", "made")
    assert code == DEVIATIONS, out + err
    assert "divergent" in out
    assert "the first layer that deviates is 'relu' (ReLULayer)" in out
    assert (tmp_path / "made" / "model.py").exists()
    assert parity("check", "net.mat")[0] == DEVIATIONS


def test_a_layer_whose_error_the_others_hide_is_named(parity, tmp_path, monkeypatch):
    """The outputs only drift, which passes."""
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "sitecustomize.py").write_text(WRONG.replace("nn.Tanh()", "nn.LeakyReLU(1e-4)"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "wrong"), str(ROOT))))
    code, out, err = parity("check", "net.mat")
    assert code == 0, out + err
    assert "drift, " in out
    assert "the first layer that deviates is 'relu' (ReLULayer)" in out


def test_program_that_does_not_run_is_invalid(parity, tmp_path, monkeypatch):
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "sitecustomize.py").write_text(WRONG.replace("nn.Tanh()", "nn.Linear(7, 7)"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "wrong"), str(ROOT))))
    code, out, _ = parity("convert", "net.mat", "-o", "made")
    assert code == DEVIATIONS
    assert "invalid" in out
    assert "the files were written and do not run" in out


# --- networks that are too large -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("lasting")
def test_what_is_too_large_is_written_and_not_judged(parity, tmp_path, monkeypatch):
    """The fully connected layer allows no smaller image. Nothing that was not judged passes."""
    monkeypatch.setattr(bounds, "MEMORY", 2**20)
    code, out, err = parity("convert", "net.mat", "-o", tmp_path / "made")
    assert code == UNDECIDED, out + err
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["model.py", "weights.safetensors"]
    assert "not judged: too large: one sample of the declared size takes about 0.094 GiB and 0 s; the bounds" in out
    assert "faithful" not in out
    code, out, _ = parity("check", "net.mat", "--json")
    report = json.loads(out)
    assert (code, report["outcome"], report["units"]) == (UNDECIDED, "not judged", None)
    assert report["judged"].startswith("not judged: too large: ")


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("target", ["torch", "onnx"])
def test_a_smaller_image_is_judged_where_the_network_allows_it(parity, tmp_path, monkeypatch, target):
    if target == "onnx" and (find_spec("onnxscript") is None or find_spec("onnxruntime") is None):
        pytest.skip("no ONNX")
    made = large.segnet(24, 40, depth=1, filters=3, classes=4)
    write_plain(*made, tmp_path / "net.mat")
    fits = iter([False] * 3 + [True])
    monkeypatch.setattr(bounds, "_fits", lambda cost, runs: next(fits))
    code, out, err = parity("convert", "net.mat", "--to", target, "-o", tmp_path / "made")
    assert code == AGREED, out + err
    assert "on 2 samples of 3 x 12 x 20, a smaller size than the declared one" in out


def test_a_wrong_program_is_told_at_a_smaller_size_too(parity, tmp_path, monkeypatch):
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "sitecustomize.py").write_text(WRONG)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "wrong"), str(ROOT))))
    made = large.segnet(24, 40, depth=1, filters=3, classes=4)
    write_plain(*made, tmp_path / "net.mat")
    fits = iter([False] * 3 + [True])
    monkeypatch.setattr(bounds, "_fits", lambda cost, runs: next(fits))
    code, out, err = parity("convert", "net.mat", "-o", tmp_path / "made")
    assert code == DEVIATIONS, out + err
    assert "the first layer that deviates is 'encoder1_relu1' (ReLULayer)" in out
    assert "on 2 samples of 3 x 12 x 20" in out


def test_long_judging_says_how_long(parity, monkeypatch):
    monkeypatch.setattr("harness.cli.network.LONG", 0.0)
    _, _, err = parity("check", "net.mat")
    assert err.startswith("judging 2 samples of 2 x 6 x 5: about 0 s and 0.094 GiB, at most 2 GiB")


# --- what MATLAB computed ----------------------------------------------------------------------------------------

needs_octave = pytest.mark.skipif(executable() is None, reason=absence("octave"))


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Files of export_parity.m, run in Octave on stand-ins for MATLAB's classes that compute the activations."""
    folder = tmp_path_factory.mktemp("exports")
    with Octave(*SCRIPTS) as octave:
        for network, *samples in (("series", "image", "images"), ("dag", "image"), ("dlnetwork", "dlarray")):
            octave.call("mock_export", network, folder / f"{network}.mat", *samples)
    return folder


@needs_octave
@pytest.mark.parametrize(
    ("network", "rows"),
    [("series", ["in", "conv_1", "relu", "fc", "soft max"] * 2), ("dag", ["in", "conv_1", "relu", "block_add"])],
)
@pytest.mark.usefixtures("lasting")
def test_every_layer_agrees_with_the_activations_of_the_file(parity, exports, network, rows):
    code, out, err = parity("check", exports / f"{network}.mat", "--json")
    assert code == AGREED, out + err
    report = json.loads(out)
    assert [record["layer"] for record in report["layers"]] == rows
    assert {record["outcome"] for record in report["layers"]} <= {"exact", "faithful"}
    assert report["reference"] == "the activations that MATLAB computed"
    code, out, _ = parity("check", exports / f"{network}.mat")
    assert code == AGREED
    assert "against the activations that MATLAB computed" in out


@needs_octave
@pytest.mark.usefixtures("lasting")
def test_activation_of_other_numbers_names_its_layer(parity, exports, tmp_path):
    parity_struct = loadmat(exports / "dag.mat")["parity"]
    activations = parity_struct["samples"][0, 0][0, 0]["activations"][0, 0]
    items = activations.ravel(order="F")
    item = next(item for item in items if item["layer"][0, 0].item() == "block/add")
    item["value"][0, 0][0, 0, 0] += 1
    savemat(tmp_path / "tampered.mat", {"parity": parity_struct})
    code, out, _ = parity("check", "tampered.mat", "--json")
    report = json.loads(out)
    assert code == DEVIATIONS
    assert [record["layer"] for record in report["layers"] if record["outcome"] == "divergent"] == ["block_add"]
    assert report["message"].startswith("layer 'block_add' (AdditionLayer): ")


@needs_octave
@pytest.mark.usefixtures("lasting")
def test_activation_of_another_size_names_its_layer(parity, exports):
    """The stand-in's pooling layer does not pool: sizes differ, the other layers are judged all the same."""
    code, out, _ = parity("check", exports / "dlnetwork.mat", "--json")
    report = json.loads(out)
    assert code == DEVIATIONS
    assert {record["layer"]: record["outcome"] for record in report["layers"]} == {
        "in": "exact",
        "conv_1": "exact",
        "relu": "exact",
        "block_add": "exact",
        "pool": "malformed",
    }
    assert "expected [2, 3, 3, 2] in MATLAB's layout" in report["message"]
    assert report["not_compared"] == ["pool:1", "pool:2"]


@pytest.mark.parametrize("verb", ["convert", "check"])
def test_help(parity, verb):
    code, out, _ = parity(verb, "--help")
    assert code == AGREED
    for word in ("--variable", "--layout", "Exit code 0 if", f": parity {verb}"):
        assert word in out
