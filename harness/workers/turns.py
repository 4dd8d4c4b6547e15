"""Turns of processes that share a machine: requests go on side by side, or one goes on alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: there, a request has company even in its turn alone
    fcntl = None


class Turns:
    """Turns among all processes that name the same two paths, a door and a room, which exist and stay as they are.

    Whoever enters holds the room, shared or alone, and the door until it has the room. So nobody else enters while
    somebody waits to be alone. The system ends the turn of a process that dies. Without paths, or with paths that
    cannot be locked, as on some network file systems, there is nobody to wait for.
    """

    def __init__(self, *door_and_room: Path) -> None:
        self._paths = door_and_room
        self._descriptors: tuple[int, ...] | None = None

    @contextmanager
    def side_by_side(self) -> Iterator[None]:
        """Within this context, nobody is alone."""
        with self._entered(0 if fcntl is None else fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within this context, nobody else has a turn. Waits until all others have ended theirs."""
        with self._entered(0 if fcntl is None else fcntl.LOCK_EX):
            yield

    def close(self) -> None:
        """End all turns."""
        for descriptor in self._descriptors or ():
            os.close(descriptor)
        self._descriptors = None

    @contextmanager
    def _entered(self, how: int) -> Iterator[None]:
        with ExitStack() as room:
            with ExitStack() as door:
                for descriptor, stack in zip(self._opened(), (door, room), strict=False):
                    with suppress(OSError):
                        fcntl.flock(descriptor, how)
                        stack.callback(fcntl.flock, descriptor, fcntl.LOCK_UN)
            yield

    def _opened(self) -> tuple[int, ...]:
        """Descriptors of door and room; none where there are no locks."""
        if self._descriptors is None:
            try:
                self._descriptors = tuple(os.open(path, os.O_RDONLY) for path in self._paths if fcntl is not None)
            except OSError:
                self._descriptors = ()
        return self._descriptors
