"""The report: one file, complete, self-contained, and deaf to markup in messages."""

import base64
import gzip
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.analysis.defects import sentence
from harness.analysis.tally import defects
from harness.judge import compare
from harness.outcomes import Metrics, Outcome
from harness.report import legend, page, write_report
from harness.report.data import page_data
from harness.results.events import ExpectationNote, Header, Judgement, PluginNote, Result, RouteStatus, Stage
from harness.results.file import Results, Writer

EVIL = "</script><script>alert('owned')</script><img src=https://example.org/x onerror=alert(1)> & \u2028"
ROUTES = ("keras-a", "keras-a-b")


def result(case: str, route: str, outcome: Outcome, **changes) -> Result:
    source = Stage("keras", Outcome.EXACT, runtime="keras", metrics=Metrics(units=0.0), seconds=0.25)
    last = Stage(
        "onnx",
        outcome,
        hop="a",
        runtime="onnxruntime",
        metrics=Metrics(units=math.inf if outcome is Outcome.DIVERGENT else 2.0),
        message=EVIL,
        picture=("01z", "9ab"),
        log=EVIL,
    )
    judgement = Judgement.PASSED if outcome.passes else Judgement.FAILED
    fields = {"judgement": judgement, "message": EVIL, "config": {"name": EVIL}}
    return Result(
        case=case,
        dialect="keras",
        layer="Dense",
        profile="gate",
        route=route,
        stages=(source, last),
        replay=f"parity replay {case} --route {route}",
        **{**fields, **changes},
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    path = tmp_path_factory.mktemp("run") / "results.ndjson"
    routes = (*(RouteStatus(name) for name in ROUTES), RouteStatus("keras-c", False, f"not installed {EVIL}"))
    header = Header(("parity", "run", EVIL), {"python": "3.12", "evil": EVIL}, routes, {"route": [EVIL]})
    note = ExpectationNote("known-1", Outcome.HANG, f"a reason {EVIL}", "javascript:alert(1)")
    with Writer(path, header) as writer:
        for outcome in Outcome:
            for route in ROUTES:
                writer.add(result(f"case-{outcome.value}", route, outcome))
        writer.add(result("case-known", ROUTES[0], Outcome.HANG, judgement=Judgement.EXPECTED, expectation=note))
        task = {"top1_agreement": 0.98, "logits_max_abs": 3e-7, "confusion": [[3, 0], [1, 2]]}
        writer.add(result("case-task", ROUTES[0], Outcome.DRIFT, task=task))
    return Results.load(path)


@pytest.fixture(scope="module")
def text(results, tmp_path_factory) -> str:
    return write_report(results, tmp_path_factory.mktemp("out") / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Tags with their attributes, and the text by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str | None, str] = {}
        self.words: list[str] = []
        self._script: str | None = None
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._inside, self._script = True, dict(attrs).get("id")

    def handle_endtag(self, tag):
        if tag == "script":
            self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.words.append(data)


@pytest.fixture(scope="module")
def parsed(text) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def data(parsed) -> dict:
    return json.loads(gzip.decompress(base64.b64decode(parsed.scripts["data"])))


def test_nothing_is_fetched_from_elsewhere(parsed, text):
    fetched = [value for _, attributes in parsed.tags for key in ("src", "href") if (value := attributes.get(key))]
    assert all(value.startswith(("#", "data:")) for value in fetched)
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import", style)
    assert "default-src 'none'" in text


def test_no_two_elements_share_an_id(parsed):
    """The script finds its data by id: a heading of the same name, further up, would be read in its place."""
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert {"data", "words", "list"} <= set(ids)
    assert sorted(ids) == sorted(set(ids))


def test_messages_are_never_markup(parsed):
    assert [tag for tag, _ in parsed.tags].count("script") == 3
    assert "img" not in {tag for tag, _ in parsed.tags}
    assert not any(key.startswith("on") for _, attributes in parsed.tags for key in attributes)
    assert any(EVIL in words for words in parsed.words)


def test_the_script_writes_text_only(parsed):
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", parsed.scripts[None])


def test_every_case_is_there_with_what_was_said(results, data):
    assert [data["cases"][row["case"]]["id"] for row in data["results"]] == [item.case for item in results.results]
    assert [row["route"] for row in data["results"]] == [item.route for item in results.results]
    assert {row["outcome"] for row in data["results"]} == {outcome.value for outcome in Outcome}
    stages = [data["stages"][place] for row in data["results"] for place in row["stages"]]
    assert any(stage.get("units") == "inf" for stage in stages)
    assert all(stage["message"] == EVIL and stage["picture"] == ["01z", "9ab"] for stage in stages if "hop" in stage)
    assert data["expectations"][0]["id"] == "known-1"
    assert data["results"][-1]["task"]["confusion"] == [[3, 0], [1, 2]]


def test_a_replay_command_stands_there_only_where_it_does_not_follow(data):
    assert not any("replay" in row for row in data["results"])
    rerun = replace(result("c", ROUTES[0], Outcome.EXACT), replay="parity replay c --route keras-a --opset 13")
    (row,) = page_data(Results(Header((), {}, ()), (rerun,)))["results"]
    assert row["replay"].endswith("--opset 13")


def test_lines_of_logs_stand_once():
    both = [result(name, ROUTES[0], Outcome.REFUSED) for name in ("c", "d")]
    first, second = (
        replace(item, stages=(item.stages[0], replace(item.stages[1], log=log)))
        for item, log in zip(both, ("one\ntwo", "two\none\ntwo"), strict=True)
    )
    data = page_data(Results(Header((), {}, ()), (first, second)))
    assert data["lines"] == ["one", "two"]
    logs = [stage["log"] for stage in data["stages"] if "log" in stage]
    assert logs == [[0, 1], [1, 0, 1]]


def test_defects_stand_above_the_cases_and_filter_them(results, parsed, data, text):
    rows = [attributes for tag, attributes in parsed.tags if attributes.get("data-filter") == "defect"]
    assert [row["data-value"] for row in rows] == [str(place) for place in range(1, len(rows) + 1)]
    assert text.index('id="defects"') < text.index('id="cases"')
    causes = defects(results.results)
    assert sentence(causes) in " ".join(" ".join(parsed.words).split())
    assert len(rows) == len(causes)
    of = {(data["cases"][row["case"]]["id"], row["route"]): row.get("defect") for row in data["results"]}
    for place, cause in enumerate(causes, 1):
        assert {of[key] for key in cause.results} == {place}
    assert of["case-exact", ROUTES[0]] is None
    selects = [attributes.get("name") for tag, attributes in parsed.tags if tag == "select"]
    assert "defect" in selects


def test_defects_know_what_the_header_says_of_the_converters():
    rows = []
    for hop in ("one", "two"):
        row = result("c", f"keras-{hop}", Outcome.REFUSED, message="no")
        rows.append(replace(row, stages=(row.stages[0], replace(row.stages[1], hop=hop))))
    notes = tuple(PluginNote(hop, "hop", engine="same", base=hop) for hop in ("one", "two"))
    assert "1 defect, 2 results" in page.render(Results(Header((), {}, (), plugins=notes), tuple(rows)))
    assert "2 defects, 2 results" in page.render(Results(Header((), {}, ()), tuple(rows)))


def test_a_defects_expectation_is_named_with_its_reason_and_safe_link(results, parsed):
    words = " ".join(" ".join(parsed.words).split())
    assert "known-1" in words
    assert not any(str(value).startswith("javascript:") for _, each in parsed.tags for value in each.values())


def test_the_pages_data_is_compressed(parsed, data):
    assert len(parsed.scripts["data"]) < len(json.dumps(data)) / 3
    assert "DecompressionStream" in parsed.scripts[None]


def test_shared_stages_stand_once(results, data):
    assert len(data["stages"]) == 1 + len(Outcome)
    assert sum(len(item.stages) for item in results.results) > 3 * len(data["stages"])


def test_the_pages_numbers_are_short():
    short = page_data(Results(Header((), {}, ()), (result("c", "r", Outcome.EXACT),)))
    assert short["stages"][1]["units"] == 2.0
    assert "max_abs" not in short["stages"][1]


@pytest.mark.parametrize(
    ("message", "changes", "shown"),
    [
        (f"divergent at a: {EVIL}", {}, False),
        (EVIL, {}, False),
        ("fixed upstream: remove this", {}, True),
        (f"divergent at a: {EVIL} (expected: why)", {"judgement": Judgement.EXPECTED}, False),
        (f"expectation 'k' says hang at b, but it is divergent at a: {EVIL}", {"judgement": Judgement.FAILED}, True),
    ],
)
def test_a_message_that_a_stage_shows_is_not_said_twice(message, changes, shown):
    note = {"expectation": ExpectationNote("k", Outcome.DIVERGENT, "why", "")} if changes else {}
    deviating = result("c", ROUTES[0], Outcome.DIVERGENT, message=message, **changes, **note)
    (row,) = page_data(Results(Header((), {}, ()), (deviating,)))["results"]
    assert row.get("message") == (message if shown else None)


def test_the_summary_needs_no_script(results, parsed):
    words = " ".join(" ".join(parsed.words).split())
    assert results.sentence in words
    assert "Routes that could not run (1)" in words
    assert "keras-c" in words
    assert "not installed" in words
    for meaning in (*legend.OUTCOMES.values(), *legend.JUDGEMENTS.values()):
        assert meaning in words


def test_the_matrix_names_its_worst_outcome_in_words(parsed):
    cells = [attributes for tag, attributes in parsed.tags if tag == "button" and "data-layer" in attributes]
    assert [(cell["data-layer"], cell["data-route"]) for cell in cells] == [("Dense", route) for route in ROUTES]
    assert [cell["class"] for cell in cells] == ["o-hang", "o-hang"]
    assert cells[0]["title"].startswith("12 results, 7 failed, 1 expected")
    assert cells[1]["title"].startswith("10 results, 7 failed, 0 expected")


def test_the_legend_knows_every_word():
    assert list(legend.OUTCOMES) == list(Outcome)
    assert set(legend.JUDGEMENTS) == set(Judgement)
    words = legend.words()
    assert [item["name"] for item in words["outcomes"] if item["passes"]] == ["exact", "faithful", "drift"]
    assert [item["name"] for item in words["outcomes"] if item["calm"]] == ["exact", "faithful"]
    assert words["judgements"] == ["passed", "expected", "failed"]
    assert ("sqnr_db", "SQNR dB") in words["metrics"]


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
        (math.inf, "infinite, or NaN"),
    ],
)
def test_the_keys_of_the_picture_are_the_comparators_digits(units, meaning):
    digit = int(compare._digit(units), 36)
    assert next(words for key, words in legend.PICTURE if digit <= int(key[-1], 36)) == meaning


def test_a_cut_run_says_so(results, tmp_path):
    cut = Results(results.header, results.results)
    assert "The run was cut" in write_report(cut, tmp_path / "cut.html").read_text(encoding="utf-8")


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
def test_a_busy_machine_is_told(results, start, highest, sentence):
    footer = replace(results.footer, load=highest) if highest is not None else None
    busy = replace(results, header=replace(results.header, load=start), footer=footer)
    text = page.render(busy)
    assert (sentence in text) if sentence else ("busy:" not in text)


def test_a_run_without_results_still_tells_why(results, tmp_path):
    text = write_report(Results(results.header, ()), tmp_path / "none.html").read_text(encoding="utf-8")
    assert "keras-c" in text


def test_the_file_is_whole_or_not_there(results, tmp_path, monkeypatch):
    out = write_report(results, tmp_path / "new" / "report.html")
    before = out.read_bytes()

    def torn(*_args):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", torn)
    with pytest.raises(OSError, match="no space"):
        write_report(results, out)
    assert out.read_bytes() == before
    assert [item.name for item in out.parent.iterdir()] == ["report.html"]


def test_the_page_does_not_depend_on_when_it_is_made(results):
    assert page.render(results) == page.render(results)
