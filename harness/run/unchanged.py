"""Whether what a run depends on is as it was when an earlier part of the run began."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import harness
from harness.fingerprint import CACHES, UnknownFiles, closure, files_of, state_of
from harness.installed import SUITE
from harness.results.file import Results
from harness.results.resumed import AGAIN, CannotResume, cut_run
from harness.run.kept import UNINVOLVED
from harness.run.session import Session


def taken_up(session: Session, path: Path) -> Results | None:
    """The results of the cut run in this file, with which a run may go on; None if it had none.

    Raises CannotResume for a run that has its end, and where what results depend on has changed since it began.
    """
    cut = cut_run(path)
    if cut is not None:
        _check_unchanged(session, cut.header.started, path)
    return cut


def _check_unchanged(session: Session, started: str, path: Path) -> None:
    """Raise CannotResume if a file on which results depend has changed since `started`, a time in ISO 8601.

    These are the files of the suite, its goldens, and the distributions that the selected routes need. `path` is the
    results file of the earlier part.
    """
    if session.interpreters:
        raise CannotResume(
            "nobody looks at the files of a worker with an interpreter of its own", where="--worker", advice=AGAIN
        )
    moment = datetime.fromisoformat(started).timestamp()
    try:
        file = next((file for file in _files(session) if _changed_after(file, moment)), None)
    except UnknownFiles as error:
        raise CannotResume(str(error), where=path, advice=AGAIN) from None
    if file is not None:
        raise CannotResume(
            "a file has changed since the cut run began",
            where=file,
            expected=f"a file that is older than {started}, when the run of {path} began",
            advice=AGAIN,
        )


def _files(session: Session) -> Iterator[str]:
    parts = dict.fromkeys(part for route in session.runnable for part in route.walked(session.registry))
    names = {name for part in parts for name in part.distributions}
    yield from _below(Path(harness.__file__).parent, UNINVOLVED)
    yield from _below(session.root / "golden", ())
    for name in sorted(closure(names, without=[SUITE])):
        yield from files_of(name).values()
    for reference in session.selection.hops:
        found = importlib.util.find_spec(reference.partition(":")[0])
        if found is not None and found.origin is not None:
            yield found.origin


def _below(folder: Path, without: tuple[str, ...]) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = [name for name in folders if name != CACHES and not (here == folder and name in without)]
        yield from (str(here / name) for name in files)


def _changed_after(file: str, moment: float) -> bool:
    """Whether a file's content may have changed. A file with several names, as uv makes them, gets a new entry where
    another environment is made or removed; its content has a time of its own."""
    state = state_of(file)
    return state is not None and (state.written / 1e9 if state.links > 1 else state.changed) >= moment
