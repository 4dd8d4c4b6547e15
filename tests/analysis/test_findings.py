"""The page of findings says what the results show of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.analysis.findings import Seen, page, unowned
from harness.judge.expectations import UNREPORTED, Expectation
from harness.judge.findings import Finding, Findings, Kind, NoDefect, Upstream, load
from harness.outcomes import Metrics, Outcome
from harness.results.events import ExpectationNote, Header, Judgement, Result, Stage
from harness.results.file import Results

ROOT = Path(__file__).resolve().parents[2]
ODD = Expectation(
    id="a-odd",
    route="*",
    layer=("*",),
    outcome=(Outcome.DIVERGENT,),
    blame=("a",),
    versions=("a<=1",),
    reason="It rounds odd sizes down.",
    link=UNREPORTED,
    case="keras-Dense-1",
)
ROUNDS = Finding(
    id="a-rounds",
    component="a with b",
    versions=("a<=1",),
    kind=Kind.NUMBERS,
    condition="odd sizes",
    file="a/b.py",
    function="c",
    cause="It rounds odd sizes down.",
    upstream=Upstream.NONE,
    expectations=(ODD,),
)
ENDS = replace(
    ROUNDS,
    id="b-ends",
    component="b",
    kind=Kind.LOUD,
    upstream=Upstream.EXACT,
    link="https://example.org/1",
    note="open",
    error="Oops",
    function="-",
    expectations=(replace(ODD, id="b-first"), replace(ODD, id="b-second", case="keras-Dense-2")),
)
LACKS = NoDefect("a-lacks", ("a<=1",), "There is no such layer in a.", (replace(ODD, id="a-none"),))
KNOWN = Findings((ENDS, ROUNDS), (LACKS,))


def _result(case: str, route: str, units: float, name: str = "a-odd") -> Result:
    stages = (
        Stage(artifact="keras", outcome=Outcome.EXACT, runtime="keras", metrics=Metrics(units=0.0)),
        Stage("onnx", Outcome.DIVERGENT, hop="a", runtime="onnxruntime", metrics=Metrics(units=units), message="off"),
    )
    return Result(
        case=case,
        dialect="keras",
        layer="Dense",
        profile="main",
        config={},
        route=route,
        stages=stages,
        judgement=Judgement.EXPECTED,
        expectation=ExpectationNote(id=name, outcome=Outcome.DIVERGENT, reason="(", link=""),
        message="divergent at a: off",
        replay=f"parity replay {case} --route {route}",
    )


def _refused(case: str, name: str) -> Result:
    refused = Stage("onnx", Outcome.REFUSED, hop="b", message="Oops")
    return replace(_result(case, "keras-b", 0.0, name), stages=(refused,))


def _results(*results: Result) -> Results:
    versions = {"python": "3.11.7", "torch": "2.15.0"}
    header = Header(started="2026-01-01T00:00:00+00:00", command=("x",), versions=versions, routes=(), options={})
    return Results(header=header, results=results)


def test_the_page_shows_outcomes_the_largest_error_and_the_minimal_case() -> None:
    """Of case 1 the later file counts: 3e6, not 9e9. It is the minimal case, although its route is longer."""
    first = _results(_result("keras-Dense-0", "keras-a", 2e6), _result("keras-Dense-1", "keras-a-b", 9e9))
    second = _results(_result("keras-Dense-1", "keras-a-b", 3e6))
    text = page(KNOWN, [first, second])
    assert "Errors are the largest seen, in noise units; python 3.11.7, torch 2.15.0.\n" in text
    assert (
        "\n### a-rounds\n\n"
        "a with b: odd sizes.\n\n"
        "- Shows as: 2 divergent. Largest error 3e+06 noise units.\n"
        "- Cause: `a/b.py`, `c`. It rounds odd sizes down.\n"
        "- Upstream: not found.\n"
        "- Releases: `a<=1`\n"
        "- Replay: `parity replay keras-Dense-1 --route keras-a-b`\n"
        "- Expectations: `a-odd`\n" in text
    )


def test_a_finding_gathers_what_all_its_expectations_foresaw() -> None:
    results = _results(_refused("keras-Dense-0", "b-first"), _refused("keras-Dense-2", "b-second"))
    assert (
        "\n### b-ends\n\n"
        "b: odd sizes.\n\n"
        "- Shows as: 2 refused. `Oops`\n"
        "- Cause: `a/b.py`. It rounds odd sizes down.\n"
        "- Upstream: known: <https://example.org/1> (open).\n"
        "- Releases: `a<=1`\n"
        "- Replay: `parity replay keras-Dense-2 --route keras-b`\n"
        "- Expectations: `b-first`, `b-second`\n" in page(KNOWN, [results])
    )


def test_the_table_counts_by_converter_and_kind() -> None:
    lines = page(KNOWN, []).splitlines()
    assert "| converter, framework or runtime | numbers | structure | loud | all | upstream knows |" in lines
    assert "| a | 1 | 0 | 0 | 1 | 0 |" in lines
    assert "| b | 0 | 0 | 1 | 1 | 1 |" in lines
    assert "| all | 1 | 0 | 1 | 2 | 1 |" in lines


def test_silent_ones_come_first_the_largest_error_before_the_others() -> None:
    small = replace(ROUNDS, id="a-small", expectations=(replace(ODD, id="a-little"),))
    known = replace(KNOWN, findings=(ENDS, small, ROUNDS))
    results = _results(_result("keras-Dense-0", "keras-a", 5e3, "a-little"), _result("keras-Dense-0", "keras-a-b", 2e6))
    headings = [line for line in page(known, [results]).splitlines() if line.startswith(("## ", "### "))]
    assert headings == [
        "## Silent: wrong numbers",
        "### a-rounds",
        "### a-small",
        "## Silent: wrong shape or number of steps",
        "## Loud: refused, invalid, or the process ends",
        "### b-ends",
        "## Deviations that are no defect",
    ]


def test_what_is_no_defect_is_said_with_its_expectations() -> None:
    assert page(KNOWN, []).endswith("\n- There is no such layer in a. `a-none`\n")
    documented = replace(KNOWN, no_defect=(replace(KNOWN.no_defect[0], link="https://example.org/docs"),))
    assert page(documented, []).endswith("\n- There is no such layer in a. <https://example.org/docs> `a-none`\n")


def test_a_finding_that_no_result_shows_says_so() -> None:
    text = page(KNOWN, [_results(_result("keras-Dense-0", "keras-a", 2e6))])
    assert text.count("- Shows as: not in these results. `Oops`") == 1
    assert text.count("- Replay:") == 1


def test_an_unknown_error_counts_as_the_largest() -> None:
    shown = Seen((_result("keras-Dense-0", "keras-a", 5.0), _result("keras-Dense-1", "keras-a", float("nan"))))
    assert shown.units == float("inf")
    assert shown.outcomes == {"divergent": 2}


def test_results_of_older_expectations_are_named() -> None:
    passes = replace(_result("keras-Dense-0", "keras-a", 0.0), expectation=None)
    old = _result("keras-Dense-1", "keras-a", 5.0, "a-was-split")
    assert unowned(KNOWN, [passes, old, _result("keras-Dense-2", "keras-a", 5.0)]) == [old]
    assert "not in these results" in page(KNOWN, [_results(old)])


def test_the_page_has_every_finding_of_the_folder_and_no_other() -> None:
    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    known = load(ROOT / "golden" / "findings")
    headings = {line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")}
    assert headings == {item.id for item in known.findings}
    assert "not in these results" not in text


def test_the_page_names_every_expectation() -> None:
    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    assert [item.id for item in load(ROOT / "golden" / "findings").expectations if f"`{item.id}`" not in text] == []
