"""Network files that Octave wrote are read as those that SciPy wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.adapters.formats.matlab_file import MatlabFile
from harness.catalogue import find
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.matlab.octave import Octave, executable
from harness.matlab.readers.network import read_network
from harness.matlab.readers.records import NetworkError
from harness.optional import absence
from harness.oracle import evaluate

pytestmark = pytest.mark.skipif(executable() is None, reason=absence("octave"))
LAYERS = ("Graph", "LSTMLayer", "GroupedConvolution2DLayer", "BatchNormalizationLayer", "removeconstantrows_reverse")


@pytest.fixture(scope="module")
def octave():
    with Octave(Path(__file__).parent) as running:
        yield running


@pytest.mark.parametrize("flag", ["-v6", "-v7"])
@pytest.mark.parametrize("layer", LAYERS)
def test_octave_writes_what_scipy_wrote(layer, flag, octave, tmp_path):
    row = find("matlab", layer)
    for k, choice in enumerate(covering_array(row)[:3]):
        case = seeded_case(row, choice)
        first, second = tmp_path / f"{k}.mat", tmp_path / f"{k}_octave.mat"
        MatlabFile().write(case.spec, case.weights, first)
        octave.call("octave_resave", first, second, flag)
        spec, weights = MatlabFile().read(second)
        assert spec.to_json() == MatlabFile().read(first)[0].to_json()
        assert set(weights) == set(case.weights)
        for name, value in case.weights.items():
            np.testing.assert_array_equal(weights[name], value)


@pytest.mark.parametrize("flag", ["-v6", "-v7"])
def test_networks_beside_and_within_what_octave_writes(flag, octave, tmp_path):
    octave.call("octave_shapes", tmp_path, flag)
    for name, variable in {"variables": None, "struct": None, "inside": None, "two": "nets.second"}.items():
        network = read_network(tmp_path / f"{name}.mat", variable)
        (item,) = network.spec.inputs
        outputs = evaluate(network.spec, network.weights, {item.name: np.array([[1, 2, 3]], np.float32)})
        assert outputs[network.spec.outputs[0]].tolist() == [[2, 4, 6]]
    with pytest.raises(NetworkError, match=r"2 networks \(nets\.first, nets\.second\)"):
        read_network(tmp_path / "two.mat")
