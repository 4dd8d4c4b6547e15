"""Since when a finding is there: the search over releases, and the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks.since import Kind, Plan, Row, kind, page, search, turn
from harness.bisection.search import Trial
from harness.bisection.trials import BisectError, Trials
from harness.judge.findings import load
from harness.reproducer.running import Answer

ROOT = Path(__file__).parents[1]
GOOD, BAD, SKIPPED = Answer.FIXED, Answer.FAILED, Answer.ERROR


@dataclass
class Released:
    """Trials of a package whose releases answer so; the index has all of them."""

    answers: dict[str, Answer]
    package: str = "mini"
    tried: list[Trial] = field(default_factory=list)

    @property
    def uv(self) -> Released:
        return self

    def releases(self, name: str, *, above: str, below: str) -> list[str]:
        assert name == "mini"
        names = list(self.answers)
        return names[names.index(above) + 1 : names.index(below)]

    def release(self, name: str) -> Trial:
        known = next((each for each in self.tried if each.name == name), None)
        if known is None:
            self.tried.append(known := Trial(name, self.answers[name], f"{name} says so"))
        return known


def searched(answers: dict[str, Answer], here: str, listed: list[str]) -> Row:
    row = search(cast("Trials", Released(answers)), here, listed)
    del row["seconds"]
    return row


def test_the_first_bad_release_lies_between_two_listed_ones() -> None:
    answers = {"1.0": GOOD, "1.1": GOOD, "1.1.1": BAD, "1.2": BAD, "1.3": BAD}
    assert searched(answers, "1.3", ["1.0", "1.1", "1.2"]) == {
        "package": "mini", "installed": "1.3", "newest": "1.3", "first_bad": "1.1.1", "trials": 5,
        "before": {"release": "1.1", "answer": "good", "line": "1.1 says so"},
    }  # fmt: skip


def test_what_fails_in_another_way_is_not_called_good() -> None:
    row = searched({"1.0": SKIPPED, "1.1": SKIPPED, "1.2": BAD, "1.3": BAD}, "1.3", ["1.0", "1.2"])
    assert (row["first_bad"], row["before"]["answer"], kind({"finding": "f", **row})) == (
        "1.2",
        "skipped",
        Kind.OTHERWISE,
    )


def test_all_that_is_listed_may_be_bad() -> None:
    row = searched({"1.0": BAD, "1.1": BAD}, "1.1", ["1.0"])
    assert (row["first_bad"], "before" in row, "first_good" in row, kind(row)) == ("1.0", False, False, Kind.ALL)


def test_the_first_good_release_is_newer_than_the_installed_one() -> None:
    answers = {"1.0": BAD, "1.1": BAD, "1.2": BAD, "1.3": GOOD, "1.4": GOOD}
    row = searched(answers, "1.1", ["1.0", "1.4"])
    assert (row["first_bad"], row["first_good"], row["newest"], kind(row)) == ("1.0", "1.3", "1.4", Kind.NAMED)


def test_what_agrees_here_is_not_searched() -> None:
    with pytest.raises(BisectError, match="the installed release does not deviate"):
        searched({"1.0": BAD, "1.1": GOOD}, "1.1", ["1.0"])


@pytest.mark.parametrize(
    ("after", "expected"), [("", ("d", "end")), ("d", ("c", "d")), ("bcd", ("a", "b")), ("abcd", ("", "a"))]
)
def test_turn(after: str, expected: tuple[str, str]) -> None:
    assert turn(list("abcd"), lambda each: each in after, "end") == expected


def test_the_plan_names_findings_and_packages_that_exist() -> None:
    plan = Plan.read(ROOT / "benchmarks" / "since.toml")
    findings = {each.id: each for each in load(ROOT / "golden" / "findings").findings}
    assert plan.packages(findings["onnxruntime-pad-max-pool"]) == ("onnxruntime",)
    assert plan.packages(findings["tf2onnx-transposed-negative-pads"]) == ("onnxruntime", "tensorflow")
    assert all(plan.packages(finding) for finding in findings.values())
    assert {name for finding in findings.values() for name in plan.packages(finding)} == set(plan.releases)


def test_page() -> None:
    rows: list[dict[str, Any]] = [
        {"finding": "c", "package": "p", "problem": "nothing | fits"},
        {"finding": "b", "package": "p", "installed": "2", "newest": "2", "first_bad": "1", "trials": 3, "seconds": 4},
        {"finding": "a", "package": "p", "installed": "2", "newest": "3", "first_bad": "2", "first_good": "3",
         "before": {"release": "1", "answer": "good", "line": "FIXED"}, "trials": 3, "seconds": 4.6},
        {"finding": "0", "package": "p", "installed": "2", "newest": "2", "first_bad": "2",
         "before": {"release": "1", "answer": "skipped", "line": "ERROR: a|b"}, "trials": 3, "seconds": 4.6},
    ]  # fmt: skip
    assert page(rows).splitlines()[-5:] == [
        "|--|--|--|--|--|--:|--:|",
        "| [a](findings.md#a) | p | 2 | 1 is good | 3 | 3 | 5 |",
        "| [0](findings.md#0) | p | 2 | 1 fails otherwise: ERROR: a\\|b | none up to 2 | 3 | 5 |",
        "| [b](findings.md#b) | p | 1, the oldest one tried |  | none up to 2 | 3 | 4 |",
        "| [c](findings.md#c) | p | not searched: nothing \\| fits |  |  |  |  |",
    ]
    assert "1 searches name the first bad" in page(rows)
    assert "in 1 the release\nbefore fails in another way" in page(rows)
    assert "in 1 all releases from the oldest one tried on are bad; 1 could not be made" in page(rows)
