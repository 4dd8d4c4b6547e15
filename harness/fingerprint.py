"""Digests of what is installed: of every file of a distribution, and of what it requires.

What may be reused from an earlier run is decided by contents, not by version numbers: a converter under development
keeps its version while its source changes. Compiled files (`.pyc`) do not count, because Python makes them from the
sources and checks them against these.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

UNCOUNTED = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
"""Files of a distribution's metadata that tell how it was installed, not what it is."""
STEPS = 1 << 20
"""Bytes of a file that are read at once."""
Known = MutableMapping[str, tuple[str, str]]
"""Digests of files of earlier runs: the state of a file (`state_of`) and its digest, by path."""


def interpreter() -> str:
    """Python and platform, as far as results can depend on them. The processor's model is left out: a run's numbers may
    differ in the last bits from one to the next, which noise units allow for."""
    return f"{sys.implementation.name} {sys.version} {platform.system()} {platform.machine()} {platform.libc_ver()}"


def state_of(path: str) -> str:
    """Size, times and place of a file, which change whenever its content is written; the time of change of its entry
    (ctime) cannot be set back. '' if there is no such file."""
    try:
        stat = os.stat(path)
    except OSError:
        return ""
    return f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_ino}:{stat.st_dev}"


def digest_of(path: str) -> str:
    """Digest of a file's content."""
    content = hashlib.blake2b(digest_size=16)
    with open(path, "rb", buffering=0) as file:
        while part := file.read(STEPS):
            content.update(part)
    return content.hexdigest()


class Fingerprints:
    """The digests of installed distributions.

    `known` keeps digests of files, so that an unchanged file, which its state shows, is read once only; new digests are
    added to it.
    """

    def __init__(self, known: Known | None = None) -> None:
        self._known: Known = {} if known is None else known
        self._digests: dict[str, str] = {}

    def of(self, names: Iterable[str], *, without: Iterable[str] = ()) -> str:
        """One digest of distributions, all that they require but `without`, and the interpreter."""
        parts = [f"{name} {self._digest(name)}" for name in sorted(closure(names) - set(without))]
        return hashlib.blake2b("\n".join([self._interpreter, *parts]).encode(), digest_size=16).hexdigest()

    def of_folder(self, folder: Path, *, without: Iterable[str] = ()) -> str:
        """One digest of the files below a folder, without the named folders and files at its top."""
        left_out = frozenset(without)
        found = {name: path for name, path in _below(str(folder), "!") if name[1:].split("/")[0] not in left_out}
        return self._joined(found)

    @cached_property
    def _interpreter(self) -> str:
        return interpreter()

    def _digest(self, name: str) -> str:
        if name not in self._digests:
            self._digests[name] = self._joined(files_of(name))
        return self._digests[name]

    def _joined(self, paths: Mapping[str, str]) -> str:
        states = {path: state_of(path) for path in paths.values()}
        news = [path for path, state in states.items() if state and self._known.get(path, ("", ""))[0] != state]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for path, content in zip(news, pool.map(digest_of, news), strict=True):
                self._known[path] = states[path], content
        whole = hashlib.blake2b(digest_size=16)
        for name, path in sorted(paths.items()):
            whole.update(f"{name} {self._known[path][1] if states[path] else 'missing'}\n".encode())
        return whole.hexdigest()


def closure(names: Iterable[str]) -> set[str]:
    """The distributions, and all that they require here, by their canonical names. One that is not installed stays."""
    seen: set[str] = set()
    rest = [canonicalize_name(name) for name in names]
    while rest:
        name = rest.pop()
        if name in seen:
            continue
        seen.add(name)
        rest += _required(name)
    return seen


@cache
def _required(name: str) -> tuple[NormalizedName, ...]:
    """The canonical names of what a distribution requires here; none if it is not installed."""
    try:
        requirements = [Requirement(text) for text in distribution(name).requires or []]
    except PackageNotFoundError:
        return ()
    wanted = (each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""}))
    return tuple(canonicalize_name(each.name) for each in wanted)


def files_of(name: str) -> dict[str, str]:
    """The files of a distribution, by names that do not depend on where it is installed; empty if it is not installed.

    They are those that its metadata lists, and those below each of its importable packages where Python finds them:
    a folder earlier on the path or an editable installation may hold other ones.
    """
    try:
        dist = distribution(name)
    except PackageNotFoundError:
        return {}
    root = Path(str(dist.locate_file("")))
    listed = [each for each in dist.files or [] if each.suffix != ".pyc" and each.name not in UNCOUNTED]
    found = {each.as_posix(): os.path.join(root, each) for each in listed}
    for top in sorted(_importable(dist, listed)):
        for place in _places(top):
            if not place.is_relative_to(root) or not listed:
                found |= dict(_below(str(place), f"{top}!"))
    return found


def _importable(dist: Distribution, listed: Iterable[PackagePath]) -> set[str]:
    """Names that `import` takes, of the packages and modules of a distribution."""
    names = set((dist.read_text("top_level.txt") or "").split())
    for each in listed:
        if each.suffix in (".py", ".so", ".pyd") and ".." not in each.parts:
            names.add(each.parts[0].partition(".")[0])
        if each.suffix == ".pth":  # an editable installation: a folder with sources
            for line in Path(str(dist.locate_file(each))).read_text(encoding="utf-8").splitlines():
                if line and not line.startswith(("import ", "#")) and Path(line).is_dir():
                    names |= {path.parent.name for path in Path(line).glob("*/__init__.py")}
                    names |= {path.stem for path in Path(line).glob("*.py")}
    return {name for name in names if name.isidentifier()}


def _places(top: str) -> list[Path]:
    """Where Python finds a package or module: its folders, or its file."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(place) for place in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin and Path(spec.origin).is_file() else []


def _below(place: str, prefix: str) -> Iterator[tuple[str, str]]:
    """The files below a folder, or the file itself: names from there, and paths."""
    if os.path.isfile(place):
        yield prefix + os.path.basename(place), place
        return
    for folder, folders, names in os.walk(place, followlinks=True):
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        inside = folder[len(place) :].replace(os.sep, "/").lstrip("/")
        for name in names:
            if not name.endswith(".pyc"):
                yield f"{prefix}{inside}/{name}".replace("!/", "!"), os.path.join(folder, name)
