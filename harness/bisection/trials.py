"""Trials: the script of a reproducer, run in an environment of its own with one release or commit of a package."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from harness.bisection.search import Trial
from harness.bisection.uv import Uv, UvError, rivals
from harness.errors import InputError
from harness.fingerprint import closure
from harness.installed import SUITE
from harness.patterns import pointer
from harness.reproducer.deviation import beginning
from harness.reproducer.running import Answer, run_reproducer

_RAISED = re.compile(r"DEVIATES: (?=[A-Za-z_]\w*: )")
"""The last line of a script that met an exception: the name of a class follows, then a colon."""


class BisectError(InputError):
    """What cannot be bisected: a package that the script does not use, ends that do not answer as told."""


@dataclass
class Trials:
    """Tries releases and commits of `package` with the script of the folder `reproducer`.

    `packages` are the distributions that the script needs, `installed` the versions that they keep where these fit, by
    canonical name. An environment lies in `folder`. It is one and the same for all trials, in which only what differs
    is replaced; with `keep`, each trial has one of its own. `tell` is called with a line after each trial.

    `limits` are requirements that other packages must meet.

    An exception shows the deviation only if it is that of the first trial that met one: of the bad end, which is tried
    first. Another one says that this release cannot be tried with the rest.
    """

    uv: Uv
    reproducer: Path
    package: str
    packages: tuple[str, ...]
    folder: Path
    installed: Mapping[str, str]
    keep: bool = False
    limits: tuple[str, ...] = ()
    tell: Callable[[str], None] = lambda line: None
    tried: list[Trial] = field(default_factory=list)
    _exception: str | None = None

    def __post_init__(self) -> None:
        self.package = canonicalize_name(self.package)
        known = closure(self.packages)
        if self.package not in known:
            raise BisectError(
                f"the script does not use {self.package}",
                where="--package",
                expected=f"one of {', '.join(self.packages)}, or what these require",
                came=self.package,
                advice=f"{pointer(self.package, known)}The script starts from the artifact before the converter at "
                "fault: for one in front of it, take a shorter --route",
            )

    def release(self, version: str) -> Trial:
        """The trial of a release."""
        return self.of(version, f"{self.package}=={version}")

    def of(self, name: str, requirement: str) -> Trial:
        """The trial of what a requirement brings, under a name. ERROR if it cannot be installed with the rest."""
        done = next((trial for trial in self.tried if trial.name == name), None)
        if done is not None:
            return done
        started = time.monotonic()
        trial = replace(self._tried(name, requirement), seconds=time.monotonic() - started)
        self.tried.append(trial)
        self.tell(f"{self.package} {name}: {trial.word} in {trial.seconds:.1f} s: {trial.line}")
        return trial

    def _tried(self, name: str, requirement: str) -> Trial:
        place = self.folder / (re.sub(r"[^\w.+-]", "_", f"{self.package}-{name}") if self.keep else "environment")
        locked = self.folder / f"{place.name}.txt"
        others = [each for each in self.packages if canonicalize_name(each) != self.package]
        preferred = {each: version for each, version in self.installed.items() if each != self.package}
        try:
            versions = self.uv.resolve([requirement, *others, *self.limits], preferred, locked)
            python = self.uv.install(locked, place)
        except UvError as error:
            return Trial(name, Answer.ERROR, f"cannot be installed with the rest: {error}")
        if others := rivals(place, self.package):
            bring = f"{', '.join(others)}, which the rest needs, brings files of {self.package}"
            return Trial(name, Answer.ERROR, f"cannot be installed with the rest: {bring}")
        return Trial(name, *self._answer(*run_reproducer(self.reproducer, python)), versions=versions)

    def _answer(self, answer: Answer, line: str) -> tuple[Answer, str]:
        """The answer of the script, and its last line; ERROR for another exception than that of an earlier trial."""
        raised = _RAISED.match(line)
        if answer is not Answer.FAILED or raised is None:
            return answer, line
        words = beginning(line[raised.end() :])
        if self._exception is None:
            self._exception = words
        if words == self._exception:
            return answer, line
        return Answer.ERROR, f"another exception: {line[raised.end() :]}"


@contextmanager
def scratch(keep: Path | None) -> Iterator[Path]:
    """A folder for environments: `keep`, or a temporary one that is removed.

    It lies on the file system of uv's cache if one of the usual places does: files are then shared, not copied.
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="parity-bisect-", ignore_cleanup_errors=True) as usual:
        cache = Uv.here(Path(usual)).cache
        if not cache.exists() or cache.stat().st_dev == Path(usual).stat().st_dev:
            yield Path(usual)
            return
        with tempfile.TemporaryDirectory(prefix="parity-bisect-", dir=cache.parent, ignore_cleanup_errors=True) as near:
            yield Path(near)


def installed() -> dict[str, str]:
    """The versions of everything that is installed here, by canonical name, without this project."""
    named = {canonicalize_name(each.metadata["Name"] or ""): each.version for each in distributions()}
    return {name: version for name, version in sorted(named.items()) if name not in ("", SUITE)}
