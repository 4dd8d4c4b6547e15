"""Suspects: by which versions good and bad legs part, among legs that differ in everything at once."""

from __future__ import annotations

from pathlib import Path

from harness.analysis.legs import Leg, State
from harness.analysis.suspects import Suspect, suspects, words
from tests.legs import GOOD, A, leg
from tests.two_runs import result

STATES = {"g": State.GOOD, "b": State.BAD, "-": State.NOT_RUN, "?": State.BLOCKED}


def of(folder: Path, *legs: tuple[str, str, str]) -> tuple[Suspect, ...]:
    """The suspects of legs with a version of onnx2torch, one of torch, and a state."""
    several: list[tuple[Leg, State]] = [
        (leg(folder, str(n), result(A, *GOOD), onnx2torch=one, versions={"torch": other}), STATES[state])
        for n, (one, other, state) in enumerate(legs)
    ]
    return suspects(several, ("onnx2torch", "torch"))


def test_one_component_parts_good_from_bad(tmp_path: Path) -> None:
    what = of(
        tmp_path, ("1.5.9", "2.15", "b"), ("1.5.10", "2.13", "g"), ("1.5.11", "2.15", "g"), ("1.5.8", "2.13", "b")
    )
    assert what == (Suspect("onnx2torch", "1.5.9", "1.5.10", is_good=True),)
    assert words(what) == "goes with onnx2torch (bad up to 1.5.9, good from 1.5.10), not compared one by one"


def test_newer_may_be_bad(tmp_path: Path) -> None:
    what = of(tmp_path, ("1.5.10", "2.9", "g"), ("1.5.9", "2.15", "b"), ("1.5.11", "2.10", "b"))
    assert what == (Suspect("torch", "2.9", "2.10", is_good=False),)


def test_several_part_them_and_nothing_tells_which(tmp_path: Path) -> None:
    what = of(tmp_path, ("1.5.9", "2.9", "b"), ("1.5.10", "2.10", "g"))
    assert words(what) == (
        "goes with onnx2torch (bad up to 1.5.9, good from 1.5.10) or torch (bad up to 2.9, good from 2.10); "
        "too few legs to tell which, not compared one by one"
    )


def test_a_version_that_is_good_here_and_bad_there_is_no_suspect(tmp_path: Path) -> None:
    assert of(tmp_path, ("1.5.9", "2.9", "b"), ("1.5.9", "2.9", "g")) == ()
    assert of(tmp_path, ("1.5.9", "2.9", "b"), ("1.5.10", "2.9", "g"), ("1.5.11", "2.9", "b")) == ()


def test_what_is_not_known_is_no_evidence(tmp_path: Path) -> None:
    assert of(tmp_path, ("1.5.9", "2.9", "b"), ("1.5.10", "2.10", "-"), ("1.5.11", "2.11", "?")) == ()
    assert of(tmp_path, ("1.5.9", "2.9", "g"), ("1.5.10", "2.10", "g")) == ()
    what = of(tmp_path, ("1.5.9", "2.9", "-"), ("1.5.10", "2.9", "b"), ("1.5.8", "2.9", "?"), ("1.5.11", "2.9", "g"))
    assert what == (Suspect("onnx2torch", "1.5.10", "1.5.11", is_good=True),)


def test_versions_without_an_order_are_no_suspects(tmp_path: Path) -> None:
    assert of(tmp_path, ("a", "2.9", "b"), ("b", "2.9", "g")) == ()
