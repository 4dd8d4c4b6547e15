"""Anonymous functions as layers: read from handles and from text, and written so that they compute the same."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from harness.matlab.layers import Unsupported, read_layer
from harness.matlab.matfile.read import Cell, Object
from harness.matlab.octave import Octave, executable
from harness.matlab.readers.cells import read_cells
from harness.matlab.readers.records import Record, UnsupportedLayers
from harness.matlab.readers.toolbox import Network
from harness.matlab.torch.source import program
from harness.models.deliver import load_torch, write_onnx, write_torch
from harness.optional import absence
from harness.oracle import evaluate
from harness.oracle.matlab.formula import parse, value_of
from harness.spec import Input, Layer, Spec
from tests.through_torch import furthest

CLASS = "nnet.cnn.layer.FunctionLayer"
BOTH = ("@(x).001*x", "@(x)x.^2-3*x+1", "@(x)-x.^2./(1+abs(x))", "@(x)max(x,0.1*x)", "@(x)min(max(x,-1),2)")
OURS = (
    *BOTH,
    "@(x)tanh(x).*sigmoid(x)",
    "@(x)logsig(x)-tansig(x)+relu(x)",
    "@(x)2.^x.*sign(sin(x))+exp(-cos(x))",
    "tanh",
)
TEXTS = ("@(x)x.^2.^3", "@(x)2^3^2.*x", "@(x)-x.^-1", "@(x)1./2./x-3-x", "@(x)2*-x+1d-1", "@(x)2.^-x", "@(x)sqrt(x)*pi")
"""Texts in which the order of operators matters."""


def handle(text: str) -> Object:
    return Object("function_handle", {"function": text})


def network(*texts: str) -> Network:
    """All functions of one input, side by side."""
    layers = tuple(Layer("FunctionLayer", f"f{k}", {"PredictFcn": text}, ("x",)) for k, text in enumerate(texts))
    return Network("test", Spec("matlab", (Input("x", (3,)),), layers, tuple(layer.name for layer in layers)), {})


@pytest.mark.parametrize("stored", [handle("sf%0@(x).001*x"), "@(x).001*x"])
def test_a_handle_and_the_text_of_one_are_read(stored):
    config, arrays = read_layer(Record(CLASS, "scale", {"PredictFcn": stored, "NumInputs": np.array([[1.0]])}))
    assert (config, arrays) == ({"PredictFcn": "@(x).001*x"}, {})


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"PredictFcn": handle("sf%0@(x)k*x")}, r"its function @\(x\)k\*x is there, and is not read: the value of k"),
        ({"PredictFcn": handle("mine")}, "runs the function mine that the file does not hold"),
        ({}, "runs code of a function that the file does not hold"),
        ({"PredictFcn": handle("sf%0@(x)x"), "NumInputs": np.array([[2.0]])}, "NumInputs is not 1"),
        ({"PredictFcn": handle("sf%0@(x)x"), "NumOutputs": np.array([[2.0]])}, "NumOutputs is not 1"),
    ],
)
def test_what_is_true_of_other_functions_is_said(properties, why):
    with pytest.raises(Unsupported, match=f"^{why}"):
        read_layer(Record(CLASS, "f", properties))


def test_cells_hold_functions_as_activations():
    numbers = np.array([[2.0]])
    cells = {
        "W": Cell((numbers,) * 3, (1, 3)),
        "b": Cell((np.zeros((1, 1)),) * 3, (1, 3)),
        "act_fcns": Cell((handle("sf%0@(x).5*x"), handle("poslin"), "@(x)x.^2"), (1, 3)),
    }
    read = read_cells("here", cells)
    assert [layer.kind for layer in read.spec.layers if layer.kind != "FullyConnectedLayer"] == [
        "FunctionLayer",
        "ReLULayer",
        "FunctionLayer",
    ]
    (output,) = evaluate(read.spec, read.weights, {"x": np.array([[3.0]])}).values()
    assert output.tolist() == [[144]]  # (2 * relu(2 * 0.5 * (2 * 3)))^2
    with pytest.raises(
        UnsupportedLayers, match=r"@\(x\)x\^2 'layer2' \(its function .* is not read: \^ is of matrices"
    ):
        read_cells("here", {**cells, "act_fcns": Cell(("relu", "@(x)x^2", "relu"), (1, 3))})


def test_nothing_of_the_text_is_in_the_program():
    """What is written is made of what the parser has read, so that no text of a stranger is run."""
    one = network("@(y)  .001 * y+max( 2,y )")
    text = program(one.spec, one.weights).source
    assert "self.f0 = Call(lambda x: ((0.001 * x) + torch.clamp(x, min=2.0)))" in text
    assert "y" not in text[text.index("Call(lambda") :].splitlines()[0]


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_programs_compute_what_the_oracle_says(tmp_path):
    import torch

    net, x = network(*OURS), np.random.default_rng(7).normal(size=(4, 3)).astype(np.float32)
    write_torch(net.spec, {}, tmp_path)
    with torch.no_grad():
        outputs = [value.numpy() for value in load_torch(tmp_path)(torch.from_numpy(x))]
    assert furthest(net, {"x": x}, outputs) < 1e-6


@pytest.mark.skipif(find_spec("onnxscript") is None or find_spec("onnxruntime") is None, reason="no ONNX")
def test_so_do_files_of_onnx(tmp_path):
    import onnxruntime

    net, x = network(*OURS), np.random.default_rng(8).normal(size=(4, 3)).astype(np.float32)
    (path,) = write_onnx(net.spec, {}, tmp_path)
    session = onnxruntime.InferenceSession(str(path))
    outputs = session.run(None, {session.get_inputs()[0].name: x})
    assert furthest(net, {"x": x}, outputs) < 1e-6


@pytest.mark.skipif(executable() is None, reason=absence("octave"))
def test_octave_reads_the_same_formulas():
    """An independent implementation of the language agrees on what a text means."""
    x = np.array([0.5, 1.0, 2.0, 3.0])
    with Octave() as octave:
        for text in (*BOTH, *TEXTS):
            told = octave.call("eval", f"f = {text}; printf('%.17g ', f([0.5 1 2 3]))")
            np.testing.assert_allclose(value_of(parse(text), x), [float(word) for word in told.split()], rtol=1e-14)
