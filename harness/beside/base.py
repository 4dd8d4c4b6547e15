"""What a head is compared with: the record or a baseline where it fits, else the released converters, walked beside.

It fits if whatever any route needs has the same version here, and if it has what the head owes. Of the converters under
test the version may differ: a working copy is ahead of its release.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import InvalidVersion, Version

from harness.adapters.routes import Route
from harness.analysis.difference import Base
from harness.beside.release import Release, ReleaseError
from harness.beside.stored import path_of
from harness.beside.walk import BesideError, Order
from harness.files import writing
from harness.installed import AT, SUITE
from harness.judge.record import Record
from harness.results.environments import Discrepancy, OtherEnvironment
from harness.results.events import Header
from harness.results.file import Results
from harness.run.kept import beside_folder
from harness.run.session import Session

ALONE = (
    "no converter on these routes has a release that could be walked beside: formats or runtimes need it, too, "
    "or it is of no distribution"
)
"""Why there is nothing to walk. What converts may be Keras, with which the source is written."""
Bar = Callable[[str], AbstractContextManager[Callable[[], None]]]
"""Opens a bar of this title, and gives what moves it on."""


def converters(session: Session) -> tuple[str, ...]:
    """The distributions of the converters under test: of those that the selected routes walk, all that nothing but a
    converter needs. One that is walked in several releases is none: these are compared with each other."""
    registry = session.registry
    others = {name for part in (*registry.formats, *registry.runtimes) for name in part.distributions}
    given = {text.partition(AT)[0] for text in session.selection.hops if AT in text}
    in_releases = {hop.distribution for hop in registry.hops if hop.name in given}
    walked = {part.distribution for route in session.runnable for part in route.walked(registry) if part.kind == "hop"}
    return tuple(sorted(walked - others - in_releases - {"", SUITE}))


@dataclass(frozen=True)
class Standard:
    """Finds the base for what a session is about to walk with `jobs` processes, its results going to `target`.

    The results of released converters go to a file next to `target`. Shards agree on their base, as the pairs of the
    whole run decide what it is.
    """

    session: Session
    header: Header
    target: Path
    jobs: int
    bar: Bar

    def base(self, asked: Base, across: Iterable[str] = ()) -> Base:
        """The base that was asked for, if it fits, else what the released converters do.

        Raises OtherEnvironment if it does not fit and no release can be walked, and for a name in `across` that nobody
        knows.
        """
        asked = replace(asked, under_test=converters(self.session))
        across = tuple(across)
        apart = self._apart(asked, across)
        if not apart and not self._lacks(asked):
            return asked
        if not asked.under_test:
            if apart:
                raise _refused(apart, (), ALONE)
            return replace(asked, remarks=(f"what is not on record is new, and nothing more: {ALONE}",))
        try:
            return self._walked(asked, apart)
        except (ReleaseError, BesideError) as error:
            if apart or self.session.record.versions.keys() & set(asked.under_test):
                raise _refused(apart, asked.under_test, str(error)) from error
            return replace(asked, remarks=(f"what is not on record is new, and nothing more: {error}",))

    def _apart(self, asked: Base, across: Sequence[str]) -> tuple[Discrepancy, ...]:
        """What differs from the base, and makes it unfit."""
        found = asked.unlike(self.header.versions, across)
        return tuple(each for each in found if each.name not in asked.under_test or not self._is_ahead(asked, each))

    def _is_ahead(self, asked: Base, found: Discrepancy) -> bool:
        """Whether a converter under test may have another version than the base.

        A baseline was chosen by name. The record fits if its version is the newest release that is not above the one
        here.
        """
        if asked.results is not None:
            return True
        try:
            if Version(found.head) < Version(found.base):
                return False
            with _place(self.session) as place:
                return self._release(found.name, place).version == found.base
        except (InvalidVersion, ReleaseError):  # no index: the version on record is a release that is not above
            return True

    def _lacks(self, asked: Base) -> bool:
        """Whether the record lacks a stage of a converter under test that the head owes; of any, if none is. Of a run
        only fresh cases are asked: that it lacks goldens may be meant."""
        if asked.results is not None:
            return any((entry.id, route.name) not in asked.owed for entry, route in self.session.fresh)
        return any(
            _is_new(asked.record, entry.id, route, asked.under_test) for entry, route in self.session.every_pair()
        )

    def _release(self, name: str, place: Path) -> Release:
        recorded = self.session.record.versions.get(name, "")
        release = Release.not_above(name, self.header.versions[name], place / "releases", recorded)
        release.check_needs()
        return release

    def _walked(self, asked: Base, apart: tuple[Discrepancy, ...]) -> Base:
        """The results of the released converters, in an environment that is this one but for them."""
        with _place(self.session) as place:
            releases = tuple(self._release(name, place) for name in asked.under_test)
            names = ", ".join(map(str, releases))
            folder = place / "results"
            folder.mkdir(exist_ok=True)
            order = Order(self.session.selection, self.session.root, releases, folder, self.jobs, self.header.command)
            with self.bar(f"walking {names}") as tell:
                walked = order.results(tell)
            with writing(path := path_of(self.target)):
                shutil.copyfile(walked, path)
        results = Results.load(path)
        name = f"{names} (released)"
        return Base.released(name, results, self.session.record, under_test=asked.under_test, apart=apart)


def _is_new(record: Record, case: str, route: Route, under_test: Sequence[str]) -> bool:
    """Whether a stage of these converters, or of any if none is named, is not on record, though those before it do not
    deviate there."""
    for chain, parts in route.chains:
        is_tested = parts[-1].kind == "hop" and (not under_test or parts[-1].distribution in under_test)
        if is_tested and not record.at(case, chain):
            return True
        if record.deviates(case, chain):
            return False
    return False


@contextmanager
def _place(session: Session) -> Iterator[Path]:
    """Where releases and their results lie: where steps are kept, or where nothing is, in a folder that goes again."""
    if session.kept is not None:
        place = beside_folder()
        place.mkdir(parents=True, exist_ok=True)
        yield place
        return
    with TemporaryDirectory(prefix="parity-beside-", ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)


def _refused(apart: Sequence[Discrepancy], names: Sequence[str], why: str) -> OtherEnvironment:
    if not apart:
        return OtherEnvironment(
            f"what is selected is not on record, and the released {', '.join(names)} cannot be walked beside: {why}",
            where="versions",
            advice="Compare with the results of an earlier run: --baseline FILE",
        )
    return OtherEnvironment(
        f"the base is of another environment, and no released converter can be walked beside: {why}",
        where="versions",
        expected=", ".join(f"{each.name} {each.base}" for each in apart),
        came=", ".join(f"{each.name} {each.head}" for each in apart),
        advice="Install the versions on record, which `parity constraints` prints; or compare all the same: "
        + " ".join(f"--across {each.name}" for each in apart),
    )
