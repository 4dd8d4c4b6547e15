"""Findings: each expectation is in one or in parts of several; the page says what the results show."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis.findings import Findings, FindingsError, Kind, load, page, parse
from harness.judge import expectations
from harness.outcomes import Metrics, Outcome
from harness.results.events import ExpectationNote, Header, Judgement, Result, Stage
from harness.results.file import Results

ROOT = Path(__file__).resolve().parents[2]
FINDING = {
    "id": "a-rounds",
    "component": "a 1.0 with b 2.0",
    "kind": "numbers",
    "condition": "odd sizes",
    "parts": ["a-odd"],
    "file": "a/b.py",
    "function": "c",
    "cause": "It rounds.",
    "upstream": "none",
}


@pytest.fixture(scope="module")
def known() -> list[expectations.Expectation]:
    return expectations.load(ROOT / "golden" / "expectations")


@pytest.fixture(scope="module")
def found() -> Findings:
    return load(ROOT / "golden" / "findings.toml")


def test_every_expectation_is_in_a_finding_and_every_finding_names_expectations(
    known: list[expectations.Expectation], found: Findings
) -> None:
    assert found.faults(known) == []


def test_links_of_known_deviations_agree_with_the_findings(
    known: list[expectations.Expectation], found: Findings
) -> None:
    """An expectation that is all of a finding says `not reported upstream` only where the finding found nothing."""
    links = {item.id: item.link for item in known}
    for finding in found.findings:
        for part in finding.parts:
            if part.whole and finding.upstream == "exact":
                assert links[part.expectation] != expectations.UNREPORTED, part.expectation


def test_the_page_has_every_finding(found: Findings) -> None:
    text = (ROOT / "docs" / "findings.md").read_text()
    assert [item.id for item in found.findings if f"\n### {item.id}\n" not in text] == []
    assert "not in these results" not in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "colour"),
        ({"kind": "odd"}, "odd"),
        ({"upstream": "exact"}, "needs a link"),
        ({"link": "ask me"}, "needs a link"),
        ({"kind": "loud"}, "needs its error"),
        ({"parts": [{"expectation": "a-odd", "says": "("}]}, "unterminated"),
        ({"parts": [{"expectation": "a-odd", "colour": "red"}]}, "colour"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(FindingsError, match=said):
        parse({"finding": [{**FINDING, **change}]})


def test_ids_are_unique() -> None:
    with pytest.raises(FindingsError, match="used twice"):
        parse({"finding": [FINDING, FINDING]})


def _expectation(name: str) -> expectations.Expectation:
    return expectations.Expectation(
        id=name,
        route="*",
        layer=("*",),
        outcome=(Outcome.DIVERGENT,),
        blame=("a",),
        versions=(),
        reason="it rounds at odd sizes",
        link=expectations.UNREPORTED,
        case="keras-Dense-1",
    )


def _result(case: str, route: str, units: float, layer: str = "Dense", size: int = 3) -> Result:
    stages = (
        Stage(artifact="keras", outcome=Outcome.EXACT, runtime="keras", metrics=Metrics(units=0.0)),
        Stage("onnx", Outcome.DIVERGENT, hop="a", runtime="onnxruntime", metrics=Metrics(units=units), message="off"),
    )
    return Result(
        case=case,
        dialect="keras",
        layer=layer,
        profile="main",
        config={"size": size},
        route=route,
        stages=stages,
        judgement=Judgement.EXPECTED,
        expectation=ExpectationNote(id="a-odd", outcome=Outcome.DIVERGENT, reason="(", link=""),
        message="divergent at a: off",
    )


def _results(*results: Result) -> Results:
    return Results(
        header=Header(
            started="2026-01-01T00:00:00+00:00", command=("x",), versions={"python": "3"}, routes=(), options={}
        ),
        results=results,
    )


def test_faults_are_named() -> None:
    some = parse(
        {"finding": [FINDING, {**FINDING, "id": "b", "parts": [{"expectation": "a-odd", "says": "x"}, "gone"]}]}
    )
    said = "; ".join(some.faults([_expectation("a-odd"), _expectation("a-new")]))
    assert "a-new is in no finding" in said
    assert "gone, which is no expectation" in said
    assert "a-odd is all of a-rounds and part of others too" in said


def test_parts_tell_results_apart() -> None:
    parts = [
        {"expectation": "a-odd", "layer": ["Dense"], "when": {"size": [3]}, "outcome": ["divergent"], "says": "of"}
    ]
    some = parse({"finding": [{**FINDING, "parts": parts}]})
    held = _result("keras-Dense-1", "keras-a", 5)
    others = [_result("keras-Dense-2", "keras-a", 5, size=4), _result("keras-ELU-2", "keras-a", 5, layer="ELU")]
    assert some.unassigned([held, *others]) == others


def test_the_page_shows_the_largest_error_and_the_minimal_case() -> None:
    some = parse({"finding": [FINDING], "no_defect": []})
    assert some.findings[0].converter == "a"
    assert some.findings[0].kind is Kind.NUMBERS
    first = _results(_result("keras-Dense-0", "keras-a", 2e6), _result("keras-Dense-1", "keras-a-b", 9e9))
    second = _results(_result("keras-Dense-1", "keras-a-b", 3e6))
    text = page(some, [_expectation("a-odd")], [first, second])
    assert "| a | 1 | 0 | 0 | 1 | 0 | 1 |" in text
    assert "2 divergent. Largest error 3e+06 noise units." in text
    assert "`parity replay keras-Dense-1 --route keras-a-b`" in text


def test_a_page_that_does_not_fit_is_refused() -> None:
    with pytest.raises(FindingsError, match="in no finding"):
        page(parse({"finding": [FINDING]}), [_expectation("a-odd"), _expectation("b")], [])
