"""What has changed in a converter and no case enters is told by the gate, and is not called "nothing got worse"."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.gates import RESULTS, ROUTE, Parity, fill, results
from tests.small_converter import record, small_world, write

NODES = Path("smallconv/nodes.py")
BETTER = "Nothing got worse in 3 compared results.\n"
UNTRIED = "Nothing that was tried got worse in 3 compared results; 1 changed function of smallconv was not tried.\n"
PRELU = "smallconv/nodes.py: prelu (line 6) differs from smallconv 1.0; no selected case enters it"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with goldens, the released converter, and its record."""
    folder = tmp_path_factory.mktemp("prepared")
    fill(folder)
    package = write(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter(folder, monkeypatch)
        parity = Parity(monkeypatch).over(small_world)
        parity.record()
        shutil.rmtree("reports")
    record(package, folder / "golden" / "record")
    return folder


@pytest.fixture
def parity(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Parity:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    enter(tmp_path, monkeypatch)
    return Parity(monkeypatch, capsys).over(small_world)


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{Path(__file__).resolve().parents[2]}")


def edit(right: str, wrong: str, path: Path = NODES) -> None:
    text = path.read_text()
    assert text.count(right) == 1
    path.write_text(text.replace(right, wrong))


def test_the_release(parity: Parity) -> None:
    code, out = parity.gate()
    assert (code, BETTER in out, "not tried" in out) == (0, True, False)


def test_a_bug_where_no_case_comes(parity: Parity) -> None:
    """The bug is inside a function of the function."""
    edit("0.5", "0.25")
    code, out = parity.gate("--markdown", "m.md", "--junit", "j.xml", "--github", "-o", "page.html")
    assert (code, UNTRIED in out, PRELU in out) == (0, True, True)
    assert "::warning file=smallconv/nodes.py,line=6,title=not tried::" not in out  # it is in no checkout
    assert f"::warning title=not tried::{PRELU}\n" in out
    assert all(UNTRIED.strip() in Path(path).read_text() for path in ("m.md", "page.html"))
    assert "- not tried: smallconv/nodes.py: prelu (line 6)" in Path("m.md").read_text()
    assert '<testcase name="prelu" classname="smallconv/nodes.py"><skipped' in Path("j.xml").read_text()


def test_its_place_in_a_checkout(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    edit("0.5", "0.25")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(Path.cwd()))
    assert "::warning file=smallconv/nodes.py,line=6,title=not tried::" in parity.gate("--github")[1]


def test_as_data(parity: Parity) -> None:
    edit("0.5", "0.25")
    code, out = parity.gate("--json")
    told = json.loads(out[out.index("{") :])["untried"]
    assert code == 0
    assert [(each["distribution"], each["release"], each["name"], each["line"]) for each in told] == [
        ("smallconv", "1.0", "prelu", 6)
    ]


def test_a_bug_that_shows_nothing_where_cases_come(parity: Parity) -> None:
    """In a function that is called, and in one that is called when its module is imported."""
    edit("    return out", "    unused = 1\n    return out")
    edit("def dense", "def registered(function):\n    return function\n\n\n@registered\ndef dense")
    code, out = parity.gate()
    assert (code, BETTER in out, "not tried" in out) == (0, True, False)
    head = results()
    assert {each.name for each in head.header.changed} == {"<module>", "registered", "dense"}
    assert all(set(each.entered) == {one.digest for one in head.header.changed} for each in head.results)


def test_what_is_no_change(parity: Parity) -> None:
    edit("# what every case needs", "# other words")
    edit("    def slope():\n", '    """About it."""\n\n    def slope():  # a comment\n')
    assert BETTER in parity.gate()[1]
    assert results().header.changed == ()


def test_a_file_that_nobody_imports(parity: Parity) -> None:
    """It stands for its functions. One that cannot be parsed is told, too."""
    Path("smallconv/lost.py").write_text("def a():\n    pass\n\n\ndef b():\n    pass\n")
    Path("smallconv/broken.py").write_text("def a(:\n")
    code, out = parity.gate()
    assert (code, "; 2 changed files of smallconv were not tried." in out) == (0, True)
    assert "smallconv/lost.py differs from smallconv 1.0; no selected case imports it" in out


def test_what_is_gone(parity: Parity) -> None:
    """No case can enter it. The code that is left says nothing of it: every case imports its file."""
    text = NODES.read_text()
    NODES.write_text(text[: text.index("def prelu")])
    code, out = parity.gate("--github", "--junit", "j.xml")
    gone = "smallconv/nodes.py: prelu of smallconv 1.0 is gone; no case can enter it"
    assert (code, out.count(gone), "differs from" in out) == (0, 2, False)
    assert "; 1 removed function of smallconv was not tried." in out
    assert "the record does not say which cases entered it" in out
    assert "Other routes may enter" not in out
    assert f"::warning title=not tried::{gone}\n" in out
    assert '<testcase name="prelu" classname="smallconv/nodes.py"><skipped' in Path("j.xml").read_text()
    shutil.move(RESULTS, "main.ndjson")
    assert BETTER in parity.gate("--baseline", "main.ndjson")[1]


def test_a_renamed_function(parity: Parity) -> None:
    """The same code is told once."""
    edit("def prelu", "def leaky")
    code, out = parity.gate()
    assert (code, out.count("not tried: "), "is gone" in out) == (0, 1, False)
    assert "smallconv/nodes.py: leaky (line 6) differs from smallconv 1.0" in out


def test_what_the_baseline_has_like_this(parity: Parity) -> None:
    """A branch is held to main, whose changes since the release are not the branch's."""
    edit("0.5", "0.25")
    assert parity.gate()[0] == 0
    shutil.move(RESULTS, "main.ndjson")
    code, out = parity.gate("--baseline", "main.ndjson")
    assert (code, BETTER in out) == (0, True)
    edit("0.25", "0.125")
    code, out = parity.gate("--baseline", "main.ndjson")
    assert (code, UNTRIED in out) == (0, True)


def test_shards_that_are_joined(parity: Parity) -> None:
    """The verdict is given where the converter may not be installed."""
    edit("0.5", "0.25")
    for number in (1, 2):
        assert parity.gate("--shard", f"{number}/2", "--results", f"{number}.ndjson")[0] == 0
    assert parity("merge", "1.ndjson", "2.ndjson", "-o", "whole.ndjson")[0] == 0
    shutil.rmtree("smallconv")
    code, out = parity("diff", "recorded", "whole.ndjson")
    assert (code, UNTRIED in out, PRELU in out) == (0, True, True)


def test_shards_of_two_working_copies(parity: Parity) -> None:
    assert parity.gate("--shard", "1/2", "--results", "1.ndjson")[0] == 0
    edit("0.5", "0.25")
    assert parity.gate("--shard", "2/2", "--results", "2.ndjson")[0] == 0
    code, out = parity("merge", "1.ndjson", "2.ndjson", "-o", "whole.ndjson")
    assert (code, "their changed functions differ" in out) == (2, True)


def test_beside_a_regression(parity: Parity) -> None:
    edit("0.5", "0.25")
    edit("    return out", "    raise NotImplementedError('no dense')")
    code, out = parity.gate()
    assert (code, "3 regressions" in out, PRELU in out) == (1, True, True)


def test_what_is_kept(parity: Parity, cache: Path) -> None:
    """A run that takes its steps from an earlier one knows what they entered; where that one did not ask, it asks."""
    edit("    return out", "    unused = 1\n    return out")
    shutil.move("golden/record/functions", "aside")
    assert marks(parity) == (False, False, False)
    shutil.move("aside", "golden/record/functions")
    for kept in ((True, True, False), (True, True, True)):
        assert marks(parity) == kept
        assert all(each.entered for each in results().results)


def marks(parity: Parity) -> tuple[bool, ...]:
    """Which stages a green gate took from earlier runs, the same for all cases."""
    code, out = parity("gate", "-n", "1", "--route", ROUTE)
    assert (code, BETTER in out) == (0, True)
    (told,) = {tuple(stage.kept for stage in each.stages) for each in results().results}
    return told


def test_damaged_functions_on_record(parity: Parity) -> None:
    Path("golden/record/functions/smallconv.json").write_text("{}")
    code, out = parity.gate()
    assert (code, "it holds no functions of a release" in out) == (2, True)
