"""Turns of processes that share a machine: requests go on side by side, or one goes on alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
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

    def side_by_side(self) -> AbstractContextManager[None]:
        """A context within which nobody is alone."""
        return self._turn(0 if fcntl is None else fcntl.LOCK_SH)

    def alone(self) -> AbstractContextManager[None]:
        """A context within which nobody else has a turn. It begins when all others have ended theirs."""
        return self._turn(0 if fcntl is None else fcntl.LOCK_EX)

    def close(self) -> None:
        """End all turns."""
        for descriptor in self._descriptors or ():
            os.close(descriptor)
        self._descriptors = None

    @contextmanager
    def _turn(self, how: int) -> Iterator[None]:
        descriptors = self._opened()
        if not descriptors:
            yield
            return
        door, room = descriptors
        _lock(door, how)
        try:
            _lock(room, how)
        finally:
            _lock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            _lock(room, fcntl.LOCK_UN)

    def _opened(self) -> tuple[int, ...]:
        """Descriptors of door and room; none where there are no locks."""
        if self._descriptors is None:
            try:
                self._descriptors = tuple(os.open(path, os.O_RDONLY) for path in self._paths if fcntl is not None)
            except OSError:
                self._descriptors = ()
        return self._descriptors


def _lock(descriptor: int, how: int) -> None:
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, how)
