"""The matrix as page, Markdown and JSON: complete, escaped, offline, and "not run" seen without colours."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from harness.analysis.legs import side_by_side
from harness.analysis.matrix import Cell, Showing, matrix
from harness.analysis.pins import pins
from harness.outcomes import Outcome
from harness.report.matrix import view as words
from harness.report.matrix.data import data
from harness.report.matrix.markdown import markdown
from harness.report.matrix.page import page
from harness.report.matrix.view import View
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


class Cells(HTMLParser):
    """The rows of tables as classes and text of their cells, and all tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append((dict(attrs).get("class") or "", ""))
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._inside = False

    def handle_data(self, text: str) -> None:
        if self._inside:
            kind, before = self.rows[-1][-1]
            self.rows[-1][-1] = kind, before + text

    def row(self, first: str) -> list[tuple[str, str]]:
        (single,) = [row for row in self.rows if row and row[0][1] == first]
        return [(kind, " ".join(text.split())) for kind, text in single]


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


def test_the_page_shows_each_state_by_text_and_class(view: View) -> None:
    cells = Cells(page(view))
    since = "onnx2torch: works since 1.5.10; 1 case fixed in 1.5.10"
    dense = cells.row("Dense")
    assert dense[:4] == [("", "Dense"), ("cell o-refused", "refused 1/2"), *[("cell o-faithful", "faithful 2")] * 2]
    assert dense[4][1].startswith(since)
    assert cells.row("Conv2D")[1:4] == [("cell o-faithful", "faithful 1"), *[("cell unrun", "not run")] * 2]
    behind = ("cell behind", "behind a failure")
    assert cells.row("LSTM")[1:4] == [behind, ("cell unrun", "not run"), behind]
    style = page(view)
    assert re.search(r"\.unrun \{[^}]*font-style: italic; background-image: repeating-linear-gradient", style)


def test_the_page_needs_nothing_else_and_is_deaf_to_markup(view: View) -> None:
    text = page(view)
    tags = Cells(text).tags
    assert not {"script", "img", "i", "iframe"} & {tag for tag, _ in tags}
    fetched = [value for _, attributes in tags for key in ("src", "href") if (value := attributes.get(key))]
    assert all(value.startswith(("#", "data:")) for value in fetched)
    assert not any(key.startswith("on") for _, attributes in tags for key in attributes)
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)
    assert "&lt;i&gt;evil&lt;/i&gt;" in text


def test_no_two_elements_share_an_id_and_links_lead_somewhere(view: View) -> None:
    tags = Cells(page(view)).tags
    ids = [attributes["id"] for _, attributes in tags if attributes.get("id")]
    assert sorted(ids) == sorted(set(ids))
    assert {value[1:] for _, each in tags if (value := each.get("href") or "").startswith("#")} <= set(ids)


def test_a_chain_on_which_nothing_changes_is_there_and_hidden_at_first(tmp_path: Path) -> None:
    legs = [leg(tmp_path, each, result(A, *GOOD), versions={"torch": f"2.{each}.0"}) for each in ("14", "15")]
    text = page(View(matrix(side_by_side(legs))))
    kinds = [each.get("class") for _, each in Cells(text).tags if "chain-" in (each.get("aria-labelledby") or "")]
    assert kinds == ["still"] * 3
    assert "body:has(#changing:checked) .still { display: none; }" in text


def test_headings_stay_and_dark_pages_have_their_colours(view: View) -> None:
    text = page(view)
    assert re.search(r"\.versions thead th \{ position: sticky; top: 0;", text)
    assert re.search(r"\.versions tbody th \{ position: sticky; left: 0;", text)
    assert text.count("prefers-color-scheme: dark") == 2


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
