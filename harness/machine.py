"""What a machine does meanwhile: the processor time that a process has used, and the load."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

PROCESSORS = os.cpu_count() or 1


def processor_seconds(pid: int) -> float:
    """Seconds of processor time, user and system, of a process and its children: living ones, and those it waited for.

    0 if there is no such process. It takes 2 ms among a hundred processes: the system is asked for all of them.
    """
    total = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                times = each.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def load() -> float:
    """Processes that run or wait for a processor, for each processor: the mean of the last minute, to two digits."""
    return round(psutil.getloadavg()[0] / PROCESSORS, 2)
