"""The data of the page: an index in columns, chunks of details, and nothing in it that a browser would run."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.files import CannotWriteError
from harness.outcomes import Metrics, Outcome
from harness.report.blocks import short
from harness.report.columns import index, ordered
from harness.report.details import CHUNK, details
from harness.report.page import render, write_page
from harness.report.run import page_of, summary_of
from harness.results.events import Judgement, RecordNote
from harness.results.file import Results
from tests.report.runs import EVIL, NOTE, ROUTE, ROUTES, result, run, sample, tensor, with_evidence


class Page(HTMLParser):
    """Tags with their attributes, and the text of scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str | None, str] = {}
        self.words: list[str] = []
        self._script: str | None = None
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._inside, self._script = True, dict(attrs).get("id")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"

    def handle_data(self, text: str) -> None:
        if self._inside:
            self.scripts[self._script] = self.scripts.get(self._script, "") + text
        else:
            self.words.append(text)

    def block(self, name: str) -> Any:
        """The data of a compressed block."""
        return json.loads(gzip.decompress(base64.b64decode(self.scripts[name])))


def page(results: Results) -> Page:
    return Page(render(page_of(summary_of(results))))


@pytest.fixture(scope="module")
def text() -> str:
    return render(page_of(summary_of(sample())))


@pytest.fixture(scope="module")
def parsed(text: str) -> Page:
    return Page(text)


def test_nothing_is_fetched_from_elsewhere(parsed: Page, text: str) -> None:
    fetched = [value for _, attributes in parsed.tags for key in ("src", "href") if (value := attributes.get(key))]
    assert fetched == ["data:,"]
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(styles) == 2
    assert not re.search(r"url\(|@import", "".join(styles))
    assert "default-src 'none'" in text


def test_what_files_say_is_never_markup(parsed: Page, text: str) -> None:
    """The program is one script; each other holds data, and none of it ends a script."""
    scripts = [attributes for tag, attributes in parsed.tags if tag == "script"]
    kinds = [attributes.get("type") for attributes in scripts]
    assert (kinds.count(None), set(kinds)) == (1, {None, "application/json", "application/octet-stream"})
    assert "img" not in {tag for tag, _ in parsed.tags}
    assert not any(key.startswith("on") for _, attributes in parsed.tags for key in attributes)
    assert EVIL not in text
    assert any(name.startswith("evil-") and EVIL in name for name in parsed.block("index")["cases"]["id"])
    assert not re.search(r"[<>]", parsed.scripts["first"])


def test_ids_are_unique(parsed: Page) -> None:
    ids = [attributes["id"] for _, attributes in parsed.tags if attributes.get("id")]
    assert {"app", "first", "index", "chunk-0", "evidence-0", "lines"} <= set(ids)
    assert sorted(ids) == sorted(set(ids))


def test_a_reader_without_scripts_is_told_the_end(parsed: Page) -> None:
    words = " ".join(parsed.words)
    assert "Not passed. 4 of 114 results of 59 cases along 3 routes failed. 4 more deviate as expected." in words
    assert f"The route keras-away could not run: not installed {EVIL}" in words
    assert "parity report --markdown" in words


def test_the_index_has_every_result_in_columns() -> None:
    deviating = result("b", Outcome.REFUSED, said="no", judgement=Judgement.EXPECTED, expectation=NOTE)
    rows = [deviating, result("a", config={"x": {"kind": "LSTM", "config": {"units": 3}}}, facts={"lopsided": True})]
    known = index(ordered(rows), {("b", ROUTE): 2})
    assert known["cases"] == {"id": ["a", "b"], "layer": [0, 0], "shape": [0, 1]}
    assert known["keys"] == ["lopsided", "x", "x.units", "strides", "padding"]
    assert known["facts"] == [0]
    assert [known["keys"][key] for key in known["shapes"][0]] == ["x", "x.units", "lopsided"]
    assert [known["values"][value] for value in known["settings"]] == ['"LSTM"', "3", "true", "1", '"same"']
    results = known["results"]
    assert (results["case"], results["defect"], results["note"], results["fault"]) == ([0, 1], [0, 2], [-1, 0], [-1, 2])
    assert [known["blames"][place] if place >= 0 else "" for place in results["blame"]] == ["", "onnx2torch"]
    assert known["notes"] == [NOTE.to_json()]
    assert [known["messages"][place] for place in results["message"] if place >= 0] == ["no"]
    assert results["stages"] == [[0, 1, 2], [3, 4, 5]]
    assert known["stages"]["units"] == [1, 1, 2, 1, 1, None]
    assert known["stages"]["hop"][0] == -1


def test_routes_of_a_case_share_their_first_stages() -> None:
    rows = [result("a", route=route) for route in ROUTES[:2]]
    assert index(rows, {})["results"]["stages"] == [[0, 1], [0, 1, 2]]
    ((_, chunk), *_) = details(rows)
    assert [each["stages"] for each in chunk["cases"][0]] == [[0, 1], [0, 1, 2]]


def test_a_search_axis_is_no_setting() -> None:
    known = index([result("a", config={"kernel": [1, 3]})], {})
    assert known["keys"] == ["kernel"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, None), (math.inf, "inf"), (math.nan, "nan"), (0.0, 0), (1234.56, 1230), (0.00012345, 0.000123)],
)
def test_numbers_are_short(value: float | None, shown: object) -> None:
    assert short(value) == shown


def test_chunks_have_the_cases_in_the_order_of_the_index() -> None:
    rows = ordered(
        [
            result(f"c{place:03}", replay="other" if place == 70 else f"parity replay c{place:03} --route {ROUTE}")
            for place in range(CHUNK + 9)
        ]
    )
    blocks = dict(details(rows))
    assert [len(blocks[name]["cases"]) for name in ("chunk-0", "chunk-1")] == [64, 9]
    assert blocks["chunk-1"]["cases"][6][0]["replay"] == "other"
    assert "replay" not in blocks["chunk-1"]["cases"][5][0]
    assert list(index(rows, {})["cases"]["id"])[70] == "c070"


def test_lines_of_logs_stand_once() -> None:
    rows = [result(name, Outcome.REFUSED, log=log) for name, log in (("c", "one\ntwo"), ("d", "two\none\ntwo"))]
    blocks = dict(details(rows))
    assert blocks["lines"] == ["one", "two"]
    logs = [stage["log"] for stage in blocks["chunk-0"]["stages"] if "log" in stage]
    assert logs == [[0, 1], [1, 0, 1]]


def test_equal_evidence_stands_once_and_only_where_there_is_some() -> None:
    first = result("a", Outcome.DIVERGENT)
    kept = {"note": "n", "tensor": tensor()}
    rows = [
        replace(first, case=case, stages=(*first.stages[:2], with_evidence(first.stages[2], kept))) for case in "ab"
    ]
    blocks = dict(details([*rows, result("c")]))
    assert [name for name in blocks if name.startswith("evidence")] == ["evidence-0"]
    assert blocks["evidence-0"] == kept
    assert [stage.get("evidence") for stage in blocks["chunk-0"]["stages"]].count(0) == 1


@pytest.mark.parametrize(
    ("message", "changes", "shown"),
    [
        (f"divergent at onnx2torch: {EVIL}", {}, False),
        (EVIL, {}, False),
        ("fixed upstream: remove this", {}, True),
        (f"divergent at onnx2torch: {EVIL} (expected: why)", {"judgement": Judgement.EXPECTED}, False),
        (
            f"expectation 'k' says hang at b, but it is divergent at onnx2torch: {EVIL}",
            {"judgement": Judgement.FAILED},
            "expectation 'k' says hang at b, but it is divergent at onnx2torch",
        ),
        (
            f"divergent at onnx2torch: {EVIL} (on record, and no expectation explains it)",
            {},
            "divergent at onnx2torch (on record, and no expectation explains it)",
        ),
        (
            f"regression: the record has exact 0 at onnx2torch, now it is divergent at onnx2torch: {EVIL}",
            {"recorded": RecordNote(2, "exact 0")},
            False,
        ),
    ],
)
def test_a_message_that_a_stage_shows_is_not_said_twice(
    message: str, changes: dict[str, Any], shown: bool | str
) -> None:
    note = {"expectation": replace(NOTE, reason="why")} if "judgement" in changes else {}
    deviating = result("c", Outcome.DIVERGENT, said=EVIL, message=message, **changes, **note)
    row = dict(details([deviating]))["chunk-0"]["cases"][0][0]
    assert row.get("message") == (message if shown is True else shown or None)


def test_what_the_record_has_goes_along() -> None:
    row = dict(details([result("c", Outcome.DIVERGENT, recorded=RecordNote(2, "faithful 2"))]))["chunk-0"]["cases"][0][
        0
    ]
    assert row["recorded"] == {"stage": 2, "cells": "faithful 2"}


def test_infinite_units_stay_strict_json(parsed: Page) -> None:
    last = replace(result("c", Outcome.DIVERGENT).stages[2], metrics=Metrics(units=math.inf, max_abs=math.nan))
    endless = page(run(replace(result("c", Outcome.DIVERGENT), stages=(last,))))
    assert endless.block("index")["stages"]["units"] == ["inf"]
    assert endless.block("chunk-0")["stages"][0]["max_abs"] == "nan"


def test_the_page_is_small(parsed: Page) -> None:
    assert len(parsed.scripts["index"]) < len(json.dumps(parsed.block("index"))) / 2


def test_the_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what = page_of(summary_of(sample()))
    out = write_page(what, tmp_path / "new" / "report.html")
    before = out.read_bytes()

    def torn(*_args: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", torn)
    with pytest.raises(CannotWriteError, match="no space"):
        write_page(page_of(summary_of(sample())), out)
    assert out.read_bytes() == before
    assert [item.name for item in out.parent.iterdir()] == ["report.html"]


def test_the_page_does_not_depend_on_when_it_is_made() -> None:
    assert render(page_of(summary_of(sample()))) == render(page_of(summary_of(sample())))


def test_a_run_without_results_still_tells_why() -> None:
    words = " ".join(page(run()).words)
    assert "keras-away could not run" in words
