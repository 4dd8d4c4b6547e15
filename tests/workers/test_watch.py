"""The watch over a request, on a clock and a count of processor time that the test moves; and the real count."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from harness.workers import watch
from harness.workers.watch import Watch, processor_seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`clock`, seconds `used` by processes, and `looks`, the times at which that was asked for."""
    state = SimpleNamespace(clock=100.0, used=7.0, looks=[])

    def used(pid: int) -> float:
        assert pid == 42
        state.looks.append(state.clock)
        return state.used

    monkeypatch.setattr(watch, "processor_seconds", used)
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: state.clock))
    return state


def test_what_was_used_before_does_not_count_and_looks_are_as_rare_as_can_be(machine: SimpleNamespace) -> None:
    """Of 8 s, one processor can use up the rest in 8 s; after 5 s are used, in 3 s; after 7, in one."""
    watched = Watch(42, 8)
    seen = {}
    for clock, used in [(0.1, 7), (5, 11), (8.0, 12), (8.2, 12), (11, 13), (11.3, 14), (12.2, 14.5), (12.4, 15)]:
        machine.clock, machine.used = 100 + clock, used
        seen[clock] = watched.exceeded()
    assert seen == {**dict.fromkeys([0.1, 5, 8.0, 8.2, 11, 11.3, 12.2], ""), 12.4: "8 s of processor time"}
    assert machine.looks == [100.1, 108.2, 111.3, 112.4]


def test_threads_side_by_side_have_the_limit_by_the_clock(machine: SimpleNamespace) -> None:
    """Four of them use 28 s in 7 s."""
    watched = Watch(42, 8)
    watched.exceeded()
    machine.clock, machine.used = 107, 35
    assert watched.exceeded() == ""
    machine.clock, machine.used = 108, 39
    assert watched.exceeded() == "8 s of processor time"


def test_the_clock_ends_what_uses_no_processor(machine: SimpleNamespace) -> None:
    watched = Watch(42, 8)
    machine.clock = 139.9
    assert (watched.exceeded(), round(watched.left, 9)) == ("", 0.1)
    machine.clock = 140
    assert watched.exceeded() == "40 s, in which it used less than 8 s of processor time"
    machine.clock = 150
    assert watched.left == 0


def test_processor_time_is_told_first(machine: SimpleNamespace) -> None:
    watched = Watch(42, 8)
    watched.exceeded()
    machine.clock, machine.used = 140, 15
    assert watched.exceeded() == "8 s of processor time"


CHILD = "import time\nwhile time.process_time() < 0.6: pass\nprint('done', flush=True)\ninput()"
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
    """The child uses 0.6 s. The system cuts user and system time of each process to hundredths of a second."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        seconds = []
        for word in (b"lives\n", b"waited for\n"):
            assert parent.stdout.readline() == word
            seconds.append(processor_seconds(parent.pid))
            parent.stdin.write(b"\n")
            parent.stdin.flush()
    assert all(0.55 <= each < 1.5 for each in seconds), seconds
    assert seconds[1] >= seconds[0] - 0.02, "the system counts in hundredths"


def test_a_sleeping_process_uses_none_and_one_that_is_gone_has_none() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.5)"]) as process:
        time.sleep(1)
        assert processor_seconds(process.pid) < 0.5
    assert processor_seconds(process.pid) == 0
