"""A release of a converter in a folder of its own, which stands before what is installed and changes nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.bisection.uv import Uv, UvError, last_words
from harness.errors import InputError
from harness.installed import NOT_INSTALLED, version_of


class ReleaseError(InputError):
    """A release that cannot be had, or is not what a process imports."""


@dataclass(frozen=True)
class Release:
    """A released version of a distribution, and the folder that holds it and nothing else."""

    name: str
    version: str
    folder: Path

    @classmethod
    def not_above(cls, name: str, here: str, place: Path, recorded: str = "") -> Release:
        """The newest release that is not above the version `here`, unpacked below `place`, where it stays.

        Where there is none, as below the version of a checkout without tags, it is the one on record, else the newest
        of all. Without an index, one that lies below `place` serves. Raises ReleaseError.
        """
        name = canonicalize_name(name)
        there = [each for each in _unpacked(name, place) if _is_below(each.version, here)]
        if exact := next((each for each in there if each.version == here), None):
            return exact
        wanted = (f"{name}{bound(here)}", f"{name}=={recorded}" if recorded else name)
        problems: list[str] = []
        for requirement in dict.fromkeys(wanted):
            try:
                return cls._fetched(name, requirement, place)
            except UvError as error:
                problems.append(error.problem)
        if there:
            return max(there, key=lambda each: Version(each.version))
        raise ReleaseError(f"no release of {name} can be had: {problems[0]}", where=name, expected=wanted[0])

    @classmethod
    def _fetched(cls, name: str, requirement: str, place: Path) -> Release:
        with _fresh(place) as folder:
            _install(requirement, folder)
            version = _distribution(name, folder).version
            final = place / f"{name}-{version}-{sys.implementation.cache_tag}"
            with suppress(OSError):  # another process was first
                folder.rename(final)
        return cls(name, version, final)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def modules(self) -> list[str]:
        """The packages and modules that it brings."""
        found = (path for path in self.folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())
        return sorted(path.stem for path in found)

    def check_needs(self) -> None:
        """Raise ReleaseError if it needs a distribution that is not installed here."""
        requirements = map(Requirement, _distribution(self.name, self.folder).requires or [])
        needed = [each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]
        if lacking := [name for name in needed if version_of(name) == NOT_INSTALLED]:
            raise ReleaseError(
                f"{self.name} {self.version} needs what is not installed here: {', '.join(lacking)}",
                where=self.name,
                advice=f"Install it: {sys.executable} -m pip install {' '.join(lacking)}",
            )

    def check_imported(self) -> None:
        """Raise ReleaseError if this process has it in another version, or would import it from elsewhere."""
        came = version_of(self.name)
        for module in self.modules:
            spec = find_spec(module)
            origin = "nowhere" if spec is None else str(spec.origin)
            if not Path(origin).is_relative_to(self.folder):
                came = origin
        if came != self.version:
            raise ReleaseError(
                f"the release of {self.name} is not what would be imported",
                where=self.name,
                expected=f"{self.version} from {self.folder}",
                came=came,
                advice="Install the working copy without --editable",
            )


def bound(here: str) -> str:
    """The releases that are not above a version, as a specifier: a development version is below its release."""
    try:
        version = Version(here)
    except InvalidVersion:
        return ""
    if version.is_prerelease and version.post is None:
        return f"<{version.base_version}"
    return f"<={version.base_version if version.is_prerelease else version.public}"


def _is_below(version: str, here: str) -> bool:
    return not bound(here) or Requirement(f"x{bound(here)}").specifier.contains(version)


def _unpacked(name: str, place: Path) -> Iterator[Release]:
    """The releases that lie there for this interpreter."""
    for folder in place.glob(f"{name}-*-{sys.implementation.cache_tag}"):
        with suppress(StopIteration):
            yield Release(name, _distribution(name, folder).version, folder)


def _distribution(name: str, folder: Path) -> Distribution:
    found = distributions(path=[str(folder)])
    return next(each for each in found if canonicalize_name(each.metadata["Name"]) == name)


@contextmanager
def _fresh(place: Path) -> Iterator[Path]:
    place.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="new-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install(requirement: str, folder: Path) -> None:
    """Have uv, or pip where there is no uv, unpack what a requirement names. Raises UvError."""
    try:
        Uv.here(folder).unpack(requirement, folder)
    except UvError:
        if PathFinder.find_spec("pip") is None:
            raise
        words = ("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(folder), requirement)
        command = [sys.executable, "-I", "-m", "pip", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise UvError(last_words(done)) from None
