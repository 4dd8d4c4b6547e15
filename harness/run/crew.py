"""Walks cases in several processes, each with a session and workers of its own."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import groupby, islice
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

import psutil

from harness.adapters.routes import Route
from harness.corpus.store import Entry
from harness.errors import InputError
from harness.results.events import Result
from harness.run.corpus_walk import CorpusWalk
from harness.run.session import Selection, Session
from harness.signals import ENDING, held, released
from harness.workers.garbage import uncollected

TRAY = 24
"""Cases that a process gets at once: few, so that all end at the same time; more than one, because asking costs."""
WORKER_BYTES = 3 << 30
"""Memory of one process with its framework workers."""
GRACE = 5.0
"""Seconds that a process may take to end its workers when the run is interrupted."""
Pair = tuple[Entry, Route]


class CrewError(InputError):
    """A process of a crew died."""


def most_jobs() -> int:
    """As many processes as the processors and the memory carry, at most 8."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, psutil.virtual_memory().total // WORKER_BYTES, 8))


def walked(session: Session, pairs: Sequence[Pair], jobs: int) -> Iterator[Result]:
    """The results of these pairs, as they come: from this process, or with `jobs` above 1 from so many others.

    Raises CrewError if a process dies: its results are lost, and the run with them.
    """
    if jobs < 2:
        yield from _here(session, pairs)
        return
    trays = iter(_trays(pairs))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _open, (session.selection, session.root))
    is_whole = False
    running: set[Future[list[Result]]] = set()
    try:
        while True:
            with held(*ENDING):
                running |= {pool.submit(_walk, tray) for tray in islice(trays, 2 * jobs - len(running))}
            if not running:
                is_whole = True
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
    except BrokenProcessPool as error:
        raise CrewError(
            "a process of the walk died, or could not begin",
            where=f"-n {jobs}",
            expected="results of each case that it took",
            came=str(error),
            advice="Its own message may stand above; where memory ran out, use fewer processes",
        ) from error
    finally:
        if not is_whole:
            _dismiss()
        pool.shutdown(cancel_futures=True)


def _dismiss() -> None:
    """End the processes of the crew at once, with their workers: nobody waits for the trays that they have."""
    members = multiprocessing.active_children()
    family = [process for member in members for process in _family(member)]
    for member in members:
        member.terminate()
    _, left = psutil.wait_procs(family, timeout=GRACE)
    for each in left:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def _family(member: BaseProcess) -> list[psutil.Process]:
    """A process of the crew and its workers. None if the process has ended: the pool reaps its processes, too."""
    try:
        process = psutil.Process(member.pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _here(session: Session, pairs: Iterable[Pair]) -> Iterator[Result]:
    walk = CorpusWalk(session)
    session.warm(session.runnable)
    for entry, route in pairs:
        yield from walk.results(entry, route)


def _trays(pairs: Sequence[Pair]) -> list[list[tuple[Entry, list[str]]]]:
    """Cases with the names of their routes, some for each tray; large models first, each alone, as they take longer."""
    cases = [(entry, [route.name for _, route in members]) for entry, members in _by_case(pairs)]
    large = [[case] for case in cases if case[0].is_large]
    rest = [case for case in cases if not case[0].is_large]
    return [*large, *(rest[n : n + TRAY] for n in range(0, len(rest), TRAY))]


def _by_case(pairs: Sequence[Pair]) -> Iterator[tuple[Entry, list[Pair]]]:
    for _, group in groupby(pairs, key=lambda pair: pair[0].id):
        members = list(group)
        yield members[0][0], members


class _Member:
    """What one process of a crew has: a session, and its walk."""

    session: Session
    walk: CorpusWalk
    routes: dict[str, Route]


def _open(selection: Selection, root: Path) -> None:
    """Called once in each process, which began with the signals held that end a run: SIGTERM is how the run ends it."""
    _Member.session = session = Session(selection, root)
    atexit.register(session.close)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    released(*ENDING)
    with uncollected():
        _Member.walk = CorpusWalk(session)
        _Member.routes = {route.name: route for route in (*session.runnable, *session.detours)}
    session.warm(session.runnable)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the workers, and this process in the midst of its walk."""
    try:
        _Member.session.close()
    finally:
        os._exit(1)


def _walk(tray: Sequence[tuple[Entry, Sequence[str]]]) -> list[Result]:
    return [
        result
        for entry, names in tray
        for name in names
        for result in _Member.walk.results(entry, _Member.routes[name])
    ]
