"""A converter of another package has all that ours have: a version in the header, depth, engine, environment, script.

The package is made on the fly: the example's converter with a fault planted in it, which shows only where the
environment that the class declares is there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.adapters.plugin import PluginError
from harness.adapters.registry import describe_foreign
from harness.reproducer.running import run_reproducer
from harness.results.events import PluginNote, check_line
from harness.run.session import Selection, Session
from harness.workers.pool import Setting

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "own_converter" / "dense_to_torch.py"
REFERENCE = "wrong_dense:WrongDense"
FACTS = """
    name = "wrongdense"
    engine = "torch.nn"
    calls = "wrong_dense.WrongDense"
    depth = 2
    behind = (1, 0)
    environment = {"WRONG_DENSE": "1"}
    without = ("keras_of_nobody",)
"""
CASE = "keras-Dense-289d247e3bd1"
"""Dense with GELU, on numbers that tell its approximation."""
METADATA = "Metadata-Version: 2.1\nName: wrong-dense\nVersion: 1.2.3\n"
ENTRY_POINTS = f"[harness.hops]\nwrongdense = {REFERENCE}\n[harness.runtimes]\nbroken = wrong_dense:Nothing\n"


def source() -> str:
    """The example with these facts; GELU becomes its approximation by tanh where the environment says so."""
    text = EXAMPLE.read_text().replace("DenseToTorch", "WrongDense").replace('    name = "densetotorch"\n', FACTS)
    right = 'getattr(torch.nn, after[layers[0]["config"]["activation"]])()'
    assert right in text
    wrong = 'torch.nn.GELU(approximate="tanh") if __import__("os").environ.get("WRONG_DENSE") else ' + right
    return text.replace(right, wrong)


def site(folder: Path, *, metadata: bool = True, entry_points: bool = False) -> Path:
    """A folder that holds the package, as pip would install it, to be put on the path."""
    folder.mkdir()
    (folder / "wrong_dense.py").write_text(source())
    if metadata:
        info = folder / "wrong_dense-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA)
        (info / "RECORD").write_text("wrong_dense.py,,\n")
        if entry_points:
            (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Without an entry point, so that `--hop` must name it."""
    folder = site(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(ROOT))))
    monkeypatch.syspath_prepend(str(folder))
    return folder


def edited(package: Path, before: str, after: str) -> None:
    path = package / "wrong_dense.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_its_distribution_is_found_by_its_module(package: Path) -> None:
    plugin = describe_foreign(REFERENCE, "hops")
    assert (plugin.distribution, plugin.distributions) == ("wrong-dense", ("torch", "h5py", "wrong-dense"))


def test_its_facts_travel_as_plain_data(package: Path) -> None:
    plugin = describe_foreign(REFERENCE, "hops")
    assert (plugin.name, plugin.engine, plugin.depth, plugin.behind) == ("wrongdense", "torch.nn", 2, (1, 0))
    assert (plugin.environment, plugin.without) == ((("WRONG_DENSE", "1"),), ("keras_of_nobody",))
    assert hash(plugin)


def test_a_loose_file_is_of_no_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(tmp_path / "loose", metadata=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(ROOT))))
    assert describe_foreign(REFERENCE, "hops").distribution == ""


def test_a_class_may_name_another_distribution(package: Path) -> None:
    edited(package, "    depth = 2\n", '    depth = 2\n    distribution = "torch"\n')
    plugin = describe_foreign(REFERENCE, "hops")
    assert (plugin.distribution, plugin.origin) == ("torch", "wrong-dense")
    with Session(Selection(hops=(REFERENCE,))) as session:
        assert session.header([], {}, 1).versions["wrong-dense"] == "1.2.3"


def test_a_wrong_fact_is_named_across_processes(package: Path) -> None:
    edited(package, 'requires = ("torch", "h5py")', 'requires = "torch"')
    with pytest.raises(
        PluginError,
        match=r"^wrong_dense:WrongDense, requires: it has a wrong value; expected a tuple of .*, got 'torch'",
    ):
        describe_foreign(REFERENCE, "hops")


def test_the_header_tells_its_version_and_what_is_known_of_it(package: Path) -> None:
    with Session(Selection(route=("keras-wrongdense*",), hops=(REFERENCE,), all_cases=True)) as session:
        header = session.header(["parity"], {}, 1)
        depths = {route.name: route.depth for route in session.routes}
        setting = Setting.of("torch", session.registry.plugins, package)
    assert header.versions["wrong-dense"] == "1.2.3"
    assert check_line(header.to_json()) == ""
    plain = [replace(note, requires=None) for note in header.plugins]
    assert PluginNote("wrongdense", "hop", "torch.nn", "wrongdense", None, "wrong-dense") in plain
    assert PluginNote("keras", "format", "keras", "keras", None, "keras", None) in plain
    assert all(note.requires for note in header.plugins)
    assert "tf2onnx" not in {note.name for note in header.plugins}
    assert depths == {
        "keras-wrongdense": 2,
        "keras-wrongdense-torchonnx": 1,
        "keras-wrongdense-torchonnx-onnx2torch": 0,
        "keras-wrongdense-torchonnx-onnx2pytorch": 0,
        "keras-wrongdense-torchscript": 1,
        "keras-wrongdense-torchscript-onnx2torch": 0,
        "keras-wrongdense-torchscript-onnx2pytorch": 0,
    }
    assert (setting.environment["WRONG_DENSE"], setting.without) == ("1", ("keras_of_nobody",))


def test_versions_of_the_header_are_those_of_today(package: Path) -> None:
    """Whatever this suite's results can depend on, and what the converter brings."""
    with Session(Selection(hops=(REFERENCE,))) as session:
        names = set(session.header([], {}, 1).versions)
    assert names >= {
        "python", "platform", "keras", "tensorflow", "tf2onnx", "onnx", "onnxruntime", "torch", "torchvision",
        "onnx2torch", "onnx2pytorch", "tf-keras", "jax", "onnxscript", "numpy", "scipy", "hypothesis", "pytest",
        "parity-suite", "h5py", "mat-io", "wrong-dense",
    }  # fmt: skip


LISTING = """
import json
from harness.adapters.registry import installed
known = installed()
hop = next(hop for hop in known.hops if hop.name == "wrongdense")
print(json.dumps([hop.distribution, hop.depth, known.problems]))
"""


def test_an_entry_point_says_its_distribution_and_a_broken_one_is_named(tmp_path: Path) -> None:
    folder = site(tmp_path / "site", entry_points=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
    done = subprocess.run([sys.executable, "-c", LISTING], env=environment, capture_output=True, text=True, check=True)
    distribution, depth, problems = json.loads(done.stdout)
    assert (distribution, depth) == ("wrong-dense", 2)
    assert len(problems) == 1
    assert problems[0].startswith("broken: wrong_dense:Nothing: it cannot be imported: ")


@pytest.mark.parametrize("entry_points", [True, False])
def test_its_deviation_becomes_a_script_that_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_points: bool
) -> None:
    with Session() as session:
        if lacking := [part.missing for part in session.registry.formats if part.name == "keras" and part.missing]:
            pytest.skip(lacking[0])
    folder = site(tmp_path / "site", metadata=entry_points, entry_points=entry_points)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(ROOT))))
    out = tmp_path / "out"
    command = ["reproduce", CASE, "--route", "keras-wrongdense", "-o", str(out)]
    command += [] if entry_points else ["--hop", REFERENCE]
    code = "from harness.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    script = (out / "reproduce.py").read_text()
    assert "from wrong_dense import WrongDense\n" in script
    assert "WRONG_DENSE='1'" in script
    assert "harness" not in script
    assert script.startswith('"""wrong-dense 1.2.3: Dense gives wrong numbers' if entry_points else '"""wrong_dense.')
    versions = json.loads((out / "versions.json").read_text())
    assert versions.get("wrong-dense") == ("1.2.3" if entry_points else None)
    monkeypatch.setenv("PYTHONPATH", str(folder))  # the harness is not needed
    answer, last = run_reproducer(out)
    assert (answer, last.partition(" ")[0]) == (1, "DEVIATES:"), last
    script = script.replace("WRONG_DENSE='1'", "WRONG_DENSE=''")
    (out / "reproduce.py").write_text(script)
    assert run_reproducer(out) == (0, "FIXED")
