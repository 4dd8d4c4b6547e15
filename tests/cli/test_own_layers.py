"""A layer that a file of the user registers: `parity convert` and `predict` run the file where `parity check` does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from harness.cli.main import AGREED, USAGE
from harness.installed import is_installed
from tests.conftest import Command
from tests.model_files import FUNCTION, GATE

ROOT = Path(__file__).resolve().parents[2]
WRITE = """
import sys
from pathlib import Path
from tests.conftest import Command
from tests.model_files import write_gated
write_gated(*map(Path, sys.argv[1:]))
"""

needs_keras = pytest.mark.skipif(
    not all(map(is_installed, ("tensorflow", "tf2onnx", "onnxruntime"))), reason="needs TensorFlow and ONNX Runtime"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a layer of the user, the file that registers it, and the file that says what it computes."""
    folder = tmp_path_factory.mktemp("gated")
    (folder / "gates_of_mine.py").write_text(GATE)
    (folder / "what_gates_do.py").write_text(FUNCTION)
    names = [str(folder / name) for name in ("gates_of_mine.py", "gated.keras")]
    subprocess.run([sys.executable, "-c", WRITE, *names], cwd=ROOT, check=True, capture_output=True)
    savemat(folder / "in.mat", {"x": np.linspace(-1, 1, 10).reshape(2, 5)})
    return folder


@pytest.fixture
def parity(own_semantics: None, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `parity ARGS` in that folder; returns exit code, stdout and stderr."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return command


@needs_keras
def test_a_model_with_a_layer_of_mine_is_converted(parity: Command, folder: Path) -> None:
    mine = "--import", "gates_of_mine.py", "--semantics", "what_gates_do.py"
    code, out, err = parity("convert", "gated.keras", "--to", "onnx", "--way", "keras-tf2onnx", *mine, "-o", "made")
    assert code == AGREED, out + err
    assert "judged by the documentation of the layers" in out  # which is not so without --semantics
    assert json.loads((folder / "made" / "proof.json").read_text())["way"] == "keras-tf2onnx"


@needs_keras
def test_a_model_with_a_layer_of_mine_is_run(parity: Command, folder: Path) -> None:
    files = "predict", "gated.keras", "--inputs", "in.mat", "--outputs", "out.mat"
    code, out, err = parity(*files)
    assert (code, out) == (USAGE, "")
    assert err.rstrip().endswith("Name the Python file that registers it with keras.saving: --import layers.py")
    code, out, err = parity(*files, "--import", "gates_of_mine.py")
    assert code == AGREED, out + err
    assert loadmat(folder / "out.mat")["y1"].shape == (2, 2)


def test_the_options_are_for_models_of_keras(parity: Command, folder: Path) -> None:
    (folder / "net.mat").touch()
    code, _, err = parity("convert", "net.mat", "--import", "gates_of_mine.py", "-o", "made")
    assert (code, "--import is for a model of Keras or ONNX, not for net.mat" in err) == (USAGE, True)
    code, _, err = parity(
        "predict", "net.onnx", "--import", "gates_of_mine.py", "--inputs", "a.mat", "--outputs", "b.mat"
    )
    assert (code, "--import is for a .keras or .h5 file, not for net.onnx" in err) == (USAGE, True)
