"""The watch over one request: how much processor time it has used, and how long it has taken by the clock."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil

PATIENCE = 5.0
"""How many times its limit a request may take by the clock: other processes slow it down, and a worker that sleeps
uses no processor."""


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


class Watch:
    """Limits what the process `pid` and its children use from the first look on to `limit` seconds of processor time,
    and the time since the watch began to `PATIENCE` times as many.

    So a request that is answered before the first look costs nothing. A look at the processor time takes milliseconds:
    the next one waits until one processor could have used up what is left. Threads that run side by side are so given
    `limit` seconds by the clock, at least.
    """

    def __init__(self, pid: int, limit: float) -> None:
        self.pid = pid
        self.limit = limit
        self.end = time.monotonic() + PATIENCE * limit
        self._before: float | None = None
        self._next = 0.0

    @property
    def left(self) -> float:
        """Seconds that are left by the clock; not below 0."""
        return max(0.0, self.end - time.monotonic())

    def exceeded(self) -> str:
        """Which limit the request has reached, in words; '' if none."""
        now = time.monotonic()
        if now >= self._next:
            total = processor_seconds(self.pid)
            if self._before is None:
                self._before = total
            left = self.limit - (total - self._before)
            if left <= 0:
                return f"{self.limit:g} s of processor time"
            self._next = now + left
        if now >= self.end:
            return f"{PATIENCE * self.limit:g} s, in which it used less than {self.limit:g} s of processor time"
        return ""
