"""The matrix as page, Markdown and JSON: complete, escaped, offline, and "not run" seen without colours."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from harness.analysis.legs import side_by_side
from harness.analysis.matrix import Cell, Showing, matrix
from harness.analysis.pins import pins
from harness.outcomes import Outcome
from harness.report.matrix import view as words
from harness.report.matrix.data import data
from harness.report.matrix.markdown import markdown
from harness.report.matrix.page import page_of
from harness.report.matrix.view import View
from harness.report.page import render
from tests.legs import BEFORE, GOOD, REFUSED, A, B, C, leg
from tests.two_runs import note, result

EVIL = "</td><script>alert(1)</script><img src=https://example.org/x onerror=alert(1)> | `x` @me & \u2028"


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Dense is refused in the old leg and works since 1.5.10; Conv2D was not run by the new one, LSTM lies behind."""
    lstm = "keras-LSTM-d4"
    legs = [
        leg(
            tmp_path,
            "old",
            result(A, *REFUSED, message=EVIL),
            result(B, *GOOD),
            result(C, *GOOD),
            result(lstm, *BEFORE, message=EVIL),
            onnx2torch="1.5.9",
        ),
        leg(tmp_path, "new", result(A, *GOOD), result(B, *GOOD), result(lstm, *BEFORE), onnx2torch="1.5.10"),
        leg(tmp_path, "<i>evil</i>", result(A, *GOOD), result(B, *GOOD), onnx2torch="1.5.10"),
    ]
    whole = matrix(side_by_side(legs))
    return View(whole, layers=("Dense",), pins=pins(whole, ("Dense",)), model=EVIL, strangers=(EVIL,))


def test_cells_in_words() -> None:
    assert words.cell(Cell()) == "not run"
    assert words.cell(Cell(blocked=2)) == "behind a failure"
    assert words.cell(Cell(good=30, worst=Outcome.DRIFT)) == "drift 30"
    assert words.cell(Cell(good=37, bad=3, blocked=5, worst=Outcome.REFUSED)) == "refused 3/40"
    assert words.meaning(Cell(37, 3, 5, Outcome.REFUSED)) == "37 good, 3 bad, 5 behind a failure"
    assert [words.showing(Showing(*each)) for each in ((0, 0, 0), (0, 0, 3), (0, 2, 3), (4, 2, 3))] == [
        "not run",
        "behind a failure",
        "0",
        "4",
    ]


def legs_of(view: View) -> dict[str, Any]:
    return dict(page_of(view).blocks)["legs"]


def test_the_page_has_each_state_and_the_words_beside_it(view: View) -> None:
    known = legs_of(view)
    (chain,) = [each for each in known["chains"] if each["chain"] == "keras-tf2onnx-onnx2torch"]
    layers = {each["layer"]: each for each in chain["layers"]}
    states = {
        name: [each["legs"][leg]["state"] for leg in ("old", "new", "<i>evil</i>")] for name, each in layers.items()
    }
    assert states == {
        "Dense": ["bad", "good", "good"],
        "Conv2D": ["good", "not run", "not run"],
        "LSTM": ["behind a failure", "behind a failure", "not run"],
    }
    assert [each["words"] for each in layers["Dense"]["along"]] == ["onnx2torch: works since 1.5.10"]
    assert chain["heading"] == "keras-tf2onnx-onnx2torch: onnx2torch 1.5.9, 1.5.10"
    assert chain["counts"].startswith("1 of 3 layers change")
    assert known["asked_line"].startswith("What should I pin? For the 1 layer of ")
    assert known["pin_lines"][0].startswith("keras-tf2onnx-onnx2torch: ")


def test_the_page_is_deaf_to_markup_and_says_the_end_without_scripts(view: View) -> None:
    text = render(page_of(view))
    assert EVIL not in text
    assert "<i>evil</i>" not in text
    assert f"<p>{escape(view.matrix.sentence)}</p>" in text


def test_markdown_is_escaped_and_has_what_changes(view: View) -> None:
    text = markdown(view)
    assert not re.search(r"<(script|i|img)\b", text)
    assert "| Dense | refused 1/2 | faithful 2 | faithful 2 |" in text
    assert "Conv2D |" not in text.partition("### keras-tf2onnx")[2]
    tokens = MarkdownIt("js-default").enable("table").parse(text)
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) == 4 + 2 + 2


def test_findings_that_do_not_change_have_their_first_bad_release_too(tmp_path: Path) -> None:
    refused = result(A, *REFUSED, message="no", **note("known"))
    legs = [leg(tmp_path, name, refused, onnx2torch=f"1.5.{name}") for name in ("9", "10")]
    text = markdown(View(matrix(side_by_side(legs), owners={"known": "a-finding"})))
    assert "| a-finding | Dense | 1 | 1 | onnx2torch 1.5.9 or earlier | onnx2torch none up to 1.5.10 |" in text
    assert "### Defects: 0 of 1 change" in text


def test_markdown_that_is_too_long_counts_what_it_leaves_out(view: View) -> None:
    text = markdown(view, most=1400)
    assert len(text) <= 1400
    assert text.endswith("\n2 more lines did not fit here; `--json` has them all.\n")
    assert "| Dense | refused" not in text


def test_json_is_strict_and_has_every_layer(view: View) -> None:
    content = json.loads(json.dumps(data(view), allow_nan=False))
    assert [each["name"] for each in content["legs"]] == ["old", "<i>evil</i>", "new"]
    (chain,) = content["chains"]
    assert [each["layer"] for each in chain["layers"]] == ["Conv2D", "Dense", "LSTM"]
    assert chain["lines"] == [
        {
            "component": "onnx2torch",
            "versions": {"1.5.9": ["old"], "1.5.10": ["<i>evil</i>", "new"]},
            "fixed": {},
        }
    ]
    assert content["pins"][0]["newest"][0]["versions"] == {"onnx2torch": "1.5.10"}
    refusal = next(each for each in content["defects"] if each["outcome"] == "refused")
    along = refusal["along"][0]
    assert (along["first_bad"], along["bad_from_start"], along["first_good"]) == ("1.5.9", True, "1.5.10")
    assert along["states"] == {"1.5.9": "bad", "1.5.10": "good"}
