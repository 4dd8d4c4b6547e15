"""The first screen: verdict, counts, shares of routes, what is whole; and the same in Markdown."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from markdown_it import MarkdownIt

from harness.judge import compare
from harness.outcomes import Outcome
from harness.report import legend, trackers
from harness.report.markdown import markdown
from harness.report.run import page_of, summary_of
from harness.report.summary import Summary
from harness.results.events import Answer, ExpectationNote, Footer, Judgement, Owed
from tests.report.runs import EVIL, HEADER, ROUTE, ROUTES, result, run, sample


def test_main_routes_come_first_with_the_share_that_agrees() -> None:
    known = [
        (each.route, each.main, each.results, each.agree, each.failed, each.expected, each.share)
        for each in summary_of(sample()).routes
    ]
    assert known == [
        (ROUTE, True, 59, 51, 4, 4, "86.4 %"),
        ("keras-tf2onnx", True, 54, 54, 0, 0, "100.0 %"),
        ("keras-side", False, 1, 1, 0, 0, "100.0 %"),
    ]


def test_a_route_is_main_for_its_own_kind_of_source() -> None:
    rows = [result(f"k{place}") for place in range(5)] + [result(f"s{place}", route="keras-side") for place in range(2)]
    rows.append(result("m", dialect="matlab", route="matlab-x"))
    assert [(each.route, each.main) for each in summary_of(run(*rows)).routes] == [
        (ROUTE, True),
        ("matlab-x", True),
        ("keras-side", False),
    ]


def test_a_share_below_all_never_reads_as_all() -> None:
    rows = [result(f"k{place}", Outcome.DIVERGENT if place == 0 else Outcome.EXACT) for place in range(3000)]
    assert summary_of(run(*rows)).routes[0].share == "99.9 %"


def test_the_six_counts_are_what_differs_from_the_record() -> None:
    rows = [result("a", answer=Answer.REGRESSION), result("b", answer=Answer.SAME), result("c", answer=Answer.FIXED)]
    known = Summary(run(*rows, owed=(Owed(ROUTE, ("a", "b", "c", "d", "e")),)), ())
    counts = {answer.value: count for answer, count in known.counts}
    assert counts == {"regression": 1, "changed": 0, "lost": 2, "new": 0, "drift": 0, "fixed": 1}
    facts = known.to_json()["run"]
    assert (facts["owed"], facts["results"], facts["lost"]) == (5, 3, 2)
    assert facts["lost_first"] == [["d", ROUTE], ["e", ROUTE]]


@pytest.mark.parametrize(("finished", "verdict"), [(True, "Not passed"), (False, "Cut")])
def test_the_verdict(finished: bool, verdict: str) -> None:
    assert summary_of(run(result("a", Outcome.CRASH), finished=finished)).verdict == verdict
    assert summary_of(run(result("a"))).verdict == "Passed"


def test_a_run_that_goes_on_has_lost_nothing_yet() -> None:
    cut = run(result("a"), result("b", Outcome.CRASH), owed=(Owed(ROUTE, tuple("abcde")),), finished=False)
    going = summary_of(cut, "2026-01-02T03:14:05+00:00")
    assert going.verdict == "Running"
    came = "2 of 5 owed results came: 2 results of 2 cases along 1 route; 1 failed."
    assert going.sentence == f"The run goes on. {came}"
    assert summary_of(cut).sentence == f"The run was cut: it has no end. {came}"
    shown = going.to_json()
    assert (shown["good"], shown["running"], shown["judgements"]["failed"]) == (False, "2026-01-02T03:14:05+00:00", 1)
    facts = shown["run"]
    assert (facts["unwalked"], facts["lost"], facts["lost_first"], facts["seconds"]) == (3, 0, [], 600.0)
    assert {"name": "lost", "count": 0} in shown["counts"]
    assert page_of(going).title == "Parity report: running"
    assert "5 owed, 2 run, 3 not walked." in markdown(going)
    assert "5 owed, 2 run, 3 not walked." in markdown(summary_of(cut))
    ended = run(result("a"), result("b"), owed=(Owed(ROUTE, tuple("abcde")),))
    assert "5 owed, 2 run, 3 lost." in markdown(summary_of(ended))


@pytest.mark.parametrize(
    ("start", "highest", "sentence"),
    [
        (0.4, 7.2, "The machine was busy: load 7.2 a processor at its height."),
        (2.0, 1.5, "The machine was busy: load 2.0 a processor at its height."),
        (3.2, None, "The machine was busy: load 3.2 a processor at the start."),
        (1.4, 1.49, ""),
        (None, None, ""),
    ],
)
def test_a_busy_machine_is_told(start: float | None, highest: float | None, sentence: str) -> None:
    footer = None if highest is None else Footer("2026-01-02T03:14:05+00:00", 1.0, 1, {}, {}, load=highest)
    busy = run(result("a"), header=replace(HEADER, load=start), footer=footer)
    assert summary_of(busy).busy == sentence


def test_new_defects_stand_on_the_first_screen_and_known_ones_do_not() -> None:
    first = page_of(summary_of(sample())).first
    assert [(each["hop"], each["outcome"], each["unexpected"]) for each in first["new"]] == [
        ("onnx2torch", "divergent", 3),
        ("onnx2torch", "invalid", 1),
    ]
    (condition,) = first["new"][0]["conditions"]
    assert (condition["text"], condition["axes"], condition["sure"]) == (
        "strides = 2",
        ["strides"],
        True,
    )
    assert (first["new"][0]["smallest"], first["new"][0]["route"]) == ("transpose-4", ROUTE)
    assert first["defects"] == "3 defects, 8 results of 8 cases; 2 unexpected"


def test_the_history_has_each_run_in_order_of_time() -> None:
    earlier = {"b": run(result("a")), "a": run(header=replace(HEADER, started="2025-01-01T00:00:00+00:00"))}
    history = page_of(summary_of(run(result("a", Outcome.HANG))), earlier).first["history"]
    assert [(each["name"], each["results"], each["judgements"]) for each in history] == [
        ("a", 0, {}),
        ("b", 1, {"passed": 1}),
        ("this run", 1, {"failed": 1}),
    ]


def test_markdown_has_the_same_words() -> None:
    text = markdown(summary_of(sample()))
    assert text.startswith(
        "## Not passed\n\n4 of 114 results of 59 cases along 3 routes failed. 4 more deviate as expected.\n"
    )
    assert "| regression | changed | lost | new | drift | fixed |\n" in text
    assert "2 defects that are new." in text
    assert "- **onnx2torch** divergent: Conv2DTranspose, 3 results; when strides = 2; smallest transpose-4<br>" in text
    assert f"| {ROUTE} | 59 | 51 | 4 | 4 | 86.4 % |" in text
    assert "1 side route with 1 result more." in text
    assert "114 owed, 114 run, 0 lost." in text
    assert "No defects that are new." in markdown(summary_of(run(result("a"))))


def test_markdown_is_escaped() -> None:
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown(summary_of(sample())))
    assert "<script" not in rendered
    assert "<img" not in rendered
    assert EVIL not in rendered
    assert not set("\x1b\u202e\u2028") & set(rendered)


def test_the_legend_knows_every_word() -> None:
    assert list(legend.OUTCOMES) == list(Outcome)
    assert set(legend.JUDGEMENTS) == set(Judgement)
    words = legend.words()
    assert [item["name"] for item in words["outcomes"] if item["passes"]] == ["exact", "faithful", "drift"]
    assert [item["name"] for item in words["outcomes"] if item["calm"]] == ["exact", "faithful"]
    assert [item["name"] for item in words["judgements"]] == ["passed", "expected", "failed"]
    assert [item["name"] for item in words["outcomes"] if "happens" in item] == [
        "mutating", "divergent", "malformed", "refused", "invalid", "crash", "hang",
    ]  # fmt: skip
    assert ("sqnr_db", "SQNR dB") in words["metrics"]
    assert words["edges"] == {"faithful": 32, "drift": 1024}


@pytest.mark.parametrize(
    ("units", "meaning"),
    [
        (0.9, "below 1"),
        (31.9, "below 32"),
        (33.0, "below 1024"),
        (1023.0, "below 1024"),
        (1025.0, "below 33 thousand"),
        (1e6, "below 4 million"),
        (1e9, "more"),
        (float("inf"), "infinite, or NaN"),
    ],
)
def test_the_keys_of_the_picture_are_the_comparators_digits(units: float, meaning: str) -> None:
    digit = int(compare._digit(units), 36)
    assert next(words for key, words in legend.PICTURE if digit <= int(key[-1], 36)) == meaning


def test_a_tracker_is_what_the_distribution_declares_or_else_where_links_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    link = ExpectationNote("k", Outcome.REFUSED, "why", "https://github.com/a/b.git/issues/7")
    known = result("a", Outcome.REFUSED, judgement=Judgement.EXPECTED, expectation=link)
    assert trackers.trackers(run(known)) == {"onnx2torch": "https://github.com/a/b/issues/new"}
    assert trackers.trackers(run(result("a"))) == {}
    urls = ["Home, https://enot.ai", "repository, https://github.com/ENOT-AutoDL/onnx2torch"]
    declared = SimpleNamespace(get_all=lambda name: urls if name == "Project-URL" else None)
    monkeypatch.setattr(trackers, "metadata", lambda name: declared)
    assert trackers.trackers(run(known)) == {"onnx2torch": "https://github.com/ENOT-AutoDL/onnx2torch/issues/new"}


def test_only_a_repository_is_a_tracker() -> None:
    link = ExpectationNote("k", Outcome.REFUSED, "why", "javascript:alert('https://github.com/a/b')")
    known = result("a", Outcome.REFUSED, judgement=Judgement.EXPECTED, expectation=link)
    assert trackers.trackers(run(known)) == {}


def test_routes_are_those_of_the_run() -> None:
    assert {each.route for each in summary_of(sample()).routes} == set(ROUTES)
