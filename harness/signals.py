"""Signals that end a run: Ctrl-C, and the SIGTERM by which a CI system stops a job, are one interruption."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM)


class _Interruption:
    """Raises KeyboardInterrupt for the first signal, and for each further Ctrl-C.

    A SIGTERM behind another signal is not heeded: CI systems send both, some seconds apart, and the run is then busy
    writing down what it has.
    """

    def __init__(self) -> None:
        self.is_under_way = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM and self.is_under_way:
            return
        self.is_under_way = True
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Within, SIGTERM raises KeyboardInterrupt as Ctrl-C does. Threads beside the main one get no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # nohup sets that
    interruption = _Interruption()
    before = {number: signal.signal(number, interruption) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held(*numbers: signal.Signals) -> Iterator[None]:
    """Hold these signals back. A process that starts within holds them back for good; this one gets them behind it.

    A terminal sends Ctrl-C to all processes of a run, and only the one that began the run may end it: a converter that
    gets it would pass for one that crashed.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def released(*numbers: signal.Signals) -> None:
    """Get the signals that were held when this process started."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
