"""The reference in M-code: layers by name, tensors by port. Needs Octave."""

from __future__ import annotations

import numpy as np
import pytest

from harness.adapters.runtimes.octave import OctaveRuntime
from harness.matlab.matfile.write import save_mat
from harness.matlab.octave import OctaveError, executable
from harness.matlab.readers.plain import VARIABLE, as_export
from harness.optional import absence
from harness.spec import Input, Layer, Spec

pytestmark = pytest.mark.skipif(executable() is None, reason=absence("octave"))


@pytest.fixture(scope="module")
def octave():
    runtime = OctaveRuntime()
    yield runtime
    runtime.octave.close()


def graph(kind, config, *sizes, outputs=("layer",)):
    """The layer behind an input layer for each size, C x H x W."""
    names = [f"in{k}" for k in range(1, len(sizes) + 1)]
    inputs = tuple(Input(f"{name}_in", size) for name, size in zip(names, sizes, strict=True))
    sources = [Layer("ImageInputLayer", name, {}, (f"{name}_in",)) for name in names]
    return Spec("matlab", inputs, (*sources, Layer(kind, "layer", config, tuple(names))), outputs)


def run(octave, path, spec, *arrays, reverse=False):
    export = as_export(spec, {})
    if reverse:
        export["connections"] = {end: column[::-1] for end, column in export["connections"].items()}
    save_mat(path, {VARIABLE: export})
    inputs = {item.name: np.array(array, np.float32) for item, array in zip(spec.inputs, arrays, strict=True)}
    outputs, _ = octave.run(path, inputs)
    return outputs


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
def test_named_ports_have_an_order_of_their_own(octave, tmp_path, reverse):
    """Crop2DLayer crops `in` to the size of `ref`; the rows of connections may stand in any order."""
    spec = graph("Crop2DLayer", {"Mode": "custom", "Location": [2, 1]}, (1, 2, 3), (1, 1, 2))
    (y,) = run(octave, tmp_path / "m.mat", spec, [[[[1, 2, 3], [4, 5, 6]]]], [[[[0, 0]]]], reverse=reverse)
    assert y.tolist() == [[[[2, 3]]]]


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
def test_numbered_ports_are_in_order_of_their_numbers(octave, tmp_path, reverse):
    spec = graph("DepthConcatenationLayer", {}, *[(1, 1, 1)] * 11)
    (y,) = run(octave, tmp_path / "m.mat", spec, *([[[[k]]]] for k in range(11)), reverse=reverse)
    assert y.ravel().tolist() == list(range(11))


def test_outputs_go_by_their_ports(octave, tmp_path):
    layers = (
        Layer("ImageInputLayer", "in", {}, ("x",)),
        Layer(
            "MaxPooling2DLayer", "pool", {"PoolSize": [1, 2], "Stride": [1, 2], "HasUnpoolingOutputs": True}, ("in",)
        ),
        Layer("MaxUnpooling2DLayer", "up", {}, ("pool", "pool:1", "pool:2")),
    )
    spec = Spec("matlab", (Input("x", (1, 1, 4)),), layers, ("up",))
    (y,) = run(octave, tmp_path / "m.mat", spec, [[[[5, 7, 9, 8]]]], reverse=True)
    assert y.tolist() == [[[[0, 7, 9, 0]]]]


def test_a_layer_without_a_file_is_named(octave, tmp_path):
    spec = graph("ReLULayer", {}, (1, 1, 1))
    export = as_export(spec, {})
    export["layers"][1, 0]["class"] = "nnet.cnn.layer.MishLayer"
    save_mat(tmp_path / "m.mat", {VARIABLE: export})
    with pytest.raises(OctaveError, match="the reference has no layer MishLayer"):
        octave.run(tmp_path / "m.mat", {"in1_in": np.zeros((1, 1, 1, 1), np.float32)})
