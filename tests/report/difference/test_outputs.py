"""The difference between two runs as text, JSON, Markdown, JUnit and annotations: literal, escaped, bounded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from harness.analysis.difference import Base, Difference, difference
from harness.judge.accepted import Accepted
from harness.report.difference.data import data
from harness.report.difference.github import commands
from harness.report.difference.junit import junit
from harness.report.difference.markdown import MOST, markdown
from harness.report.difference.page import page_of
from harness.report.difference.text import text
from harness.report.difference.words import sentence
from harness.report.page import render
from harness.results.environments import Discrepancy
from tests.two_runs import ROUTE, base, head, result

A, B, C, D = (f"keras-Dense-{name}" for name in ("a1", "b2", "c3", "d4"))
GOOD = ("exact 0", "exact 0.5", "faithful 1")
NASTY = "50% `a` | <b>x</b>, @octocat: see #1\r\nsecond *line* </pre></details> [l](http://x) \x1b[0m"
LOG = 'Traceback\n  File "/w/repo/onnx2torch/node_converters/conv.py", line 42, in _\nValueError: no\n'
ENTRY = Accepted(B, ROUTE, "refused", "we mend it in 1.6", "https://a.b/1", date(2027, 1, 31))


@pytest.fixture
def worse(tmp_path: Path) -> Difference:
    """One regression with a nasty message, one fix, one loss."""
    was = base(
        tmp_path, result(A, *GOOD), result(B, *GOOD), result(C, *GOOD[:2], "refused", message="m"), result(D, *GOOD)
    )
    now = [result(A, *GOOD), result(B, *GOOD[:2], "refused", message=NASTY, log=LOG), result(C, *GOOD)]
    owed = [(case, ROUTE) for case in (A, B, C, D)]
    return difference(
        Base.of("base.ndjson", was),
        head(tmp_path, *now, owed=owed, versions={"onnx2torch": "1.5.16"}),
        across=["onnx2torch"],
    )


@pytest.fixture
def good(tmp_path: Path) -> Difference:
    was = base(tmp_path, result(A, *GOOD), result(C, *GOOD[:2], "refused", message="m"))
    return difference(Base.of("base.ndjson", was), head(tmp_path, result(A, *GOOD), result(C, *GOOD)))


def many(folder: Path, groups: int, each: int) -> Difference:
    """A difference of so many groups with so many regressions each."""
    ids = [(g, f"keras-L{g}-{n:04}") for g in range(groups) for n in range(each)]
    was = base(folder, *(result(case, *GOOD) for _, case in ids))
    words = "abcdefghijklmnopqrstuvwxyz"
    now = [
        result(case, *GOOD[:2], "refused", message=f"no {words[g % 26]}{words[g // 26]} " + "long " * 40)
        for g, case in ids
    ]
    return difference(Base.of("base.ndjson", was), head(folder, *now))


def test_the_sentence_says_what_to_do(worse: Difference, good: Difference) -> None:
    assert sentence(worse) == (
        "1 regression and 1 loss of 1 defect in onnx2torch: look at the first with "
        f"`parity replay {B} --route {ROUTE}`, then mend it or accept it by its id."
    )
    assert sentence(good) == "Nothing got worse in 2 compared results: 1 fixed."


def test_what_is_accepted_is_in_the_sentence(worse: Difference) -> None:
    some = worse.accepting([ENTRY], date(2026, 12, 1))
    assert sentence(some) == (
        f"1 loss: see why {D} has no result on {ROUTE} (the head owes it, and no result came), "
        "then mend it or accept it by its id."
    )
    every = worse.accepting([ENTRY, replace(ENTRY, case=D, outcome="lost")], date(2026, 12, 1))
    assert sentence(every) == "Nothing else got worse in 4 compared results: 1 fixed, 2 worse, but accepted."


def test_a_reason_that_many_entries_give_is_told_once(tmp_path: Path) -> None:
    what = many(tmp_path, 1, 3)
    entries = [replace(ENTRY, case=change.case, outcome="refused") for change in what.changes]
    assert len(entries) == 3
    assert text(what.accepting(entries, date(2026, 12, 1))).count(ENTRY.reason) == 1


def test_the_text_lists_the_environment_first(worse: Difference) -> None:
    lines = text(worse).splitlines()
    assert lines[:2] == [
        "head of 2026-01-03T00:00:00+00:00 beside base.ndjson; 3 cases",
        "  other environment: onnx2torch 1.5.15 -> 1.5.16",
    ]
    assert lines[3] == "1. regression: onnx2torch refused (loud), 1 case, 1 result"
    assert "  before   faithful 1" in lines
    assert "  at       onnx2torch/node_converters/conv.py:42" in lines
    assert f"  replay   parity replay {B} --route {ROUTE}" in lines
    assert lines[-2:] == ["1 same, 1 regression, 1 fixed, 1 lost", sentence(worse)]


def test_the_data_is_strict_json_with_the_documented_keys(worse: Difference) -> None:
    known = json.loads(json.dumps(data(worse), allow_nan=False))
    page = (Path(__file__).resolve().parents[3] / "docs" / "usage.md").read_text()
    assert not [
        key for key in (*known, *known["groups"][0], *known["groups"][0]["changes"][0]) if f"`{key}`" not in page
    ]
    assert (known["passed"], known["compared"], known["answers"]) == (
        False,
        4,
        {"same": 1, "regression": 1, "fixed": 1, "lost": 1},
    )
    assert [(group["answer"], group["fails"], group["file"], group["line"]) for group in known["groups"]] == [
        ("regression", True, "onnx2torch/node_converters/conv.py", 42),
        ("lost", True, None, None),
        ("fixed", False, None, None),
    ]
    assert known["environment"] == [{"name": "onnx2torch", "base": "1.5.15", "head": "1.5.16", "allowed": True}]


def test_the_markdown_shows_a_message_as_it_is_and_calls_nobody(worse: Difference) -> None:
    page = markdown(worse)
    assert "@octocat" not in page
    assert "`a`" not in page
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    shown = "50% `a` | &lt;b&gt;x&lt;/b&gt;, @octocat: see #1 second *line* &lt;/pre&gt;&lt;/details&gt; [l](http://x)"
    assert f"<li>now: <code>refused: {shown}" in rendered
    assert "<b>" not in rendered
    assert "<em>" not in rendered
    assert "href" not in rendered
    assert rendered.count("<details>") == rendered.count("</details>") == 3
    assert f"{B} {ROUTE}: faithful 1 -&gt; refused" in rendered
    assert page.index("| onnx2torch | 1.5.15 | 1.5.16 |") < page.index("### 1.")
    assert page.startswith(
        "## \u274c parity: failed\n\nhead of 2026-01-03T00:00:00+00:00 beside base.ndjson; 3 cases\n"
    )
    assert "\n\n1 regression and 1 loss of 1 defect in onnx2torch: look at" in page
    assert f" with <code>parity replay {B} --route {ROUTE}</code>, then " in page


def test_the_markdown_of_a_good_comparison(good: Difference) -> None:
    assert markdown(good).startswith("## \u2705 parity: passed\n\nhead of ")
    assert "\n\nNothing got worse in 2 compared results: 1 fixed.\n" in markdown(good)


def test_what_is_compared_with_what_is_the_first_line_of_all(good: Difference) -> None:
    """The converter in both versions, and what else differs from the record, with which both were walked."""
    versions = {**good.head.header.versions, "onnx2torch": "1.6.0.dev3", "numpy": "2.4.5"}
    now = replace(good.head, header=replace(good.head.header, versions=versions))
    numpy = Discrepancy("numpy", "2.4.6", "2.4.5")
    beside = replace(
        good,
        head=now,
        base=replace(good.base, name="onnx2torch 1.5.15 (released)", under_test=("onnx2torch",), beside=True),
    )
    line = "onnx2torch 1.6.0.dev3 (installed) beside onnx2torch 1.5.15 (released); 2 cases"
    assert text(beside).splitlines()[0] == data(beside)["title"] == page_of(beside).plain[0] == line
    apart = replace(beside, base=replace(beside.base, apart=(numpy,)))
    both = line.replace(";", ", both with numpy 2.4.5;")
    assert text(apart).splitlines()[0] == both
    assert both.replace("_", "") in markdown(apart).splitlines()[2]
    of_record = replace(beside, base=replace(beside.base, results=None, beside=False))
    assert text(of_record).splitlines()[0] == "onnx2torch 1.6.0.dev3 (installed) beside the record; 2 cases"


def test_the_markdown_fits_and_counts_what_it_leaves_out(tmp_path: Path) -> None:
    what = many(tmp_path, 150, 3)
    assert len(what.groups) == 150
    page = markdown(what)
    assert 40_000 < len(page) <= MOST == 60_000
    shown = page.count("\n### ")
    assert 0 < shown < 150
    assert f"**{150 - shown} more groups** of {3 * (150 - shown)} results did not fit here" in page
    assert page.count("<details>") == page.count("</details>")


def test_a_group_of_thousands_is_shortened(tmp_path: Path) -> None:
    page = markdown(many(tmp_path, 1, 900))
    assert len(page) <= MOST
    assert "and 700 more\n" in page
    assert len(markdown(many(tmp_path, 1, 900), most=8000)) <= 8000


def test_annotations_are_at_the_line_of_the_converter(worse: Difference) -> None:
    first, second, *_ = commands(worse, "/w/repo")
    assert first.startswith(
        "::error file=onnx2torch/node_converters/conv.py,line=42,"
        "title=regression%3A onnx2torch refused (loud)%2C 1 case%2C 1 result::"
    )
    assert "now: refused: 50%25 `a` | <b>x</b>, @octocat: see #1 second" in first
    assert first.endswith(f"%0Areplay: parity replay {B} --route {ROUTE}")
    assert second.startswith(f"::error title=lost%3A {ROUTE}%2C 1 case%2C 1 result::")
    assert not [line for line in commands(worse, "/w/repo") if "\n" in line or "\r" in line]


def test_a_file_outside_the_workspace_is_in_the_message(worse: Difference) -> None:
    first = commands(worse, "/w/other")[0]
    assert first.startswith("::error title=regression")
    assert "::at: onnx2torch/node_converters/conv.py:42%0A" in first


def test_at_most_ten_annotations_of_a_kind(tmp_path: Path) -> None:
    lines = commands(many(tmp_path, 25, 1))
    assert len(lines) == 10
    assert lines[-1] == "::error title=parity::16 more are in the summary of the job"


def test_junit_counts_failures_and_skips_what_is_accepted(worse: Difference) -> None:
    root = ET.fromstring(junit(worse))
    assert {name: root.get(name) for name in ("tests", "failures", "skipped", "errors")} == {
        "tests": "4",
        "failures": "2",
        "skipped": "0",
        "errors": "0",
    }
    failed = {
        each.get("name"): each.find("failure") for each in root.iter("testcase") if each.find("failure") is not None
    }
    assert set(failed) == {B, D}
    assert failed[B].get("message") == "regression: faithful 1 -> refused at onnx2torch"
    assert failed[B].get("type") == "regression"
    assert failed[D].get("type") == "lost"
    some = ET.fromstring(junit(worse.accepting([ENTRY], date(2026, 12, 1))))
    assert (some.get("failures"), some.get("skipped")) == ("1", "1")
    assert [each.get("message") for each in some.iter("skipped")] == ["accepted until 2027-01-31: we mend it in 1.6"]


def test_junit_can_hold_any_character(tmp_path: Path) -> None:
    was = base(tmp_path, result(A, *GOOD))
    now = head(tmp_path, result(A, *GOOD[:2], "crash", message="\x00\x1b\ufffe & <"))
    (failure,) = ET.fromstring(junit(difference(Base.of("b", was), now))).iter("failure")
    assert failure.text is not None
    assert "crash: \ufffd" in failure.text


def test_what_expired_and_what_is_not_needed_is_in_every_output(worse: Difference) -> None:
    idle = replace(ENTRY, case=A, outcome="crash")
    what = worse.accepting([replace(ENTRY, until=date(2026, 1, 1)), idle], date(2026, 12, 1))
    assert what.fails
    for page in (text(what), "\n".join(commands(what)), markdown(what)):
        assert "has expired, and it still happens" in page
        assert "is not needed: it is passed now" in page
    known = data(what)["acceptances"]
    assert [each["case"] for each in known["expired"]] == [B]
    assert [(each["case"], each["now"]) for each in known["not_needed"]] == [(A, "passed")]


def test_the_page_shows_the_heads_results_with_their_answers_to_the_base(worse: Difference) -> None:
    page = page_of(worse)
    first, index = page.first, dict(page.blocks)["index"]
    assert (page.kind, first["verdict"], first["good"], first["sentence"]) == (
        "difference",
        "Worse",
        False,
        sentence(worse),
    )
    counts = {each["name"]: each["count"] for each in first["counts"]}
    assert counts == {"regression": 1, "changed": 0, "lost": 1, "new": 0, "drift": 0, "fixed": 1}
    assert first["base"] == "base.ndjson"
    assert "other environment: onnx2torch 1.5.15 -> 1.5.16" in first["remarks"]
    ids = index["cases"]["id"]
    answers = dict(zip(ids, index["results"]["answer"], strict=True))
    assert answers == {A: 0, B: 1, C: 3}  # same, regression, fixed
    assert dict(zip(ids, index["results"]["judgement"], strict=True)) == {A: 0, B: 2, C: 0}
    assert [(each["answer"], each["unexpected"], each["smallest"]) for each in index["defects"]] == [
        ("regression", 1, B),
        ("lost", 1, D),
        ("fixed", 0, C),
    ]
    assert [each["place"] for each in first["new"]] == [1, 2]
    assert first["new"][0]["at"] == "onnx2torch/node_converters/conv.py:42"
    assert first["new"][0]["before"] == "faithful 1"
    assert dict(zip(ids, index["results"]["defect"], strict=True)) == {A: 0, B: 1, C: 3}
    (recorded,) = [
        each[0]["recorded"]
        for each, case in zip(dict(page_of(worse).blocks)["chunk-0"]["cases"], ids, strict=True)
        if case == B
    ]
    assert recorded == {"stage": 2, "cells": "faithful 1"}


def test_what_is_accepted_does_not_fail_the_page(worse: Difference) -> None:
    some = worse.accepting([ENTRY, replace(ENTRY, case=D, outcome="lost")], date(2026, 12, 1))
    first = page_of(some).first
    assert (first["verdict"], first["new"], first["judgements"]) == (
        "Not worse",
        [],
        {"passed": 2, "expected": 1, "failed": 0},
    )


def test_the_page_is_deaf_to_markup(worse: Difference) -> None:
    text = render(page_of(worse))
    assert NASTY not in text
    assert "<b>x</b>" not in text
