"""A walk of released converters whose head is ended."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.gates import ROUTE, fill
from tests.interruptions import PATIENCE, Run

HEAD = f"""
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what is to run in the background

import sys
from pathlib import Path

from harness.beside.walk import Order
from harness.run.session import Selection
from harness.signals import interruptible

root = Path(sys.argv[1])
with interruptible():
    Order(Selection(route=({ROUTE!r},)), root, (), root, 2).results()
"""


def test_a_head_in_the_background_that_is_ended_leaves_no_walk_behind(tmp_path: Path) -> None:
    """What was started with Ctrl-C ignored, and so its children, heeds SIGTERM only."""
    fill(tmp_path)
    run = Run.start(tmp_path, HEAD, str(tmp_path))
    run.interrupted(signal.SIGTERM, alone=True)
    deadline = time.monotonic() + PATIENCE / 2
    while (left := run.left()) and time.monotonic() < deadline:
        pass
    assert left == []
