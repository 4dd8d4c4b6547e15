"""Reads what steps depend on, in a thread beside the walk.

Reading every file of the frameworks takes as long as the disk needs, a minute where it is slow. Listing these files and
their states takes a second. So files are listed before the walk begins, and read while the walk goes on. Digests are
remembered for the whole machine by the places of files on the disk: environments that uv makes share their files. One
process reads at a time, and the next takes the digests from the memory of the machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Protocol

from harness.fingerprint import Fingerprints, UnknownFiles, digest_of
from harness.installed import SUITE
from harness.workers.turns import Turns

READING = "reading.lock"
"""File of the folder for caches which a process locks while it reads."""
ENDING = 5.0
"""Most seconds that a reading which nobody waits for may take to end."""


class Memory(Protocol):
    """Remembers digests of files for all runs of a machine."""

    def digests(self) -> dict[str, tuple[str, str]]:
        """State and digest of files, by place."""

    def learn(self, digests: Mapping[str, tuple[str, str]]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class _Question:
    """Which digest somebody waits for: of these texts, the contents of distributions and of programs."""

    told: tuple[str, ...]
    distributions: tuple[str, ...]
    programs: tuple[str, ...]
    looked: tuple[str, ...]
    answer: Future[str] = field(default_factory=Future)


class Contents:
    """Digests of all that steps depend on, of which the walk need not wait.

    `memory` belongs to the thread: nobody else may use it. In `folder` lies the lock of the processes that read.
    `suite` is the folder of this project's code; what is named in `without` does not count.
    """

    def __init__(self, memory: Memory, folder: Path, *, suite: Path, without: Collection[str]) -> None:
        self._memory = memory
        self._folder = folder
        self._suite = suite
        self._uninvolved = frozenset(without)
        self._known = _Known()
        self._stop = Event()
        self._files = Fingerprints(self._known, is_stopped=self._stop.is_set)
        self._questions: deque[_Question] = deque()
        self._thread: Thread | None = None
        self._lock = Lock()

    def ask(self, told: Iterable[str], distributions: Iterable[str], programs: Iterable[str]) -> Future[str]:
        """List the files now; the thread reads them. The answer is '' where the files cannot be told."""
        needed = tuple(distributions)
        try:
            looked = self._files.look(needed, without=[SUITE])
        except UnknownFiles:
            return said("")
        looked.append(self._files.look_below(self._suite, without=self._uninvolved))
        question = _Question(tuple(told), needed, tuple(programs), tuple(looked))
        with self._lock:
            self._questions.append(question)
            if self._thread is None:
                self._thread = Thread(target=self._answer_all, name="contents", daemon=True)
                self._thread.start()
        return question.answer

    def are_unchanged(self) -> bool:
        """Whether all files are as they were when they were listed. Ask when every question has been answered."""
        return self._files.are_unchanged()

    def stop(self) -> None:
        """Read no further: nobody waits any more."""
        self._stop.set()
        if (thread := self._thread) is not None:
            thread.join(ENDING)

    def _answer_all(self) -> None:
        while True:
            with self._lock:
                if not self._questions:
                    self._memory.close()
                    self._thread = None
                    return
                question = self._questions.popleft()
            try:
                question.answer.set_result(self._digest(question))
            except BaseException as error:  # who waits for the answer raises it
                question.answer.set_exception(error)

    def _digest(self, question: _Question) -> str:
        if not self._known:
            self._known.update(self._memory.digests())
        if not self._files.must_read(question.looked):
            return self._joined(question)
        with suppress(OSError):  # without it there are no turns
            (self._folder / READING).touch()
        turns = Turns(self._folder, self._folder / READING)
        try:
            with turns.alone():
                self._known.update(self._memory.digests())  # what others have read meanwhile
                try:
                    return self._joined(question)
                finally:
                    self._memory.learn(self._known.news())
        finally:
            turns.close()

    def _joined(self, question: _Question) -> str:
        contents = self._files.of(question.distributions, without=[SUITE])
        programs = (digest_of(path) for path in question.programs)
        return joined([*question.told, contents, *programs, self._files.digest(question.looked[-1])])


class _Known(dict[str, tuple[str, str]]):
    """Digests of files, which knows those that are new."""

    def __init__(self) -> None:
        super().__init__()
        self._news: set[str] = set()

    def __setitem__(self, place: str, value: tuple[str, str]) -> None:
        super().__setitem__(place, value)
        self._news.add(place)

    def news(self) -> dict[str, tuple[str, str]]:
        """Those that came since the last call."""
        news, self._news = {place: self[place] for place in self._news}, set()
        return news


def said(text: str) -> Future[str]:
    """An answer for which nobody has to wait."""
    answer: Future[str] = Future()
    answer.set_result(text)
    return answer


def joined(parts: Iterable[str]) -> str:
    """One digest of several texts."""
    return blake2b("\0".join(parts).encode(), digest_size=20).hexdigest()
