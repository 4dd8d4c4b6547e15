"""The watch over one request: how much processor time it has used, and how long it has taken by the clock."""

from __future__ import annotations

import time

from harness.machine import PROCESSORS, processor_seconds

PATIENCE = 5.0
"""How many times its limit a request may take by the clock: other processes slow it down, and a worker that sleeps
uses no processor."""


class Watch:
    """Limits what the process `pid` and its children use from the first look on to `limit` seconds of processor time,
    and the time since the watch began to `PATIENCE` times as many.

    So a request that is answered before the first look costs nothing. A look at the processor time takes milliseconds:
    the next one waits until all processors together could have used up what is left.
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
            self._next = now + left / PROCESSORS
        if now >= self.end:
            return f"{PATIENCE * self.limit:g} s, in which it used less than {self.limit:g} s of processor time"
        return ""
