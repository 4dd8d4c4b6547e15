"""Networks that were read, as PyTorch computes them: in a process of its own, for this one holds no framework."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from harness.matlab.readers.toolbox import Network
from harness.oracle import evaluate
from harness.spec import Array

ROOT = Path(__file__).resolve().parents[1]
COMPUTE = """
import json, sys
from pathlib import Path
import numpy as np, torch
from harness.matlab.torch.source import program
from harness.matlab.torch.text import build
from harness.spec import Spec
for case in sorted(Path(sys.argv[1]).glob("*.json")):
    spec = Spec.from_json(json.loads(case.read_text()))
    weights, inputs = (dict(np.load(case.with_suffix(f".{what}.npz"))) for what in ("weights", "inputs"))
    with torch.no_grad():
        outputs = build(program(spec, weights))(*[torch.from_numpy(inputs[item.name]) for item in spec.inputs])
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    np.savez(case.with_suffix(".out.npz"), *[value.numpy() for value in outputs])
"""


def through_torch(cases: Mapping[str, tuple[Network, Mapping[str, Array]]], folder: Path) -> dict[str, list[Array]]:
    """Outputs of each converted network on its inputs. Skips where PyTorch is not installed."""
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    for name, (network, inputs) in cases.items():
        (folder / f"{name}.json").write_text(json.dumps(network.spec.to_json()))
        np.savez(folder / f"{name}.weights.npz", **network.weights)
        np.savez(folder / f"{name}.inputs.npz", **inputs)
    done = subprocess.run(
        [sys.executable, "-c", COMPUTE, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name: list(np.load(folder / f"{name}.out.npz").values()) for name in cases}


def furthest(network: Network, inputs: Mapping[str, Array], outputs: list[Array]) -> float:
    """The largest error against the oracle, relative to the largest value of its output."""
    wanted = evaluate(network.spec, network.weights, inputs)
    assert [value.shape for value in outputs] == [value.shape for value in wanted.values()]
    pairs = zip(outputs, wanted.values(), strict=True)
    return max(float(np.abs(got - want).max() / np.abs(want).max()) for got, want in pairs)
