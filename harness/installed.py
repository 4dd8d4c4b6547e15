"""Which distributions are installed, at which versions, and where what comes with this one lies.

A worker may have an interpreter of its own (`harness.adapters.interpreters`). What only this worker needs counts as
installed in the version that it has there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

SUITE = "parity-suite"
"""This project's own distribution."""
NOT_INSTALLED = "not installed"
"""Stands for the version of a missing distribution."""
AT = "@"
"""Stands before the release in the name of a converter that is walked in more than one."""
STAND_INS = {"onnxruntime": ("onnxruntime-gpu",)}
"""Distributions with the same modules as another, which count as that one where it is missing."""
_ELSEWHERE: dict[str, str] = {}
"""Versions of what workers with an interpreter of their own need."""
LOCK = Path(__file__).parent / "constraints.txt"
"""The exact version of everything that the project was tested with, as a constraints file of pip."""
COMPUTES_WITH = ("numpy", "scipy", "hypothesis", "pytest", SUITE)
"""The distributions with which the suite itself draws and computes."""


def shipped(name: str) -> Path:
    """A folder that comes with the project: inside the package where a wheel was installed, else beside it."""
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def constraints(recorded: Mapping[str, str]) -> dict[str, str]:
    """The versions of a record, and those of the lock for what a record does not name, by canonical name."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    pins = [line.partition("==") for line in lines if line and not line.startswith("#")]
    locked = {canonicalize_name(name): text for name, _, text in pins}
    known = {canonicalize_name(name): text for name, text in recorded.items() if text != NOT_INSTALLED}
    return dict(sorted((locked | known).items()))


@cache
def is_installed(text: str) -> bool:
    """Whether a requirement such as `torch>=2.14` is met. Raises InvalidRequirement for any other text.

    Each answer parses a distribution's metadata, and every result asks a dozen times: it is kept.
    """
    requirement = Requirement(text)
    installed = version_of(requirement.name)
    return installed != NOT_INSTALLED and requirement.specifier.contains(installed, prereleases=True)


def count_elsewhere(known: Mapping[str, str]) -> None:
    """From now on, these distributions count as installed in these versions, whatever is installed here."""
    _ELSEWHERE.clear()
    _ELSEWHERE.update(known)
    is_installed.cache_clear()


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of the interpreter, the platform and the distributions; `not installed` for a missing one."""
    import platform

    known = {"python": platform.python_version(), "platform": platform.platform()}
    return known | {name: version_of(name) for name in distributions}


def older(known: Mapping[str, str], given: Mapping[str, str] | None = None) -> frozenset[str]:
    """The distributions that are installed in an older version than the known one, or not at all. `given` replaces what
    is installed.

    A development version counts as what it becomes: 1.5.16.dev0 is not older than 1.5.15. Local parts do not count.
    """
    if given is None:
        given = {name: version_of(name) for name in known}
    return frozenset(name for name, text in known.items() if _is_older(given.get(name, NOT_INSTALLED), text))


def _is_older(installed: str, known: str) -> bool:
    try:
        return Version(Version(installed).public) < Version(Version(known).public)
    except InvalidVersion:
        return installed != known


def version_of(name: str) -> str:
    """The version of a distribution; `not installed` if it is missing."""
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    for each in (name, *STAND_INS.get(name, ())):
        with suppress(PackageNotFoundError):
            return version(each)
    return NOT_INSTALLED
