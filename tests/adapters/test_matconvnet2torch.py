"""The converted module: names, state and layers. One process of its own converts; this one holds no framework."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from harness.adapters.formats.matconvnet import MatConvNetFile
from harness.adapters.hops.matconvnet2torch import read_matconvnet
from harness.catalogue import find
from harness.draw import seeded_case
from harness.draw.cover import covering_array
from harness.judge.compare import compare
from harness.matlab.readers.records import NetworkError
from harness.matlab.readers.toolbox import Network
from harness.spec import Input, Layer, Spec

ROOT = Path(__file__).resolve().parents[2]

CONVERT = """
import json, sys
from pathlib import Path
import numpy as np, torch
from harness.adapters.hops.matconvnet2torch import MatConvNetToTorch
for artifact in sorted(Path(sys.argv[1]).glob("*.mat")):
    out = MatConvNetToTorch().convert(artifact, artifact.with_suffix(".pt"))
    module = torch.load(out, weights_only=False)
    with torch.no_grad():
        y = module(torch.from_numpy(np.load(artifact.with_suffix(".npy"))))
    np.save(artifact.with_suffix(".out.npy"), y.numpy())
    facts = {
        "training": any(part.training for part in module.modules()),
        "modules": [[name, type(part).__name__] for name, part in module.named_children()],
        "state": {name: list(value.shape) for name, value in module.state_dict().items()},
    }
    artifact.with_suffix(".json").write_text(json.dumps(facts))
"""

NAMES = (
    Layer("conv", "conv1.a", {"pad": [1, 1, 2, 2], "stride": [1, 1], "dilate": [1, 1]}, ("x",)),
    Layer("bnorm", "conv1_a", {"epsilon": 1e-5}, ("conv1.a",)),
    Layer("relu", "training", {"leak": 0.0}, ("conv1_a",)),
    Layer("pool", "pool 5", {"method": "max", "pool": [2, 2], "stride": [2, 2], "pad": [0, 1, 0, 1]}, ("training",)),
    Layer("convt", "forward", {"upsample": [2, 2], "crop": [1, 0, 0, 0], "numGroups": 1}, ("pool 5",)),
    Layer("lrn", "norm", {"param": [4, 1.0, 0.1, 0.75]}, ("forward",)),
)


def network():
    weights = {
        "conv1.a/filters": (3, 3, 2, 4),
        "conv1_a/multipliers": (4,),
        "conv1_a/biases": (4,),
        "conv1_a/moments": (4, 2),
        "forward/filters": (2, 2, 1, 4),
        "forward/biases": (1,),
    }
    spec = Spec("matconvnet", (Input("x", (2, 4, 4)),), NAMES, ("norm",))
    source = np.random.default_rng(0)
    return spec, {name: source.uniform(0.5, 2, shape).astype(np.float32) for name, shape in weights.items()}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Folder of the converted networks, and the cases in it by file name."""
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    folder = tmp_path_factory.mktemp("converted")
    rows = [find("matconvnet", name) for name in ("conv", "convt", "pool", "lrn", "SimpleNN")]
    cases = {f"{row.layer}{k}": seeded_case(row, c) for row in rows for k, c in enumerate(covering_array(row)[:8])}
    for name, case in cases.items():
        MatConvNetFile().write(case.spec, case.weights, folder / f"{name}.mat")
        np.save(folder / f"{name}.npy", case.inputs["x"])
    MatConvNetFile().write(*network(), folder / "names.mat")
    np.save(folder / "names.npy", np.ones((1, 2, 4, 4), dtype=np.float32))
    done = subprocess.run(
        [sys.executable, "-c", CONVERT, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, cases


def test_names_are_matlabs_as_far_as_torch_allows(converted):
    facts = json.loads((converted[0] / "names.json").read_text())
    assert facts["modules"] == [
        ["conv1_a", "Conv2d"],
        ["conv1_a_", "MomentsNorm"],
        ["training_", "ReLU"],
        ["pool_5", "Pool"],
        ["forward_", "TransposedConvolution"],
        ["norm", "ChannelWindowNorm"],
    ]


def test_state_is_the_weights_and_nothing_else(converted):
    facts = json.loads((converted[0] / "names.json").read_text())
    assert facts["state"] == {
        "conv1_a.weight": [4, 2, 3, 3],
        "conv1_a_.weight": [4],
        "conv1_a_.bias": [4],
        "conv1_a_.mean": [4],
        "conv1_a_.sigma": [4],
        "forward_.weight": [4, 1, 2, 2],
        "forward_.bias": [1],
    }


def test_modules_are_in_evaluation_mode_and_right(converted):
    folder, cases = converted
    for name, case in cases.items():
        assert not json.loads((folder / f"{name}.json").read_text())["training"]
        comparison = compare(case.golden, [np.load(folder / f"{name}.out.npy")])
        assert comparison.outcome.value in ("exact", "faithful"), (name, comparison.message)


def test_a_network_of_another_library_is_refused_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Spec("matlab", (Input("x", (3,)),), (Layer("ReLULayer", "r", {}, ("x",)),), ("r",))
    monkeypatch.setattr(
        "harness.matlab.readers.network.read_network", lambda path: Network("plain-struct export", spec, {})
    )
    with pytest.raises(NetworkError) as caught:
        read_matconvnet(Path("net.mat"))
    assert str(caught.value) == "net.mat: this is a plain-struct export; expected a network of MatConvNet"
