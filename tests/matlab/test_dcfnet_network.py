"""A real network against the activations that MATLAB computed with it.

The figure is the largest error over the largest MATLAB activation of the layer, max|ours - MATLAB| / max|MATLAB|.
MATLAB computed in single too; the figure says how far two float32 computations are apart.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from harness.adapters.formats.matconvnet import MatConvNetFile
from harness.judge.compare import compare
from harness.matlab.readers.simplenn import read_simplenn
from harness.optional import REAL_FILES, absence, real_files
from harness.oracle import evaluate
from harness.outcomes import Outcome
from suites.matlab.dcfnet import NETWORK, RECORDED, dcfnet_cases

ROOT = Path(__file__).resolve().parents[2]
REAL = real_files(ROOT) or ROOT / "none"
LAYERS = ("conv1", "relu1", "conv2", "norm1")
LIMIT = 1e-6

pytestmark = pytest.mark.skipif(
    not all((REAL / name).is_file() for name in (NETWORK, RECORDED)),
    reason=f"{NETWORK} and {RECORDED}: {absence(REAL_FILES)}",
)


@pytest.fixture(scope="module")
def cases():
    return {case.spec.outputs[0]: case for case in dcfnet_cases(REAL)}


def relative(got, want):
    return float(np.max(np.abs(got - want)) / np.max(np.abs(want)))


def test_the_file_is_read_as_matlab_knows_it(cases):
    network = read_simplenn(REAL / NETWORK)
    assert [(layer.kind, layer.name) for layer in network.spec.layers] == list(
        zip(("conv", "relu", "conv", "lrn"), LAYERS, strict=True)
    )
    assert network.spec.inputs[0].shape == (3, 125, 125)
    assert network.spec.layers[0].config == {"pad": [1] * 4, "stride": [1, 1], "dilate": [1, 1]}
    assert network.average_image.ravel().tolist() == [123, 117, 104]
    assert list(cases) == list(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_oracle_gives_what_matlab_computed(layer, cases):
    case = cases[layer]
    got = evaluate(case.spec, case.weights, case.inputs)[layer]
    want = case.golden.expected[layer]
    assert got.shape == want.shape
    assert relative(got, want) <= LIMIT
    verdict = compare(case.golden, [got.astype(np.float32)])
    assert verdict.outcome in (Outcome.EXACT, Outcome.FAITHFUL)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_prefix_survives_the_file(layer, cases, tmp_path):
    case = cases[layer]
    MatConvNetFile().write(case.spec, case.weights, tmp_path / "net.mat")
    spec, weights = MatConvNetFile().read(tmp_path / "net.mat")
    assert spec == case.spec
    assert all(np.array_equal(weights[name], value) for name, value in case.weights.items())


CONVERT = """
import sys
from pathlib import Path
import numpy as np, torch
from harness.adapters.hops.matconvnet2torch import MatConvNetToTorch
artifact, out, inputs, outputs = map(Path, sys.argv[1:])
module = torch.load(MatConvNetToTorch().convert(artifact, out), weights_only=False)
assert not module.training
x, made = torch.from_numpy(np.load(inputs)), {}
with torch.no_grad():
    for name, part in module.named_children():
        x = made[name] = part(x)
np.savez(outputs, **{name: value.numpy() for name, value in made.items()})
"""


@pytest.fixture(scope="module")
def activations(cases, tmp_path_factory):
    """Every layer's output of the converted module, from a process of its own: this one holds no framework."""
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    folder = tmp_path_factory.mktemp("dcfnet")
    (source,) = cases["norm1"].inputs.values()
    np.save(folder / "x.npy", source)
    places = [REAL / NETWORK, folder / "net.pt", folder / "x.npy", folder / "made.npz"]
    done = subprocess.run(
        [sys.executable, "-c", CONVERT, *map(str, places)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "made.npz")


@pytest.mark.parametrize("layer", LAYERS)
def test_converted_module_gives_what_matlab_computed(layer, cases, activations):
    case = cases[layer]
    want = case.golden.expected[layer]
    assert list(activations) == list(LAYERS)
    assert relative(activations[layer].astype(np.float64), want) <= LIMIT
    assert compare(case.golden, [activations[layer]]).outcome in (Outcome.EXACT, Outcome.FAITHFUL)
