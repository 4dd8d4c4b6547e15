"""The verbs that make a page of results: `report`, `calibrate`, `table`, `findings`."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import AGREED, USAGE
from tests.cli.conftest import Parity

ROW = "| mini-copies | 1 | 1 | 0 | 0 | 0 | 1 | 100.0 % |\n"


@pytest.fixture(autouse=True)
def results(parity: Parity) -> None:
    parity("run", "--route", "mini-copies")


def test_report_is_written(parity: Parity) -> None:
    code, out, _ = parity("report", "reports/results.ndjson", "-o", "page.html")
    assert (code, out.strip()) == (AGREED, "page.html")
    assert "mini-copies" in Path("page.html").read_text()


def test_report_has_defaults(parity: Parity) -> None:
    assert parity("report")[1] == "reports/index.html\n"
    assert Path("reports/index.html").is_file()


def test_calibration_is_printed_or_written(parity: Parity) -> None:
    code, page, _ = parity("calibrate")
    assert code == AGREED
    assert page.startswith("# ")
    assert parity("calibrate", "-o", "page.md")[1] == "page.md\n"
    assert Path("page.md").read_text() == page


def test_table_is_printed_or_put_between_its_marks(parity: Parity) -> None:
    code, out, _ = parity("table")
    assert code == AGREED
    assert out.endswith(ROW)
    Path("page.md").write_text("before\n<!-- routes -->\nold\n<!-- /routes -->\nafter\n")
    assert parity("table", "--into", "page.md")[1] == "page.md\n"
    assert Path("page.md").read_text() == f"before\n<!-- routes -->\n{out}<!-- /routes -->\nafter\n"


def test_table_without_marks_is_a_usage_error(parity: Parity) -> None:
    Path("page.md").write_text("before\n<!-- routes -->\nafter\n")
    code, _, err = parity("table", "--into", "page.md")
    assert code == USAGE
    assert "has no lines '<!-- routes -->' and '<!-- /routes -->'" in err
    assert Path("page.md").read_text() == "before\n<!-- routes -->\nafter\n"


def test_findings_without_their_file_are_a_usage_error(parity: Parity) -> None:
    code, _, err = parity("findings", "reports/results.ndjson")
    assert code == USAGE
    assert "there are no findings" in err
