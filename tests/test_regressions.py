"""The edits of benchmarks/regressions, and the verdicts on them; no framework is started."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec

import pytest

from benchmarks.regressions import Edit, EditError, Told, edits, installed, is_missed, plant
from harness.adapters.registry import installed as registered
from harness.adapters.routes import all_routes
from harness.corpus.store import Store
from harness.outcomes import Outcome
from harness.results.events import Answer, ExpectationNote, Judgement, RecordNote, Result, Stage
from harness.run.session import home

EDITS = edits()
PASSES, DEVIATES, REFUSES = Outcome.FAITHFUL, Outcome.DIVERGENT, Outcome.REFUSED


def edit(**more):
    fields = {
        "id": "one",
        "package": "pack",
        "file": "pack/inner/part.py",
        "find": "a - b",
        "replace": "b - a",
        "what": "",
        "layers": ("Add",),
        "route": "*",
    }
    return Edit(**{**fields, **more})


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "site" / "pack"
    (folder / "inner" / "__pycache__").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "data.txt").write_text("kept")
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "part.py").write_text("c = a - b\n")
    (folder / "inner" / "other.py").write_text("d = 1\n")
    return folder


def test_only_the_edited_file_is_another(package, tmp_path):
    plant(edit(), package, tmp_path / "overlay")
    planted = tmp_path / "overlay" / "pack"
    assert (planted / "inner" / "part.py").read_text() == "c = b - a\n"
    assert sorted(path.name for path in planted.iterdir()) == ["__init__.py", "data.txt", "inner"]
    assert sorted(path.name for path in (planted / "inner").iterdir()) == ["__init__.py", "other.py", "part.py"]
    assert (planted / "inner" / "other.py").resolve() == package / "inner" / "other.py"
    assert (package / "inner" / "part.py").read_text() == "c = a - b\n"


def test_a_release_is_told_by_metadata(package, tmp_path):
    plant(edit(release="9.9.dev0"), package, tmp_path / "overlay")
    metadata = (tmp_path / "overlay" / "pack-9.9.dev0.dist-info" / "METADATA").read_text()
    assert metadata.splitlines()[1:3] == ["Name: pack", "Version: 9.9.dev0"]


def test_this_process_sees_the_release(package, tmp_path, monkeypatch):
    assert edit(release="9.9.dev0").group == ("pack", "one")
    assert edit().group == ("pack", "")
    plant(edit(release="9.9.dev0"), package, tmp_path / "overlay")
    plant(edit(release="9.8"), package, tmp_path / "installed")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"), prepend=os.pathsep)
    code = """
import sys
from importlib.metadata import version
from pathlib import Path
from benchmarks.regressions import Edit, see
from harness.installed import older

see(Edit("one", "pack", "", "", "", "", (), "", release=sys.argv[2]), Path(sys.argv[1]))
print(version("pack"), sorted(older({"pack": "9.8"})), sorted(older({"pack": "9.9.1"})))
"""

    def run(release):
        args = [sys.executable, "-c", code, str(tmp_path / "overlay"), release]
        return subprocess.run(args, cwd=home(), capture_output=True, text=True, check=False)

    assert run("9.9.dev0").stdout.strip() == "9.9.dev0 [] ['pack']"
    assert "this process finds pack 9.9.dev0, expected 9.7" in run("9.7").stderr


@pytest.mark.parametrize(("find", "count"), [("a * b", "0"), ("a", "2")])
def test_an_edit_that_does_not_fit_is_refused(package, tmp_path, find, count):
    (package / "inner" / "part.py").write_text("a = a\n")
    with pytest.raises(EditError, match=f"got {count}"):
        plant(edit(find=find), package, tmp_path / "overlay")


def test_a_file_that_is_gone_is_refused(package, tmp_path):
    with pytest.raises(EditError, match="no such file"):
        plant(edit(file="pack/inner/gone.py"), package, tmp_path / "overlay")


def test_fifteen_regressions_of_each_and_ten_fixes():
    counts = Counter((one.package, one.fix) for one in EDITS if not one.release)
    assert sorted({name for name, _ in counts}) == ["keras", "onnx2pytorch", "onnx2torch", "tf2onnx"]
    assert all(count >= 15 for (_, fix), count in counts.items() if not fix)
    assert sum(one.fix for one in EDITS) >= 10
    assert sorted(one.package for one in EDITS if one.release) == ["keras", "onnx2pytorch", "onnx2torch", "tf2onnx"]


@pytest.mark.parametrize("one", EDITS, ids=lambda one: one.id)
def test_each_edit_fits_the_installed_package(one, tmp_path):
    if find_spec(one.package) is None:
        pytest.skip(f"{one.package} is not installed")
    plant(one, installed(one.package), tmp_path)
    compile((tmp_path / one.file).read_text(), one.file, "exec")
    assert one.find != one.replace
    assert one.what.endswith(".")


def test_each_edit_names_layers_and_routes_that_exist():
    entries = Store(home() / "golden").entries()
    layers, subjects = {entry.subject for entry in entries}, {entry.id: entry.subject for entry in entries}
    routes = {route.name for route in all_routes(registered())}
    for one in EDITS:
        assert all(any(fnmatchcase(layer, glob) for layer in layers) for glob in one.layers), one.id
        assert all(subjects.get(case) in one.layers for case in one.cases), one.id
        assert any(fnmatchcase(route, one.route) for route in routes), one.id


def result(answer, judgement=Judgement.PASSED, *, outcome=PASSES, recorded=None, expectation=None):
    """A result with one stage, which the record has as `recorded`."""
    return Result(
        case="a",
        dialect="keras",
        layer="Add",
        profile="main",
        config={},
        route="r",
        stages=(Stage(artifact="onnx", outcome=outcome, hop="hop"),),
        judgement=judgement,
        answer=answer,
        recorded=None if recorded is None else RecordNote(0, recorded),
        expectation=None if expectation is None else ExpectationNote(expectation, Outcome.REFUSED, ""),
    )


SAME, NEW = result(Answer.SAME), result(Answer.NEW)
REGRESSION = result(Answer.REGRESSION, Judgement.FAILED, outcome=REFUSES, recorded="exact 0")
HIDDEN = result(Answer.REGRESSION, Judgement.EXPECTED, outcome=REFUSES, recorded="exact 0")
FIXED = result(Answer.FIXED, expectation="gone", recorded="refused")
MILDER = result(Answer.CHANGED, Judgement.EXPECTED, outcome=REFUSES, recorded="invalid")
SILENT = result(Answer.CHANGED, Judgement.EXPECTED, outcome=DEVIATES, recorded="refused")
WORSE = result(Answer.CHANGED, Judgement.FAILED, outcome=DEVIATES, recorded="refused")
DRIFT = result(Answer.DRIFT, outcome=Outcome.DRIFT, recorded="faithful 1")


@pytest.mark.parametrize(
    ("results", "verdict", "line"),
    [
        ((SAME, REGRESSION), "told", "2     1     0     0     0     0      1  told"),
        ((REGRESSION, HIDDEN), "MISSED", "2     2     0     0     0     0      1  MISSED"),
        ((WORSE, FIXED), "told", "2     0     1     1     0     0      1  told"),
        ((WORSE, SILENT), "MISSED", "2     0     2     0     0     0      1  MISSED"),
        ((MILDER, FIXED), "changed", "2     0     1     1     0     0      0  changed"),
        ((FIXED, DRIFT), "fixed", "2     0     0     1     1     0      0  fixed"),
        ((SAME, DRIFT), "drift", "2     0     0     0     1     0      0  drift"),
        ((SAME, NEW), "UNRECORDED", "2     0     0     0     0     1      0  UNRECORDED"),
        ((SAME, result(Answer.NEW, Judgement.FAILED)), "told", "2     0     0     0     0     1      1  told"),
        ((SAME, SAME), "INVISIBLE", "2     0     0     0     0     0      0  INVISIBLE"),
    ],
)
def test_the_verdict_and_its_line(results, verdict, line):
    assert Told(edit(), results).verdict == verdict
    assert Told(edit(), results).line.split("one", 1)[1].rsplit(maxsplit=1)[0].strip() == line


def test_what_is_said_to_be_invisible_is_the_same_everywhere():
    claim = edit(invisible="no layer has it")
    assert Told(claim, (SAME, SAME)).verdict == "explained"
    assert Told(claim, (SAME, NEW)).verdict == "UNFOUNDED"
    assert Told(claim, (SAME, REGRESSION)).verdict == "UNFOUNDED"
    assert Told(claim, (HIDDEN,)).verdict == "MISSED"


def test_a_regression_and_a_change_for_the_worse_fail_result_by_result():
    assert [is_missed(each) for each in (SAME, NEW, FIXED, DRIFT, REGRESSION, WORSE, MILDER)] == [False] * 7
    assert [is_missed(each) for each in (HIDDEN, SILENT)] == [True, True]


def test_a_fix_names_the_expectations_that_it_makes_obsolete():
    half = result(Answer.FIXED, expectation="half", recorded="refused")
    still = result(Answer.SAME, Judgement.EXPECTED, outcome=REFUSES, expectation="half")
    told = Told(edit(fix=True), (FIXED, FIXED, half, still, result(Answer.FIXED, recorded="refused")))
    assert told.expectations == ["    gone: 2 fixed; obsolete in these cases", "    half: 1 fixed"]


@dataclass(frozen=True)
class Named:
    """An entry or a route."""

    name: str
    subject: str = "Add"

    @property
    def id(self):
        return self.name


def test_the_first_cases_of_a_layer_are_walked_and_those_that_an_edit_names():
    one, route = edit(cases=("keras-Add-2",), route="keras-*"), Named("keras-hop")
    first, second = Named("keras-Add-1"), Named("keras-Add-2")
    assert [one.walks(first, route, rank=rank, most=8) for rank in (7, 8)] == [True, False]
    assert one.walks(second, route, rank=8, most=8)
    assert one.walks(first, route, rank=8, most=0)
    assert not one.walks(first, Named("weights"), rank=0, most=8)
    assert not one.walks(Named("keras-Sub-1", "Subtract"), route, rank=0, most=8)
