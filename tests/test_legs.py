"""The legs of the matrix hold every version and every pair that meets in one process, and tox.ini has them."""

from __future__ import annotations

import configparser
import re
from itertools import combinations, product
from pathlib import Path

import pytest

from benchmarks.legs import BEGIN, END, MOST, Components, block, contradictions, legs, name_of, requirements, written
from harness.installed import NOT_INSTALLED

ROOT = Path(__file__).parents[1]
KNOWN = Components.read(ROOT / "benchmarks" / "legs.toml")
SMALL = """
components = {a = {1 = ["a==1"], 2 = []}, b = {1 = [], 2 = []}, c = {1 = [], 2 = []}}
together = [{components = ["a", "b"]}]
apart = [{versions = {a = ["1"], b = ["2"]}, reason = "x"}]
"""


@pytest.fixture(scope="module")
def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def found() -> list[dict[str, str]]:
    return legs(KNOWN)


def small(folder: Path, text: str = SMALL) -> Components:
    path = folder / "legs.toml"
    path.write_text(text)
    return Components.read(path)


def test_few_legs_hold_everything(found: list[dict[str, str]]) -> None:
    assert len(found) == MOST
    assert all(KNOWN.allows(leg) for leg in found)
    for name, versions in KNOWN.versions.items():
        assert {leg[name] for leg in found} == set(versions)
    missing = [
        (one, a, other, b)
        for group in KNOWN.together
        for one, other in combinations(group, 2)
        for a, b in product(KNOWN.versions[one], KNOWN.versions[other])
        if KNOWN.allows({one: a, other: b}) and not any((leg[one], leg[other]) == (a, b) for leg in found)
    ]
    assert missing == []


def test_the_first_leg_is_the_newest(found: list[dict[str, str]]) -> None:
    assert name_of(found[0]) == ("py311-keras315-tf221-onnx123-ort131-torch215-onnx2torch1515-onnx2pytorch060")


def test_tox_has_them(tox: configparser.ConfigParser, found: list[dict[str, str]]) -> None:
    assert tox["tox"]["env_list"].split() == [name_of(leg) for leg in found]
    lines = [line for line in tox["testenv"]["deps"].split("\n") if line]
    factors = dict.fromkeys(line.partition(":")[0].partition("-")[0] for line in lines)
    installing = [
        name + version for name, versions in KNOWN.versions.items() for version, texts in versions.items() if texts
    ]
    assert list(factors) == installing
    assert "ort131-!cuda: onnxruntime==1.31.*" in lines  # one overwrites the files of the other
    assert "ort131-cuda: onnxruntime-gpu==1.31.*" in lines
    assert "torch214: torch==2.14.*" in lines


def test_a_small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.legs.STEPS", 1000)
    known = small(tmp_path)
    assert sorted(map(sorted, known.pairs())) == [
        [("a", "1")], [("a", "1"), ("b", "1")], [("a", "2")], [("a", "2"), ("b", "1")], [("a", "2"), ("b", "2")],
        [("b", "1")], [("b", "2")], [("c", "1")], [("c", "2")],
    ]  # fmt: skip
    three = legs(known, 3)
    assert {(leg["a"], leg["b"]) for leg in three} == {("1", "1"), ("2", "1"), ("2", "2")}
    with pytest.raises(ValueError, match="no 2 legs were found that hold all 9 pairs"):
        legs(known, 2)
    assert "a1: a==1" in requirements(known)


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"legs\.toml: b has no version 3"):
        small(tmp_path, SMALL.replace('b = ["2"]', 'b = ["3"]'))


def test_what_stands_around_the_parts_stays(tmp_path: Path) -> None:
    text = f"head\n{BEGIN}\nold\n{END}\nmiddle\n{BEGIN}\n{END}\ntail\n"
    known = small(tmp_path)
    new = written(text, [block(known, [{"a": "1"}]), "second"])
    assert new == f"head\n{BEGIN}\nenv_list =\n    a1\n{END}\nmiddle\nsecond\ntail\n"
    for wrong in (text.replace("tail", BEGIN), "head", text.replace(END, "")):
        with pytest.raises(ValueError, match="has not the marks of 2 parts"):
            written(wrong, ["", ""])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("py313-torch213", []),
        ("py313-pre", []),
        ("oldest", []),
        ("py313-torch213-cuda-tf32", []),
        ("py311-torch213", ["'py311' has Python 3.13"]),
        ("py313-torch214", ["'torch214' wants torch==2.14.*, and has 2.13.0", "'torch214' wants torchvision==0.29.1, "
                            "and has 0.28.0"]),
        ("py313-ort131", ["'ort131' wants onnxruntime==1.31.*, and has not installed"]),
        ("py3133", ["'py3133' is no factor. Nearest: py313, py312, py311."]),
        ("py313-torch999", ["'torch999' is no factor. Nearest: torch215, torch214, torch213."]),
        ("py313-torch212-torch213", ["'torch212' wants torch==2.12.*, and has 2.13.0", "'torch212' wants "
                                     "torchvision==0.27.*, and has 0.28.0"]),
    ],
)  # fmt: skip
def test_an_environment_is_what_its_name_says(name: str, expected: list[str]) -> None:
    here = {"torch": "2.13.0", "torchvision": "0.28.0"}
    assert contradictions(name, KNOWN, "3.13", lambda each: here.get(each, NOT_INSTALLED)) == expected


def test_tox_checks_each_environment(tox: configparser.ConfigParser) -> None:
    assert "python -m benchmarks.legs --check {env_name}" in tox["testenv"]["commands_pre"]
    assert [name for name in tox.sections() if name != "testenv" and "commands_pre" in tox[name]] == [
        "testenv:worker-tf2onnx{1161,1160}"
    ]


def test_every_factor_is_within_what_pyproject_allows() -> None:
    """A leg below a lower bound would never be installed."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    bounds = dict(re.findall(r'"([\w-]+)>=([\d.]+)', text))
    for versions in KNOWN.versions.values():
        for requirement in (each for texts in versions.values() for each in texts):
            name, _, version = requirement.partition("==")
            least = tuple(map(int, bounds[name].split(".")))
            assert (
                tuple(map(int, version.removesuffix(".*").split(".")))[: len(least)] >= least[: version.count(".") + 1]
            ), requirement
