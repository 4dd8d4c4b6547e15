"""FFDNet's layers in a SimpleNN: sub-pixels, and a noise level joined to the image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from harness.matlab.matfile.write import row_cell
from harness.matlab.readers.network import read_network
from harness.matlab.readers.records import NetworkError, UnsupportedLayers
from harness.matlab.torch.source import program
from harness.matlab.torch.text import build
from harness.oracle import evaluate, semantics


def joined(x, scale):
    """vl_nnSubP.m for scale > 1, line by line; x is H x W x C."""
    height, width, channels = x.shape
    y = np.zeros((scale * height, scale * width, channels // scale**2))
    for out in range(channels // scale**2):
        for i in range(1, scale**2 + 1):
            a, b = (i - 1) % scale + 1, (i - 1) // scale + 1
            y[a - 1 :: scale, b - 1 :: scale, out] = x[:, :, out * scale**2 + i - 1]
    return y


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_the_oracle_is_matconvnet_s(scale):
    x = np.random.default_rng(1).normal(size=(1, 2 * scale**2, 2, 5))
    y = semantics("matconvnet", "subp")({"scale": scale}, {}, x)
    np.testing.assert_array_equal(y[0].transpose(1, 2, 0), joined(x[0].transpose(1, 2, 0), scale))
    np.testing.assert_array_equal(semantics("matconvnet", "subp")({"scale": 1 / scale}, {}, y), x)


def test_pixels_by_hand():
    """Rows first: channel 2 of a block is one row further down."""
    y = semantics("matconvnet", "subp")({"scale": 2}, {}, np.arange(1.0, 5).reshape(1, 4, 1, 1))
    assert y[0, 0].tolist() == [[1, 3], [2, 4]]


def saved(path, channels=5, **options):
    filters = np.zeros((1, 1, channels, 4), np.float32)
    filters[0, 0, :4, :] = np.eye(4)
    filters[0, 0, 4:, :] = 10
    layers = [
        {"type": "SubP", "name": "down", "scale": 0.5},
        {"type": "concat", "name": "join"},
        {"type": "conv", "name": "conv", "weights": row_cell([filters, np.zeros((4, 1), np.float32)])},
        {"type": "SubP", "name": "up", "scale": 2.0},
    ]
    savemat(path, {"net": {"layers": row_cell([{**layer, **options.get(layer["name"], {})} for layer in layers])}})
    return path


def test_ffdnet(tmp_path):
    network = read_network(saved(tmp_path / "net.mat"))
    assert [(item.name, item.shape) for item in network.spec.inputs] == [("x", (1, None, None)), ("sigmas", (1,))]
    assert "the input 'sigmas' is the global variable of that name" in network.notes[0]
    image = np.arange(12, dtype=np.float32).reshape(1, 1, 2, 6)
    inputs = {"x": image, "sigmas": np.array([[0.5]], np.float32)}
    assert evaluate(network.spec, network.weights, inputs)["up"].tolist() == (image + 5).tolist()


def test_the_program_computes_the_same(tmp_path):
    torch = pytest.importorskip("torch")
    network = read_network(saved(tmp_path / "net.mat", channels=15))
    assert [item.shape for item in network.spec.inputs] == [(3, None, None), (3,)]
    generator = np.random.default_rng(2)
    inputs = {
        "x": generator.normal(size=(2, 3, 4, 6)).astype(np.float32),
        "sigmas": generator.normal(size=(2, 3)).astype(np.float32),
    }
    wanted = evaluate(network.spec, network.weights, inputs)["up"]
    with torch.no_grad():
        module = build(program(network.spec, network.weights))
        y = module(*map(torch.from_numpy, inputs.values())).numpy()
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, -2.0, 0.4, 2.5])
def test_other_scales_are_refused(scale, tmp_path):
    with pytest.raises(NetworkError, match="a whole number, or 1 divided by one"):
        read_network(saved(tmp_path / "net.mat", up={"scale": scale}))


def test_what_is_joined_must_be_told_by_the_weights(tmp_path):
    with pytest.raises(UnsupportedLayers, match="cannot be told from the weights behind it"):
        read_network(saved(tmp_path / "net.mat", channels=4))
