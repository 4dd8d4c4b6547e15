"""Tables, pages and progress."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.console import print_page, print_records, tracked

RECORDS = [
    {"name": "a", "count": 12, "units": 0.123456, "good": True, "formats": ["keras", "onnx"], "reason": None},
    {"name": "long name", "count": 3, "units": 4.0, "good": False, "formats": [], "reason": "why"},
]


def test_records_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_records(RECORDS, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "name       count   units  good  formats      reason",
        "a             12  0.1235  yes   keras, onnx  -     ",
        "long name      3       4  no                 why   ",
    ]


def test_a_wide_table_is_not_cut_to_80_columns_for_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_records([{"reason": "x" * 150}], as_json=False)
    assert "x" * 150 in capsys.readouterr().out


def test_records_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_records(RECORDS, as_json=True)
    assert json.loads(capsys.readouterr().out) == RECORDS


def test_a_page_is_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "deep" / "page.md"
    print_page("text\n", None)
    print_page("text\n", path)
    assert capsys.readouterr().out == f"text\n{path}\n"
    assert path.read_text() == "text\n"


def test_items_come_one_by_one_and_are_named_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    items = tracked(iter([1, 2]), lambda item: f"item {item}", total=2)
    assert next(items) == 1
    assert list(items) == [2]
    out, err = capsys.readouterr()
    assert out == ""
    assert "item 2" in err
    assert "2/2" in err
