"""Where in a converter's own source an exception came from: the last frame of a traceback inside its package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

_FRAME = re.compile(r'^\s*File "(?P<path>[^"\n]+)", line (?P<line>\d+)', re.MULTILINE)
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Frame:
    """A line of a package: `path` as the traceback has it, `inner` from the package's folder on."""

    path: str
    inner: str
    line: int

    def __str__(self) -> str:
        return f"{self.inner}:{self.line}"

    def within(self, workspace: str) -> str:
        """The path relative to the folder `workspace`; '' if the file is not part of what lies there.

        What is installed below the folder, in a virtual environment, is no part of it.
        """
        path = PurePosixPath(self.path)
        if not workspace or not path.is_relative_to(workspace) or set(_INSTALLED) & set(path.parts):
            return ""
        return str(path.relative_to(workspace))


def last_frame(log: str, distribution: str) -> Frame | None:
    """The last frame in `log`, a traceback, that lies in a package of the distribution; None if there is none."""
    packages = _packages(distribution)
    for path, line in reversed(list(_frames(log))):
        if inner := _inner(PurePosixPath(path).parts, packages):
            return Frame(path, inner, line)
    return None


def _frames(log: str) -> Iterator[tuple[str, int]]:
    for match in _FRAME.finditer(log):
        yield match["path"].replace("\\", "/"), int(match["line"])


def _inner(parts: Sequence[str], packages: Sequence[str]) -> str:
    """The path from the folder of a package on; '' if the file is in none of them.

    A package is the first folder behind `site-packages`. Elsewhere it is the last folder of its name, which, where it
    is on this machine, holds an `__init__.py`: a checkout of a converter is often named like its package.
    """
    installed = [place for place, part in enumerate(parts[:-1]) if part in _INSTALLED]
    if installed:
        place = installed[-1] + 1
        return "/".join(parts[place:]) if parts[place] in packages and place < len(parts) - 1 else ""
    for place in reversed(range(len(parts) - 1)):
        if parts[place] in packages and _is_package(Path(*parts[: place + 1])):
            return "/".join(parts[place:])
    return ""


def _is_package(folder: Path) -> bool:
    return not folder.is_dir() or (folder / "__init__.py").is_file()


def _packages(distribution: str) -> tuple[str, ...]:
    """The names under which a distribution is imported: what its metadata says, else its own name."""
    known = _imported().get(canonicalize_name(distribution), ()) if distribution else ()
    return tuple(known) or ((distribution.replace("-", "_"),) if distribution else ())


@cache
def _imported() -> dict[str, list[str]]:
    imported: dict[str, list[str]] = {}
    for package, distributions in packages_distributions().items():
        for name in distributions:
            imported.setdefault(canonicalize_name(name), []).append(package)
    return imported
