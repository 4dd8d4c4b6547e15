"""`parity run`."""

from __future__ import annotations

from pathlib import Path

from harness.cli.main import AGREED, DEVIATIONS
from harness.results.file import Results
from tests.cli.conftest import Parity


def test_run_that_agrees_and_run_that_deviates(parity: Parity) -> None:
    code, out, _ = parity("run", "--route", "mini-copies")
    assert code == AGREED
    assert "Nothing that matters is wrong" in out
    code, out, _ = parity("run")
    assert code == DEVIATIONS
    assert "FAILED keras-Dense-" in out
    assert len(Results.load(Path("reports/results.ndjson")).results) == 2


def test_options_and_command_are_in_the_header(parity: Parity) -> None:
    parity("run", "--route", "mini-copies", "--limit", "30", "--results", "mine.ndjson")
    header = Results.load(Path("mine.ndjson")).header
    assert header.command == ("parity", "run", "--route", "mini-copies", "--limit", "30", "--results", "mine.ndjson")
    assert header.options == {"route": "mini-copies", "limit": 30.0, "all_cases": False}
    assert header.floor == 1
