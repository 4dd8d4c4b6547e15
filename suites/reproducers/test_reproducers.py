"""The reproducer of a known deviation shows it, in an interpreter without the harness."""

from pathlib import Path

import pytest

from harness.judge.expectations import Expectation
from harness.reproducer.known import obstacle, of_expectation, shows
from harness.reproducer.running import Answer
from harness.reproducer.write import ISSUE, LINES, SCRIPT
from harness.run.session import Session


@pytest.mark.reproduced
def test_reproducer_shows_the_deviation(item: Expectation, parity: Session, tmp_path: Path) -> None:
    """The script ends with DEVIATES and is short; the issue's text contains the whole script."""
    if why := obstacle(parity, item):
        pytest.skip(f"no route of {item.id} can run here: {why}")
    folder = of_expectation(parity, item, tmp_path / item.id).folder
    answer, line = shows(parity, item, folder)
    assert answer is Answer.FAILED, line
    script = (folder / SCRIPT).read_text()
    assert len(script.splitlines()) <= LINES
    assert "harness" not in script
    assert script in (folder / ISSUE).read_text()
    assert folder.with_name(folder.name + ".zip").is_file()
