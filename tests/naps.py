"""Converters that sleep, and walks that need not wait for them.

A converter says how long it sleeps. A walk of a test that has called `believe` takes its word: a request within which
more seconds were announced than its limit is over at once, and one with fewer is not, however long the machine takes.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:  # the converters import this in their workers
    import pytest

    from harness.workers.pool import Worker

FOREVER = 86400.0
_READ: WeakKeyDictionary[Worker, int] = WeakKeyDictionary()
"""Bytes of each worker's log that earlier requests left."""


def nap(seconds: float) -> None:
    """Announce a sleep. One for ever is slept, a shorter one is not."""
    print(f"asleep for {seconds:g} s", flush=True)
    if seconds == FOREVER:
        time.sleep(60)


def believe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the limits of requests count announced seconds instead of real ones."""
    from harness.workers.pool import Worker
    from harness.workers.watch import PATIENCE

    wait = Worker._answer

    def answer(worker: Worker, limit: float) -> Any:
        """What the worker answers, once its log since the answer before has been read."""
        while True:
            try:
                reply = [wait(worker, 0.02 / PATIENCE)]
            except worker._channel.TimeoutError:
                reply = []
            log = worker.log.read_bytes() if worker.log.exists() else b""
            naps = re.findall(rb"asleep for (\d+) s\n", log[_READ.get(worker, 0) :])
            too_long = any(float(seconds) > limit for seconds in naps)
            if reply or too_long:
                _READ[worker] = len(log)
                if too_long:
                    raise worker._channel.TimeoutError(f"no answer within {limit:g} s")
                return reply[0]

    monkeypatch.setattr(Worker, "_answer", answer)
