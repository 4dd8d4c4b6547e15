"""The edits of benchmarks/regressions, and how their results are compared with the record; no framework is started."""

from collections import Counter
from fnmatch import fnmatchcase
from importlib.util import find_spec

import pytest

from benchmarks.regressions import Change, Edit, EditError, Told, change, change_of, edits, installed, plant, stages
from harness.adapters.registry import installed as registered
from harness.adapters.routes import all_routes
from harness.corpus.store import Store
from harness.outcomes import Metrics, Outcome
from harness.results.events import ExpectationNote, Judgement, Result, Stage
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


@pytest.mark.parametrize(("find", "count"), [("a * b", "0"), ("a", "2")])
def test_an_edit_that_does_not_fit_is_refused(package, tmp_path, find, count):
    (package / "inner" / "part.py").write_text("a = a\n")
    with pytest.raises(EditError, match=f"got {count}"):
        plant(edit(find=find), package, tmp_path / "overlay")


def test_a_file_that_is_gone_is_refused(package, tmp_path):
    with pytest.raises(EditError, match="no such file"):
        plant(edit(file="pack/inner/gone.py"), package, tmp_path / "overlay")


def test_fifteen_regressions_of_each_and_ten_fixes():
    counts = Counter((one.package, one.fix) for one in EDITS)
    assert sorted({name for name, _ in counts}) == ["keras", "onnx2pytorch", "onnx2torch", "tf2onnx"]
    assert all(count >= 15 for (_, fix), count in counts.items() if not fix)
    assert sum(one.fix for one in EDITS) >= 10


@pytest.mark.parametrize("one", EDITS, ids=lambda one: one.id)
def test_each_edit_fits_the_installed_package(one, tmp_path):
    if find_spec(one.package) is None:
        pytest.skip(f"{one.package} is not installed")
    plant(one, installed(one.package), tmp_path)
    compile((tmp_path / one.file).read_text(), one.file, "exec")
    assert one.find != one.replace
    assert one.what.endswith(".")


def test_each_edit_names_layers_and_routes_that_exist():
    layers = {entry.subject for entry in Store(home() / "golden").entries()}
    routes = {route.name for route in all_routes(registered())}
    for one in EDITS:
        assert all(any(fnmatchcase(layer, glob) for layer in layers) for glob in one.layers), one.id
        assert any(fnmatchcase(route, one.route) for route in routes), one.id


def stage(outcome, units=None, hop=None):
    return Stage(artifact="keras" if hop is None else "onnx", outcome=outcome, hop=hop, metrics=Metrics(units=units))


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        ((PASSES, 2.0), (DEVIATES, 900.0), Change.REGRESSION),
        ((DEVIATES, 900.0), (PASSES, 2.0), Change.FIXED),
        ((DEVIATES, 900.0), (REFUSES, None), Change.CHANGED),
        ((DEVIATES, 900.0), (DEVIATES, 3601.0), Change.CHANGED),
        ((DEVIATES, 900.0), (DEVIATES, 3600.0), Change.SAME),
        ((DEVIATES, 900.0), (DEVIATES, 224.0), Change.CHANGED),
        ((DEVIATES, 900.0), (DEVIATES, 225.0), Change.SAME),
        ((REFUSES, None), (REFUSES, None), Change.SAME),
        ((PASSES, 2.0), (PASSES, 8.1), Change.DRIFT),
        ((PASSES, 2.0), (PASSES, 8.0), Change.SAME),
        ((PASSES, 0.1), (PASSES, 1.0), Change.SAME),
    ],
)
def test_what_became_of_a_stage(was, now, kind):
    assert change(stage(*was), stage(*now)) is kind


def result(*after, case="a", judgement=Judgement.PASSED, expectation=None):
    """A result whose source agrees; `after` are outcomes of the stages behind it."""
    behind = [stage(outcome, hop=f"hop{number}") for number, outcome in enumerate(after, 1)]
    note = None if expectation is None else ExpectationNote(expectation, Outcome.REFUSED, "")
    return Result(
        case=case,
        dialect="keras",
        layer="Add",
        profile="main",
        config={},
        route="r",
        stages=(stage(Outcome.EXACT), *behind),
        judgement=judgement,
        expectation=note,
    )


def test_a_result_counts_with_its_worst_stage():
    record = stages([result(REFUSES), result(DEVIATES, PASSES, case="b")])
    assert change_of(result(REFUSES), record) is Change.SAME
    assert change_of(result(PASSES, PASSES), record) is Change.FIXED
    assert change_of(result(PASSES, DEVIATES), record) is Change.CHANGED  # the stage behind was never reached
    assert change_of(result(PASSES, REFUSES, case="b"), record) is Change.REGRESSION  # one mended, one broken
    assert change_of(result(REFUSES, case="unknown"), record) is Change.SAME


def told(now, before, **more):
    return Told.of(edit(**more), now, {item.key: item for item in before}, 1.0)


def test_a_change_that_fails_no_result_is_missed():
    before = [result(PASSES)]
    assert told([result(REFUSES, judgement=Judgement.EXPECTED)], before).verdict == "MISSED"
    assert told([result(REFUSES, judgement=Judgement.FAILED)], before).verdict == "told"
    assert told([result(PASSES)], before).verdict == "INVISIBLE"
    assert told([result(PASSES)], [result(REFUSES)]).verdict == "fixed"
    assert told([result(PASSES, DEVIATES)], [result(REFUSES)]).verdict == "MISSED"
    assert told([result(PASSES)], before, invisible="no layer has it").verdict == "explained"


def test_a_result_that_failed_before_tells_nothing():
    before = [result(DEVIATES, judgement=Judgement.FAILED)]
    assert told([result(REFUSES, judgement=Judgement.FAILED)], before).verdict == "MISSED"


def test_a_fix_names_the_expectations_that_it_makes_obsolete():
    before = [
        result(REFUSES, case="a", expectation="gone"),
        result(REFUSES, case="b", expectation="half"),
        result(REFUSES, case="c", expectation="half"),
    ]
    now = [result(PASSES, case="a"), result(PASSES, case="b"), result(REFUSES, case="c")]
    assert told(now, before, fix=True).expectations == [
        "    gone: 1 pass, 0 deviate still; obsolete in these layers",
        "    half: 1 pass, 1 deviate still",
    ]
