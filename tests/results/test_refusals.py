"""A file that cannot be trusted: what is said of it, word for word, with the line and what to do next."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.outcomes import Outcome
from harness.results.events import (
    CutRun,
    EmptyResults,
    ForeignResults,
    Header,
    InconsistentResults,
    Judgement,
    Result,
    ResultsError,
    RouteStatus,
    Stage,
    check_line,
)
from harness.results.file import Results, Writer

HEADER = Header(("parity", "run"), {}, (RouteStatus("a"), RouteStatus("b")), started="2026-01-02T03:04:05+00:00")
OTHERS_FILE = "Give the path of a results.ndjson that `parity run` or `pytest suites/ --results PATH` wrote."
EDITED = "The file was edited or two runs wrote to it; repeat the run."


def result(case: str = "c", route: str = "a", **changes: Any) -> Result:
    usual = {"dialect": "keras", "layer": "ReLU", "profile": "main", "config": {}, "judgement": Judgement.PASSED}
    return Result(case=case, route=route, stages=(Stage("keras", Outcome.EXACT),), **{**usual, **changes})


@pytest.fixture
def lines(tmp_path: Path) -> list[dict[str, Any]]:
    """A whole file: header, two results, footer."""
    path = tmp_path / "whole.ndjson"
    with Writer(path, HEADER) as writer:
        writer.add(result())
        writer.add(result(route="b"))
    return [json.loads(line) for line in path.read_text().splitlines()]


def text_of(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def refusal(path: Path, text: str | bytes, kind: type[ResultsError], *, cut_ok: bool = False) -> str:
    """What reading the text says, without the file's name."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(kind) as caught:
        Results.load(path, cut_ok=cut_ok)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.ndjson"


# Files that are none of ours


def test_bytes_that_are_no_text(path: Path) -> None:
    message = "'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"
    assert refusal(path, b"P\xff", ForeignResults) == f': not text; expected UTF-8, got "{message}". {OTHERS_FILE}'


def test_file_without_a_line(path: Path) -> None:
    for text in ("", " \n\n"):
        assert refusal(path, text, EmptyResults, cut_ok=True) == (
            ": the file is empty; expected a header line. The run died at once; repeat it."
        )


def test_line_that_is_not_json(path: Path) -> None:
    assert refusal(path, "<html>\n", ForeignResults) == (
        ", line 1: not JSON (Expecting value: line 1 column 1 (char 0)); expected one line of strict JSON, "
        f"got '<html>'. {OTHERS_FILE}"
    )
    assert refusal(path, '{"schema":NaN}\n', ForeignResults) == (
        ", line 1: not JSON (NaN is not JSON); expected one line of strict JSON, "
        f"""got '{{"schema":NaN}}'. {OTHERS_FILE}"""
    )


def test_line_that_is_no_object(path: Path) -> None:
    assert refusal(path, "[1]\n", ForeignResults) == (
        f", line 1: not a results file; expected a JSON object, got '[1]'. {OTHERS_FILE}"
    )


def test_first_line_that_is_no_header(path: Path) -> None:
    assert refusal(path, '{"event":"result"}\n', ForeignResults) == (
        f""", line 1: not a results file; expected the header, got '{{"event":"result"}}'. {OTHERS_FILE}"""
    )
    assert refusal(path, '{"event":', ForeignResults, cut_ok=True) == (
        f""", line 1: not a results file; expected a whole header line, got '{{"event":'. {OTHERS_FILE}"""
    )


def test_eighty_characters_of_a_line_are_shown(path: Path) -> None:
    message = refusal(path, "x" * 100 + "\n", ForeignResults)
    assert re.search("got '(x+)'", message)[1] == "x" * 80  # type: ignore[index]


def test_line_that_breaks_the_schema(path: Path, lines: list[dict[str, Any]]) -> None:
    del lines[0]["floor"]
    assert refusal(path, text_of(lines), ForeignResults) == (
        f", line 1: $: 'floor' is a required property; got '{json.dumps(lines[0])[:80]}'. {OTHERS_FILE}"
    )


def test_lines_in_the_wrong_place(path: Path, lines: list[dict[str, Any]]) -> None:
    header, first, second, footer = lines
    start = '{"event": "header", "schema": 3, "started": "2026-01-02T03:04:05+00:00", "comman'
    assert refusal(path, text_of([header, first, header]), ForeignResults) == (
        f", line 3: a second header; expected a result or the footer, got '{start}'. {OTHERS_FILE}"
    )
    start = json.dumps(second)[:80]
    assert refusal(path, text_of([header, first, footer, second]), ForeignResults) == (
        f", line 4: a line too many; expected nothing after the footer, got '{start}'. {OTHERS_FILE}"
    )
    assert refusal(path, text_of(lines) + "tail", ForeignResults, cut_ok=True) == (
        f", line 5: a line too many; expected nothing after the footer, got 'tail'. {OTHERS_FILE}"
    )


# Files of ours that cannot be trusted


def test_file_of_another_version(path: Path, lines: list[dict[str, Any]]) -> None:
    lines[0]["schema"] = 1
    assert refusal(path, text_of(lines), InconsistentResults) == (
        ", line 1: the file is of another version of the suite; expected schema 3, got 1. "
        "Read it with that version, or repeat the run."
    )
    lines[0]["schema"] = "2"
    assert refusal(path, text_of(lines), ForeignResults).startswith(", line 1: $.schema: ")


def test_run_that_was_cut(path: Path, lines: list[dict[str, Any]]) -> None:
    advice = "Repeat the run; a report of what there is can be made all the same."
    assert refusal(path, text_of(lines[:3]), CutRun) == (
        ": the run was cut after 2 results, or still runs; expected a footer after line 3, "
        f"got the end of the file. {advice}"
    )
    assert refusal(path, text_of(lines)[:-2], CutRun) == (
        f": the run was cut after 2 results, or still runs; expected a footer after line 3, got a torn line. {advice}"
    )


def test_pair_on_two_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    lines.insert(3, lines[1])
    assert refusal(path, text_of(lines), InconsistentResults) == (
        f", line 4: case c on route a is already on line 2; expected each pair once. {EDITED}"
    )


@pytest.mark.parametrize("change", [{"dialect": "onnx"}, {"layer": "ELU"}, {"config": {"alpha": 1}}])
def test_case_that_changes_from_route_to_route(path: Path, lines: list[dict[str, Any]], change: dict[str, Any]) -> None:
    lines[2] |= change
    assert refusal(path, text_of(lines), InconsistentResults) == (
        ", line 3: case c has another dialect, layer or configuration than on line 2; "
        f"expected the same on every route. {EDITED}"
    )


def test_result_that_contradicts_its_stages(path: Path, lines: list[dict[str, Any]]) -> None:
    lines[2]["outcome"] = "hang"
    assert refusal(path, text_of(lines), InconsistentResults) == (
        f", line 3: case c on route b has outcome hang, its stages say exact. {EDITED}"
    )
    lines[2] |= {"outcome": "exact", "blame": "a"}
    assert refusal(path, text_of(lines), InconsistentResults) == (
        f", line 3: case c on route b has blame a, its stages say None. {EDITED}"
    )


@pytest.mark.parametrize(
    ("change", "stated"),
    [
        ({"results": 3}, "3 results {'exact': 2} {'passed': 2}"),
        ({"outcomes": {"exact": 1}}, "2 results {'exact': 1} {'passed': 2}"),
        ({"judgements": {"failed": 2}}, "2 results {'exact': 2} {'failed': 2}"),
    ],
)
def test_footer_that_counts_otherwise(
    path: Path, lines: list[dict[str, Any]], change: dict[str, Any], stated: str
) -> None:
    lines[3] |= change
    assert refusal(path, text_of(lines), InconsistentResults) == (
        f": the footer states {stated}, the lines hold 2 {{'exact': 2}} {{'passed': 2}}. {EDITED}"
    )


def test_footer_of_a_whole_file_counts_right(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text(text_of(lines))
    loaded = Results.load(path)
    assert loaded.footer is not None
    assert (loaded.footer.results, loaded.footer.outcomes, loaded.footer.judgements) == (2, {"exact": 2}, {"passed": 2})


# What the writer refuses


def test_writer_that_is_not_open(path: Path) -> None:
    message = f"{path}: not open. Use the writer in a `with` statement, or call open()."
    writer = Writer(path, HEADER)
    for attempt in (lambda: writer.add(result()), writer.close):
        with pytest.raises(ResultsError) as caught:
            attempt()
        assert str(caught.value) == message
    writer.abandon()
    writer.open().close()
    with pytest.raises(ResultsError) as caught:
        writer.add(result())
    assert str(caught.value) == message


def test_writer_refuses_a_pair_twice_and_lines_that_break_the_schema(path: Path) -> None:
    with Writer(path, HEADER) as writer:
        writer.add(result())
        with pytest.raises(InconsistentResults) as twice:
            writer.add(result())
        with pytest.raises(ForeignResults) as broken:
            writer.add(result(route="b", profile=3))
        with pytest.raises(ValueError, match="JSON compliant"):
            writer.add(replace(result(route="b"), stages=(Stage("keras", Outcome.EXACT, seconds=float("nan")),)))
    assert str(twice.value) == f"{path}: case c on route a is written twice; expected each pair once"
    assert str(broken.value) == (
        f"{path}: refused to write a line that the schema forbids: $.profile: 3 is not of type 'string'"
    )
    assert len(Results.load(path).results) == 1


# Lines


def test_line_of_no_event() -> None:
    assert check_line({"event": "note"}) == "expected event 'header', 'owed', 'result' or 'footer', got 'note'"
    assert check_line({}) == "expected event 'header', 'owed', 'result' or 'footer', got None"


def test_four_hundred_characters_of_a_complaint_are_shown(lines: list[dict[str, Any]]) -> None:
    lines[1]["layer"] = [0] * 1000
    message = check_line(lines[1])
    assert message == "$.layer: [" + "0, " * 133
    assert check_line({**lines[1], "layer": "ReLU"}) == ""
