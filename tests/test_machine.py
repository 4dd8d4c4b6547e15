"""Processor time of a process and its children; the load for each processor."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from harness import machine

CHILD = "import time\nwhile time.process_time() < 0.5: pass\nprint('done', flush=True)\ninput()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print("lives", flush=True)
input()
child.communicate(b"\\n")
print("waited for", flush=True)
input()
"""


def test_living_children_count_and_those_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        seconds = []
        for word in (b"lives\n", b"waited for\n"):
            assert parent.stdout.readline() == word
            seconds.append(machine.processor_seconds(parent.pid))
            parent.stdin.write(b"\n")
            parent.stdin.flush()
    assert all(0.5 <= each < 1.5 for each in seconds)
    assert seconds[1] >= seconds[0] - 0.02, "the system counts in hundredths"


def test_a_sleeping_process_uses_none_and_one_that_is_gone_has_none() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.5)"]) as process:
        time.sleep(1)
        assert machine.processor_seconds(process.pid) < 0.5
    assert machine.processor_seconds(process.pid) == 0


def test_load_is_that_of_the_last_minute_for_each_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "getloadavg", lambda: (14.446, 2.0, 1.0))
    monkeypatch.setattr(machine, "PROCESSORS", 4)
    assert machine.load() == 3.61
