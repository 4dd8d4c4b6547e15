"""Bisection over the releases of a miniature package, in real environments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from harness.bisection.releases import Releases
from harness.bisection.search import Bisection
from harness.bisection.trials import BisectError, Trials
from harness.bisection.uv import Uv, UvError
from tests.bisection.conftest import Lab
from tests.bisection.miniature import BAD, CRASHES, GOOD, OTHER, REFUSES, release


def releases(index: Path, **sources: str) -> None:
    """Releases such as `v1_9=GOOD`."""
    for name, source in sources.items():
        release(index, name[1:].replace("_", "."), source)


def bisect(trials: Trials, **ends: Any) -> Bisection:
    deviates = ends.pop("deviates", True)
    return Releases(**{"good": None, "bad": None, "here": None, **ends}, deviates=deviates).bisection(trials)


def answers(bisection: Bisection) -> list[tuple[str, str]]:
    return [(trial.name, trial.word) for trial in bisection.trials]


def test_the_first_bad_release_in_the_order_of_versions_not_of_texts(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_8=GOOD, v1_9=GOOD, v1_10=BAD, v1_11=BAD, v1_12=BAD)
    told: list[str] = []
    trials = lab(told=told)
    found = bisect(trials, good="1.2", bad="1.12")
    assert found.is_named
    assert found.sentences == ("1.10 is the first bad release of minipkg; 1.9 is good.",)
    assert answers(found) == [("1.12", "bad"), ("1.2", "good"), ("1.9", "good"), ("1.10", "bad")]
    assert [line.partition(" in ")[0] for line in told] == [
        "minipkg 1.12: bad",
        "minipkg 1.2: good",
        "4 releases lie between: about 3 more trials",
        "minipkg 1.9: good",
        "minipkg 1.10: bad",
    ]
    assert all(trial.seconds > 0 for trial in found.trials)
    assert dict(found.trials[0].versions) == {"minidep": "1.0", "minipkg": "1.12"}


def test_the_first_good_release_where_good_is_newer(index: Path, lab: Lab) -> None:
    releases(index, v1_2=BAD, v1_3=BAD, v1_10=GOOD, v1_11=GOOD)
    assert (
        bisect(lab(), good="1.11", bad="1.2").sentences[0] == "1.10 is the first good release of minipkg; 1.3 is bad."
    )


def test_ends_the_wrong_way_round(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3=BAD)
    with pytest.raises(BisectError) as caught:
        bisect(lab(), good="1.3", bad="1.2")
    assert str(caught.value) == (
        "--good, --bad: the ends are the wrong way round: 1.2 is good and 1.3 is bad; got 1.3: DEVIATES: 2.0. "
        "Call again with --good 1.2 --bad 1.3"
    )


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        (
            {"v1_2": BAD, "v1_3": BAD},
            "--good: the good release of minipkg, 1.2, is bad; expected FIXED from the script",
        ),
        ({"v1_2": GOOD, "v1_3": GOOD}, "--bad: the bad release of minipkg, 1.3, is good; expected DEVIATES"),
        (
            {"v1_2": "import nosuch", "v1_3": BAD},
            "--good: the good release of minipkg, 1.2, cannot be tried; got ERROR",
        ),
        ({"v1_3": BAD}, "--good: the good release of minipkg, 1.2, cannot be tried; got cannot be installed with"),
    ],
)
def test_an_end_that_does_not_answer_as_told(index: Path, lab: Lab, sources: dict[str, str], problem: str) -> None:
    releases(index, **sources)
    with pytest.raises(BisectError) as caught:
        bisect(lab(), good="1.2", bad="1.3")
    assert str(caught.value).startswith(problem)


def test_the_same_release_twice(lab: Lab) -> None:
    with pytest.raises(BisectError, match="the good and the bad release are the same"):
        bisect(lab(), good="1.2", bad="1.2.0")


def test_what_cannot_be_tried_is_skipped_with_the_reason(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3=GOOD, v1_5=CRASHES, v1_6="import nosuch", v1_7=BAD, v1_8=BAD)
    release(index, "1.4", GOOD, requires="minidep>=5")
    found = bisect(lab(), good="1.2", bad="1.8")
    assert not found.is_named
    assert found.sentences == (
        "One of 1.4, 1.5, 1.6, 1.7 is the first bad release of minipkg; 1.3 is good, and 1.4, 1.5, 1.6 could not be "
        "tried.",
    )
    lines = {trial.name: trial.line for trial in found.trials if trial.word == "skipped"}
    assert lines["1.4"].startswith("cannot be installed with the rest: ")
    assert "minidep>=5" in lines["1.4"]
    assert lines["1.5"] == "it printed nothing"
    assert lines["1.6"] == "ERROR: No module named 'nosuch'"
    assert found.turn is not None
    assert found.turn.between[0].versions == {}


def test_another_exception_than_that_of_the_bad_end_is_no_answer(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3=OTHER, v1_4=REFUSES, v1_5=REFUSES)
    found = bisect(lab(), good="1.2", bad="1.5")
    assert found.turn is not None
    assert found.turn.candidates == ("1.3", "1.4")
    assert found.turn.between[0].line == "another exception: OSError: disk full"


def test_what_changes_beside_the_package_is_told(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3=GOOD)
    release(index, "1.4", BAD, requires="minidep<1")
    found = bisect(lab(), good="1.2", bad="1.4")
    assert found.sentences == (
        "1.4 is the first bad release of minipkg; 1.3 is good.",
        "Not only minipkg changed from 1.3 to 1.4: minidep 1.0 -> 0.9 (older).",
    )
    rows = found.rows({"minidep": "1.0"})
    assert [row["otherwise than here"] for row in rows] == [["minidep 1.0 -> 0.9 (older)"], [], []]


def test_another_distribution_that_brings_the_same_module(index: Path, lab: Lab) -> None:
    """As tensorflow 2.21 with keras-nightly does, where a release of Keras is too old for it."""
    releases(index, v1_2=GOOD, v1_3=BAD, v1_5=BAD)
    release(index, "7.0", GOOD, name="nightly", module="minipkg")
    release(index, "1.4", BAD, requires="nightly")
    found = bisect(lab(), good="1.2", bad="1.5", versions=("1.4",))
    assert found.turn is not None
    assert found.turn.candidates == ("1.4", "1.5")
    assert found.turn.between[0].line == (
        "cannot be installed with the rest: nightly, which the rest needs, brings files of minipkg"
    )


def test_other_packages_keep_the_installed_versions(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3=BAD)
    found = bisect(lab(minidep="0.9"), good="1.2", bad="1.3")
    assert {trial.versions["minidep"] for trial in found.trials} == {"0.9"}
    found = bisect(lab(minidep="0.8"), good="1.2", bad="1.3")  # which there is no more: the newest
    assert {trial.versions["minidep"] for trial in found.trials} == {"1.0"}


def test_other_packages_are_held_to_limits(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3=BAD)
    trials = lab()
    trials.limits = ("minidep<1",)
    found = bisect(trials, good="1.2", bad="1.3")
    assert {trial.versions["minidep"] for trial in found.trials} == {"0.9"}


def test_a_pre_release_of_another_package_is_not_taken_to_make_things_fit(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_4=BAD)
    release(index, "2.0rc1", "", name="minidep")
    release(index, "1.3", BAD, requires="minidep>=2.0.dev0")
    found = bisect(lab(), good="1.2", bad="1.4", versions=("1.3",))
    assert found.turn is not None
    assert found.turn.candidates == ("1.3", "1.4")
    assert found.turn.between[0].line.startswith("cannot be installed with the rest: ")


def test_the_installed_version_is_the_bad_one_and_the_oldest_that_answers_the_good_one(index: Path, lab: Lab) -> None:
    releases(index, v0_1="import nosuch", v0_2=CRASHES, v1_2=GOOD, v1_3=BAD, v1_4=BAD, v1_5=GOOD)
    found = bisect(lab(), here="1.4+cpu")
    assert found.sentences == ("1.3 is the first bad release of minipkg; 1.2 is good.",)
    assert [name for name, _ in answers(found)] == ["1.4", "0.1", "1.2", "0.2", "1.3"]


def test_releases_that_cannot_be_tried_are_not_tried_one_after_the_other(index: Path, lab: Lab) -> None:
    silent = {f"v0_{number}": "import nosuch" for number in range(1, 7)}
    releases(index, **silent, v1_0=GOOD, v1_1=BAD, v1_2=BAD)
    found = bisect(lab(), here="1.2")
    assert found.sentences == ("1.1 is the first bad release of minipkg; 1.0 is good.",)
    assert [name for name, word in answers(found) if word == "skipped"] == ["0.1", "0.5", "0.6"]


def test_the_installed_version_is_the_good_one_where_the_case_agrees(index: Path, lab: Lab) -> None:
    releases(index, v1_2=BAD, v1_3=BAD, v1_4=GOOD, v1_5=GOOD)
    for bad in ("1.2", None):
        found = bisect(lab(), bad=bad, here="1.5", deviates=False)
        assert found.sentences == ("1.4 is the first good release of minipkg; 1.3 is bad.",)


def test_it_was_ever_so(index: Path, lab: Lab) -> None:
    releases(index, v0_1="import nosuch", v1_2=BAD, v1_3=GOOD, v1_4=BAD)
    found = bisect(lab(), bad="1.4")
    assert not found.is_named
    assert found.sentences == (
        "1.2, the oldest release of minipkg that can be tried (1 older could not), is bad, and so is 1.4: if it was "
        "ever otherwise between, name that release.",
    )


def test_nothing_older_can_be_tried(index: Path, lab: Lab) -> None:
    releases(index, v0_1="import nosuch", v1_4=BAD)
    with pytest.raises(BisectError, match=r"no release of minipkg older than 1.4 can be tried; got ERROR: No module"):
        bisect(lab(), bad="1.4")
    release(index, "0.0.1", BAD)
    with pytest.raises(BisectError, match=r"older than 0.0.1 can be tried; got no older release. Name one, or another"):
        bisect(lab(), bad="0.0.1")


def test_no_end_at_all(lab: Lab) -> None:
    with pytest.raises(BisectError, match="--bad: minipkg is not installed here; expected a release"):
        bisect(lab())


def test_named_versions_only(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3=GOOD, v1_4=BAD, v1_5=BAD, v1_10=BAD)
    found = bisect(lab(), good="1.2", bad="1.10", versions=("1.10", "1.5", "1.2", "1.3"))
    assert found.sentences == ("1.5 is the first bad release of minipkg; 1.3 is good.",)


def test_pre_releases_only_if_asked_for(index: Path, lab: Lab) -> None:
    releases(index, v1_2=GOOD, v1_3rc1=BAD, v1_3=BAD)
    assert bisect(lab(), good="1.2", bad="1.3").sentences[0].startswith("1.3 is the first bad")
    assert bisect(lab(), good="1.2", bad="1.3", pre=True).sentences[0].startswith("1.3rc1 is the first bad")


@pytest.mark.parametrize("option", ["good", "bad", "versions"])
def test_a_text_that_is_no_version(lab: Lab, option: str) -> None:
    value: Any = ("v-two",) if option == "versions" else "v-two"
    with pytest.raises(BisectError) as caught:
        bisect(lab(), **{option: value})
    assert str(caught.value) == (
        f"--{option}: it is no version of a release; expected one such as 1.5.15, got 'v-two'. A tag or a commit needs "
        "--source"
    )


def test_a_package_that_the_script_does_not_use(lab: Lab) -> None:
    with pytest.raises(BisectError) as caught:
        lab(package="minipgk")
    assert str(caught.value) == (
        "--package: the script does not use minipgk; expected one of minidep, minipkg, or what these require, got "
        "minipgk. Nearest: minipkg, minidep. The script starts from the artifact before the converter at fault: for "
        "one in front of it, take a shorter --route"
    )


def test_one_environment_serves_all_and_kept_ones_are_apart(index: Path, lab: Lab, tmp_path: Path) -> None:
    releases(index, v1_2=GOOD, v1_3=BAD)
    bisect(lab(), good="1.2", bad="1.3")
    assert sorted(path.name for path in (tmp_path / "lab").iterdir()) == ["environment", "environment.txt"]
    bisect(lab(keep=True), good="1.2", bad="1.3")
    for version in ("1.2", "1.3"):
        assert list((tmp_path / "lab" / f"minipkg-{version}").rglob(f"minipkg-{version}.dist-info"))


def test_files_are_shared_with_the_cache(index: Path, lab: Lab, tmp_path: Path) -> None:
    releases(index, v1_2=GOOD, v1_3=BAD)
    bisect(lab(), good="1.2", bad="1.3")
    module = next((tmp_path / "lab" / "environment").rglob("minipkg.py"))
    assert module.stat().st_nlink > 1 or os.environ.get("UV_LINK_MODE", "hardlink") != "hardlink"


def test_what_is_on_the_path_here_does_not_count_there(
    index: Path, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases(index, v1_2=GOOD, v1_3=BAD)
    (tmp_path / "minipkg.py").write_text("def answer(): return 1.0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert bisect(lab(), good="1.2", bad="1.3").is_named


def test_a_list_that_uv_cannot_make(lab: Lab) -> None:
    with pytest.raises(UvError, match=r"nosuch: uv cannot list the releases: .*was not found"):
        lab().uv.releases("nosuch", above=None, below="2")


def test_there_is_no_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("harness.bisection.uv.find_spec", lambda name: None)
    with pytest.raises(UvError) as caught:
        Uv.here(tmp_path)
    assert str(caught.value) == (
        "there is no uv, which makes the environments; expected `uv` on the PATH, or `python -m uv`. "
        "`python -m pip install uv` brings it"
    )
