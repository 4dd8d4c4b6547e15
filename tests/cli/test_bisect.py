"""`parity bisect`, of a case, a known deviation and a folder, over the releases of a miniature converter."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

import harness.run.session
from harness.adapters.registry import Registry
from harness.bisection.uv import UvError, program
from harness.cli.main import AGREED, DEVIATIONS, USAGE
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.run.session import Session
from tests.bisection.miniature import commit, release, stand_in
from tests.cli.conftest import Parity
from tests.miniatures import Copies, Doubles, dense_case, registry

RIGHT = "def convert(y): return y"
DOUBLES = "def convert(y): return 2 * y"
RAISES = "def convert(y): raise TypeError('keepdim must be bool')"
PACKAGE = ("--package", "minipkg")
RUN = """
wanted = [np.load(path)["output_0"].astype("float32") for path in HERE.glob("*expected.npz")]
return [model(y) for y in wanted if len(y) == len(inputs["x"])]
"""


def converters() -> Registry:
    """`copies`, which agrees here, and `doubles`, which does not: in a script both are `minipkg.convert`."""
    mini = registry(Copies, Doubles)
    recipe = "import minipkg\nreturn minipkg.convert"
    return replace(
        mini,
        hops=tuple(replace(hop, recipe=recipe, distribution="minipkg") for hop in mini.hops),
        runtimes=tuple(replace(runtime, run_recipe=RUN) for runtime in mini.runtimes),
    )


@pytest.fixture(autouse=True)
def index(parity: Parity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index with NumPy and the releases of the miniature converter, of which 1.12 counts as installed."""
    try:
        program()
    except UvError as error:
        pytest.skip(str(error))
    folder = tmp_path / "index"
    for version, source in (("1.9", RIGHT), ("1.10", RIGHT), ("1.11", DOUBLES), ("1.12", DOUBLES)):
        release(folder, version, source)
    numpy = metadata.distribution("numpy")
    stand_in(folder, "numpy", numpy.version, Path(str(numpy.locate_file(""))))
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(harness.run.session, "installed", converters)
    monkeypatch.setattr("harness.cli.bisect.installed", lambda: {"numpy": numpy.version, "minipkg": "1.12"})
    return folder


def test_a_case_that_deviates_here(parity: Parity, tmp_path: Path) -> None:
    ends = ("--good", "1.9", "--bad", "1.12")
    code, out, err = parity("bisect", dense_case().id, "--route", "mini-doubles", *PACKAGE, *ends)
    assert code == AGREED
    assert out.splitlines()[-1] == "1.11 is the first bad release of minipkg; 1.10 is good."
    assert [line.split()[:3] for line in out.splitlines()[:5]] == [
        ["release", "answer", "seconds"],
        ["1.12", "bad", out.splitlines()[1].split()[2]],
        ["1.9", "good", out.splitlines()[2].split()[2]],
        ["1.10", "good", out.splitlines()[3].split()[2]],
        ["1.11", "bad", out.splitlines()[4].split()[2]],
    ]
    assert "values of output 0 are wrong" in err
    assert "2 releases lie between: about 2 more trials" in err
    assert not list(tmp_path.rglob("reproduce.py"))


def test_the_ends_that_are_not_named(parity: Parity) -> None:
    code, out, _ = parity("bisect", dense_case().id, "--route", "*-doubles", *PACKAGE, "--json")
    answer = json.loads(out)
    assert code == AGREED
    assert answer["answer"] == {"first": "bad", "is": "1.11", "candidates": ["1.11"], "before": "1.10", "beside": []}
    assert [trial["release"] for trial in answer["trials"]] == ["1.12", "1.9", "1.10", "1.11"]


@pytest.mark.parametrize("old", [DOUBLES, RAISES])
def test_a_case_that_agrees_here_and_deviated_in_older_releases(parity: Parity, index: Path, old: str) -> None:
    for version in ("2.8", "2.9", "2.10"):
        release(index, version, RIGHT if version == "2.10" else old)
    ends = ("--bad", "2.8", "--good", "2.10")
    code, out, _ = parity("bisect", dense_case().id, "--route", "*-copies", *PACKAGE, *ends)
    assert (code, out.splitlines()[-1]) == (AGREED, "2.10 is the first good release of minipkg; 2.9 is bad.")


def test_a_known_deviation(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Expectation(
        id="mini-doubles", route="mini-*", layer=("Dense",), outcome=(Outcome.DIVERGENT,), blame=("doubles",),
        versions=("numpy",), reason="", link="", case=dense_case().id,
    )  # fmt: skip
    monkeypatch.setattr(Session, "expectations", [known])
    monkeypatch.setattr(Session, "findings", SimpleNamespace(expectations=[known]))
    code, out, _ = parity("bisect", "--expectation", "mini-doubles", *PACKAGE, "--good", "1.9")
    assert (code, out.splitlines()[-1]) == (AGREED, "1.11 is the first bad release of minipkg; 1.10 is good.")
    code, _, err = parity("bisect", "--expectation", "mini-double", *PACKAGE, "--good", "1.9")
    assert code == USAGE
    assert "no expectation fits 'mini-double'" in err


def test_the_folder_of_a_reproducer_and_environments_that_are_kept(parity: Parity, tmp_path: Path) -> None:
    parity("reproduce", dense_case().id, "--route", "*-doubles", "-o", str(tmp_path / "mine"))
    kept = tmp_path / "kept"
    code, out, _ = parity("bisect", str(tmp_path / "mine"), *PACKAGE, "--versions", "1.9, 1.12", "--keep", str(kept))
    assert (code, out.splitlines()[-1]) == (AGREED, "1.12 is the first bad release of minipkg; 1.9 is good.")
    assert {path.name for path in kept.iterdir() if path.is_dir()} == {"minipkg-1.12", "minipkg-1.9", "reproducer"}
    assert (kept / "reproducer" / "reproduce.py").is_file()


def test_nothing_named(parity: Parity, index: Path) -> None:
    release(index, "1.10.5", "import nosuch")
    code, out, _ = parity("bisect", dense_case().id, "--route", "*-doubles", *PACKAGE, "--good", "1.9")
    assert code == DEVIATIONS
    last = out.splitlines()[-1]
    assert last.startswith("One of 1.10.5, 1.11 is the first bad release of minipkg; 1.10 is good, and 1.10.5 could")


def test_ends_the_wrong_way_round(parity: Parity) -> None:
    ends = ("--good", "1.12", "--bad", "1.9")
    code, out, err = parity("bisect", dense_case().id, "--route", "*-doubles", *PACKAGE, *ends)
    assert (code, out) == (USAGE, "")
    assert "the ends are the wrong way round: 1.9 is good and 1.12 is bad" in err


def test_a_checkout(parity: Parity, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    names = [commit(checkout, f"c{k}", source) for k, source in enumerate((RIGHT, RIGHT, DOUBLES, DOUBLES))]
    options = ("--source", str(checkout), "--good", names[0])
    code, out, _ = parity("bisect", dense_case().id, "--route", "*-doubles", *PACKAGE, *options)
    first = f"{names[2][:12]} (c2) is the first bad commit of minipkg; {names[1][:12]} (c1) is good."
    assert code == AGREED
    assert first in out.splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("keras-Dense",), "give a CASE with its --route, the folder of a reproducer, or --expectation"),
        ((), "give a CASE with its --route, the folder of a reproducer, or --expectation"),
        (("x", "--route", "*", "--expectation", "y"), "give a CASE with its --route"),
        (("x", "--route", "*", "--source", ".", "--pre"), "--versions and --pre are of releases"),
        (("x", "--route", "*", "--source", "."), "--good: a bisection of a checkout needs a good commit"),
        (("x", "--route", "*", "--with", "onnx 1.19"), "'onnx 1.19' is no requirement, such as 'onnx<1.19'"),
        ((".",), "the folder is no reproducer; expected a reproduce.py in it"),
        (("nosuch-case", "--route", "*"), "nosuch-case"),
    ],
)
def test_wrong_use(parity: Parity, words: tuple[str, ...], message: str) -> None:
    code, _, err = parity("bisect", *words, *PACKAGE)
    assert code == USAGE
    assert message in err
