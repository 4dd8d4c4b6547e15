"""The wheel, built from the sdist and installed in a folder of its own: what it holds, and that it works by itself.

The packages that it requires are those of this environment. Everything else is as a converter's repository has it: no
checkout, somebody else's pytest settings, no conftest. The files of the installation may not change.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SIZE = 40 << 20
"""Most bytes of a wheel; an index takes 100 MB."""
FOREIGN = '[project]\nname = "x"\nversion = "1"\n[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n'
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this tree and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    words = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--target", str(folder), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "install", *words], check=True)
    return folder


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Run:
    """Runs Python with the wheel, from a subfolder of a foreign repository."""
    (tmp_path / "pyproject.toml").write_text(FOREIGN)
    (tmp_path / "sub").mkdir()

    def call(*words: str, cwd: Path = tmp_path / "sub") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-P", *words]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    return call


PARITY = ("-c", "from harness.cli.main import main; main()")
SUITES = ("-m", "pytest", "--pyargs", "harness.suites", "-p", "no:cacheprovider", "-q")


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def tree(*folders: str) -> set[str]:
    """The files of these folders that belong to the project."""
    listed = in_checkout("git", "ls-files", "-co", "--exclude-standard", *folders)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def in_checkout(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_wheel_holds_code_data_and_suites_and_nothing_beside_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {"harness"}
    manifest = json.loads((ROOT / "golden" / "manifest.json").read_text())
    assert names >= {f"harness/golden/{name}" for name in manifest["archives"]}
    assert names >= {
        "harness/golden/manifest.json",
        "harness/golden/record/accepted.toml",
        "harness/golden/record/functions/onnx2torch.json",
        "harness/golden/findings/tf2onnx.toml",
        "harness/suites/__init__.py",
        "harness/suites/interchange/parity_echo.m",
        "harness/suites/keras/test_keras_goldens.py",
        "harness/suites/matlab/reference/parity_serve.m",
        "harness/examples/resnet50/build.py",
        "harness/judge/findings.schema.json",
        "harness/pytest_plugin/entry.py",
    }
    if here := tree("golden", "suites", "examples/resnet50", "harness"):  # an archive of the project has no git
        assert names == {name if name.startswith("harness/") else f"harness/{name}" for name in here}
    assert wheel.stat().st_size < SIZE


def test_the_sdist_holds_what_the_tests_need(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {"tests/test_wheel.py", "golden/manifest.json", "constraints.txt", "bootstrap.py", "CHANGELOG.md"}


def test_it_knows_the_recorded_versions_and_those_of_the_lock(run: Run) -> None:
    """In the checkout the package's lock is a link."""
    done = run(*PARITY, "constraints")
    assert (done.returncode, done.stderr) == (0, "")
    torch = json.loads((ROOT / "golden" / "record" / "versions.json").read_text())["torch"]
    (protobuf,) = re.findall(r"^protobuf==.*$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    assert {f"torch=={torch}", protobuf} <= set(done.stdout.splitlines())


def test_it_lists_the_same_cases_as_the_checkout(run: Run) -> None:
    here = in_checkout(sys.executable, *PARITY, "list", "cases", "--json")
    done = run(*PARITY, "list", "cases", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads(here.stdout)


def test_it_verifies_its_goldens_with_the_pairs_that_they_cover(run: Run) -> None:
    done = run(*PARITY, "golden", "verify", "--layer", "ELU", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (layer,) = json.loads(done.stdout)["layers"]
    assert (layer["cases"], layer["covered"], layer["valid"], layer["drifted"]) == (30, 111, 111, 0)


def test_its_gate_runs_and_compares_with_its_record(run: Run, tmp_path: Path) -> None:
    done = run(*PARITY, "gate", "--no-cache", "-n", "1", "--layer", "SoftmaxLayer", "--route", "onnx-onnx2torch")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing got worse in 24 compared results." in done.stdout
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["reports"]


def test_it_shows_the_record(run: Run) -> None:
    here = in_checkout(sys.executable, *PARITY, "record", "show")
    done = run(*PARITY, "record", "show")
    assert (done.returncode, done.stdout) == (0, here.stdout)
    assert "onnx2torch" in done.stdout


def test_it_tells_its_version(run: Run, wheel: Path) -> None:
    version = wheel.name.split("-")[1]
    assert run(*PARITY, "--version").stdout == f"parity, version {version}\n"
    assert version != "0.0"


def test_its_goldens_give_way_to_those_of_the_current_folder(run: Run) -> None:
    code = "from harness.run.session import home; print(home())"
    assert run("-c", code, cwd=ROOT).stdout == f"{ROOT}\n"


def test_its_suites_are_collected_from_anywhere(run: Run) -> None:
    done = run(*SUITES, "--collect-only", "--layer", "ELU", "--route", "keras-tf2onnx")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(":keras-tf2onnx]") == 30


def test_other_tests_are_left_alone(run: Run, tmp_path: Path) -> None:
    """The entry point is read in every run of an environment; no option is added and no results file written."""
    (tmp_path / "test_mine.py").write_text("def test_it(): pass\n")
    done = run("-m", "pytest", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "reports").exists()
    assert "--route" not in run("-m", "pytest", "--help", cwd=tmp_path).stdout
    assert "--route" in run("-m", "pytest", "--pyargs", "harness.suites", "--help", cwd=tmp_path).stdout


def test_its_suites_run_and_write_to_the_current_folder_only(run: Run, site: Path, tmp_path: Path) -> None:
    """In processes of xdist, to each of which the entry point brings the plugin again."""
    before = files(site)
    done = run(*SUITES, "--layer", "SoftmaxLayer", "--route", "onnx-onnx2torch", "-n", "2", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    header, *lines = map(json.loads, (tmp_path / "sub" / "reports" / "results.ndjson").read_text().splitlines())
    assert len([line for line in lines if line.get("case", "").startswith("onnx-SoftmaxLayer-")]) == 24
    assert header["versions"]["parity-suite"] != "not installed"
    assert files(site) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pyproject.toml", "sub"]
