"""The rooms of harness/ and the law between them: `lint-imports` holds it, and a forbidden import is refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAW = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PLANTED = {
    "rooms": ("spec.py", "import harness.outcomes"),
    "looking": ("analysis/calibration.py", "from harness.run import session"),
    "truth": ("oracle/matlab/exported.py", "from harness.matlab.to_onnx import WRITERS"),
    "hops": ("adapters/hops/onnx2torch.py", "from harness.adapters.hops import onnx2pytorch"),
    "runtimes": ("adapters/runtimes/torch.py", "from harness.adapters.runtimes import keras"),
    "formats": ("adapters/formats/keras_file.py", "from harness.adapters.formats import onnx_file"),
    "adapters": ("adapters/runtimes/octave.py", "from harness.adapters.hops import matoctave"),
    "tests": ("judge/compare.py", "import hypothesis"),
}
"""For each contract a module and an import that it forbids."""


def judged(root: Path) -> dict[str, bool]:
    """Whether each contract is kept by the `harness` of a folder, by the contract's name."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    contracts = re.findall(r"^(.*) (KEPT|BROKEN)\b", done.stdout, flags=re.MULTILINE)
    assert contracts, done.stdout + done.stderr
    return {name: word == "KEPT" for name, word in contracts}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "harness", tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def test_every_contract_is_kept() -> None:
    assert judged(ROOT) == dict.fromkeys([contract["name"] for contract in LAW], True)


def test_a_forbidden_import_breaks_its_contract(copy: Path) -> None:
    assert set(PLANTED) == {contract["id"] for contract in LAW}
    for module, line in PLANTED.values():
        path = copy / "harness" / module
        assert line not in path.read_text()
        path.write_text(f"{path.read_text()}\n{line}\n")
    assert judged(copy) == dict.fromkeys([contract["name"] for contract in LAW], False)


def test_few_modules_lie_loose() -> None:
    assert len(list((ROOT / "harness").glob("*.py"))) <= 11


def test_the_architecture_names_every_room() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## The rooms")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `([\w.]+)/?`", table, flags=re.MULTILINE))
    rooms = {path.name for path in (ROOT / "harness").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert named == rooms | {path.name for path in (ROOT / "harness").glob("*.py")} - {"__init__.py"}
