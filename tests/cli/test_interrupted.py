"""`parity gate` and `parity run` that get Ctrl-C or SIGTERM: one line, a page, a file that is cut, nothing left."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harness.cli.main import INTERRUPTED
from harness.judge.record import Cell, Record
from harness.results.file import Results
from tests.gates import IDS, ROUTE, fill
from tests.interruptions import Run

PARITY = "import harness.run.crew, sys\nharness.run.crew.TRAY = 1\nfrom harness.cli.main import main\nmain()"


@pytest.mark.parametrize(
    ("verb", "number", "alone"),
    [
        (("run",), signal.SIGINT, False),
        (("run",), signal.SIGTERM, True),
        (("gate", "-n", "1"), signal.SIGINT, False),
        (("gate", "-n", "1"), signal.SIGTERM, True),
        (("gate", "-n", "2"), signal.SIGINT, False),
        (("gate", "-n", "2"), signal.SIGINT, True),
        (("gate", "-n", "2"), signal.SIGTERM, True),
        (("gate", "-n", "2"), signal.SIGTERM, False),
    ],
)
def test_an_interruption_says_how_far_it_came(
    verb: tuple[str, ...], number: signal.Signals, alone: bool, tmp_path: Path
) -> None:
    fill(tmp_path)
    Record({(IDS[0], ROUTE): (Cell.parse("exact 0"),)}).save(tmp_path / "golden" / "record")
    args = (*verb, "--route", ROUTE)
    run = Run.start(tmp_path, PARITY, *args)
    code, lines = run.interrupted(number, alone=alone)
    results = Results.load(tmp_path / "reports" / "results.ndjson", cut_ok=True)
    came = len(results.results)
    assert code == INTERRUPTED
    again = " ".join([*args, "--resume"] if verb == ("run",) else args)
    assert lines[-1] == f"interrupted: {came} of 3; go on with `parity {again}`; reports/results.html shows what came"
    assert not [line for line in lines if "Traceback" in line or "lost" in line], "\n".join(lines)
    assert results.cut
    assert came < 3
    assert {result.outcome.passes for result in results.results} <= {
        True
    }  # no worker that was killed passes for a crash
    page = (tmp_path / "reports" / "results.html").read_text()
    assert f"Cut. The run was cut: it has no end. {came} of 3 owed results came" in page
    assert run.left() == []
