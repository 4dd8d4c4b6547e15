"""The script that a bisection runs: of a case on a route, of a known deviation, or of a folder that is there."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.adapters.routes import Route
from harness.judge.expectations import Expectation
from harness.outcomes import Outcome
from harness.reproducer.known import choose, of_expectation, routes_of
from harness.reproducer.write import SCRIPT, VERSIONS, ReproduceError, write, write_check
from harness.run.session import Session
from harness.spec import Case

_NO_PACKAGES = ("python", "platform")


@dataclass(frozen=True)
class Script:
    """A folder with a script, the distributions that it needs, and whether it `deviates` with what is installed."""

    folder: Path
    packages: tuple[str, ...]
    deviates: bool

    @classmethod
    def of_folder(cls, reproducer: Path, folder: Path, *, deviates: bool = True) -> Script:
        """That of a folder which `parity reproduce` wrote, copied to `folder`. Raises ReproduceError."""
        for name in (SCRIPT, VERSIONS):
            if not (reproducer / name).is_file():
                raise ReproduceError(
                    "the folder is no reproducer",
                    where=reproducer,
                    expected=f"a {name} in it",
                    advice="`parity reproduce` writes one",
                )
        if reproducer.resolve() != folder.resolve():
            shutil.copytree(reproducer, folder, dirs_exist_ok=True)
        known = json.loads((folder / VERSIONS).read_text(encoding="utf-8"))
        return cls(folder, tuple(name for name in known if name not in _NO_PACKAGES), deviates)

    @classmethod
    def of_case(cls, session: Session, name: str, folder: Path) -> Script:
        """That of a case: on the first selected route on which it deviates, else on the first one.

        Raises GoldenError, SelectionError and ReproduceError.
        """
        entry = session.find(name)
        case, routes = entry.load(), session.routes_of(entry)
        return cls._written(session, case, routes, folder)

    @classmethod
    def of_known(cls, session: Session, name: str, folder: Path) -> Script:
        """That of the minimal case of an expectation; where it agrees here, of its route.

        Raises SelectionError and ReproduceError.
        """
        item = choose(session, name)[0]
        case = session.store.find(item.case).load()
        routes = routes_of(session, item, case.spec.dialect)
        endings = [_outcome(session, case, route) for route in routes]
        if routes and all(ending.passes for ending in endings):
            return cls._written(session, case, routes, folder)
        return cls._of_expectation(session, item, folder)

    @classmethod
    def _of_expectation(cls, session: Session, item: Expectation, folder: Path) -> Script:
        of_expectation(session, item, folder)
        return cls.of_folder(folder, folder)

    @classmethod
    def _written(cls, session: Session, case: Case, routes: list[Route], folder: Path) -> Script:
        deviating = next((route for route in routes if not _outcome(session, case, route).passes), None)
        if deviating is None:
            write_check(session, case, routes[0], folder)
        else:
            write(session, case, deviating, folder)
        return cls.of_folder(folder, folder, deviates=deviating is not None)


def _outcome(session: Session, case: Case, route: Route) -> Outcome:
    return session.walk.result(case, route).outcome
