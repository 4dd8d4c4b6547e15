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


def test_report_writes_its_first_screen_as_markdown_too(parity: Parity) -> None:
    assert parity("report", "--markdown", "out/summary.md")[0] == AGREED
    assert (
        Path("out/summary.md").read_text().startswith("## Passed\n\nNothing that matters is wrong: 1 result of 1 case")
    )


def test_report_shows_earlier_runs_in_its_history(parity: Parity) -> None:
    Path("reports/results.ndjson").rename("monday.ndjson")
    parity("run", "--route", "mini-copies")
    assert parity("report", "--history", "monday.ndjson")[0] == AGREED
    assert '"name":"monday"' in Path("reports/index.html").read_text()
    assert parity("report", "--history", "nowhere.ndjson")[0] == USAGE


def test_a_difference_has_a_page(parity: Parity) -> None:
    Path("reports/results.ndjson").rename("base.ndjson")
    parity("run", "--route", "mini-copies")
    code, *_ = parity("diff", "base.ndjson", "reports/results.ndjson", "-o", "diff.html")
    assert code == AGREED
    assert "<title>Parity difference: not worse</title>" in Path("diff.html").read_text()


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
