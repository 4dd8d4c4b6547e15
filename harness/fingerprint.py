"""Digests of what is installed: of every file of a distribution, and of what it requires.

What may be reused from an earlier run is decided by contents, not by version numbers: a converter under development
keeps its version while its source changes. What lies in `__pycache__` does not count, because Python makes it from the
sources and checks it against these.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import suppress
from functools import cache, cached_property
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

UNCOUNTED = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
"""Files of a distribution's metadata that tell how it was installed, not what it is."""
CACHES = "__pycache__"
STEPS = 1 << 20
"""Bytes of a file that are read at once."""
SETTLED = 2.0
"""Seconds after its last change from which a file's state tells contents apart; clocks of file systems are coarse."""
LARGE = 1 << 20
"""Bytes from which reading a file anew is dear. Of 5.7 GB of torch, 5.4 GB lie in some hundred such files."""
FOR_DEVELOPERS = re.compile(r"(build|check|ci|cover|dev|doc|enabler|lint|profil|test|typ)")
"""Names of extras that hold a distribution's own tools: what it does does not depend on them."""
MARK = Path("harness", "fingerprint.py")
"""By this file a checkout of the suite is known."""
UNREADABLE = "unreadable"
"""Stands for the digest of a file that cannot be read: nothing can depend on its content."""
Known = MutableMapping[str, tuple[str, str]]
"""Digests of files of earlier runs: the state of a file and its digest, by the file's place on the disk."""


class UnknownFiles(LookupError):
    """The files of an installed distribution cannot be told."""


class Stopped(Exception):
    """Nobody waits for the digest any more."""


def interpreter() -> str:
    """Python and platform, as far as results can depend on them. The processor's model is left out: a run's numbers may
    differ in the last bits from one to the next, which noise units allow for."""
    return f"{sys.implementation.name} {sys.version} {platform.system()} {platform.machine()} {platform.libc_ver()}"


class State(NamedTuple):
    """What the disk says of a file without reading it. Times are in nanoseconds.

    `written` is the time of the content; a program may set it back. `entered` is the time of the file's entry, which no
    program can set back. The entry changes too when the file gets or loses a name (`links`). uv makes environments of
    links to the same files: such a file has several names, and an environment made elsewhere changes its entry.
    """

    device: int
    inode: int
    size: int
    written: int
    entered: int
    links: int

    @classmethod
    def parse(cls, text: str) -> State:
        return cls(*map(int, text.split(":")))

    def __str__(self) -> str:
        return ":".join(map(str, self))

    @property
    def place(self) -> str:
        """Where the file lies on the disk, whatever its names."""
        return f"{self.device}:{self.inode}"

    @property
    def changed(self) -> float:
        """When the file changed last, in seconds of the clock."""
        return max(self.written, self.entered) / 1e9

    def may_be_linked(self, earlier: State) -> bool:
        """Whether nothing but the entry of a file has changed that has several names, or had."""
        return self[:4] == earlier[:4] and max(self.links, earlier.links) > 1

    def has_content_of(self, earlier: State) -> bool:
        """Whether the content is sure to be what it was.

        A changed entry may hide an edit whose time was set back: the file must be read. A large file that had and has
        several names need not be read, as nobody edits it by hand. It must be where its time is in whole seconds: tools
        set such times, the same for each build.
        """
        is_exact = self.written % 1_000_000_000 != 0
        is_shared = min(self.links, earlier.links) > 1
        return self == earlier or (self[:4] == earlier[:4] and self.size >= LARGE and is_exact and is_shared)


def state_of(path: str) -> State | None:
    """The state of a file; None if there is no such file."""
    try:
        about = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return State(about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_nlink)


def digest_of(path: str) -> str:
    """Digest of a file's content; `UNREADABLE` if it has none for us.

    SHA-256 reads 1.4 GiB a second, as processors have instructions for it, BLAKE2 0.5.
    """
    content = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while part := file.read(STEPS):
                content.update(part)
    except OSError:
        return UNREADABLE
    return content.hexdigest()


class Fingerprints:
    """The digests of installed distributions.

    `known` holds digests of files by place; a file whose state is known is not read. New digests are added to `known`,
    but not those of files that have just been written. `look` lists files with their states. They may be read later, by
    another thread; `are_unchanged` tells whether they still have the states that `look` saw. Reading raises Stopped
    between two files as soon as `is_stopped` says so.
    """

    def __init__(self, known: Known | None = None, *, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._known: Known = {} if known is None else known
        self._is_stopped = is_stopped
        self._files: dict[str, dict[str, str]] = {}
        self._states: dict[str, State | None] = {}
        self._contents: dict[str, str] = {}
        self._digests: dict[str, str] = {}

    def look(self, names: Iterable[str], *, without: Iterable[str] = ()) -> list[str]:
        """See which files distributions have, and all that they require but `without`, and their states. Returns the
        names of these distributions.

        Raises UnknownFiles if one is installed so that its files cannot be told.
        """
        every = sorted(closure(names, without=without))
        self._see({name: files_of(name) for name in every if name not in self._files})
        return every

    def look_below(self, folder: Path, *, without: Iterable[str] = ()) -> str:
        """The same for the files below a folder, without the named folders and files at its top. Returns its name."""
        left_out, name = frozenset(without), str(folder)
        if name not in self._files:
            below = _below(name, "!")
            self._see({name: {inner: path for inner, path in below if inner[1:].split("/")[0] not in left_out}})
        return name

    def of(self, names: Iterable[str], *, without: Iterable[str] = ()) -> str:
        """One digest of distributions, all that they require but `without`, and the interpreter. Raises UnknownFiles
        as `look` does."""
        parts = [f"{name} {self.digest(name)}" for name in self.look(names, without=without)]
        return hashlib.blake2b("\n".join([self._interpreter, *parts]).encode(), digest_size=16).hexdigest()

    def of_folder(self, folder: Path, *, without: Iterable[str] = ()) -> str:
        """One digest of the files below a folder."""
        return self.digest(self.look_below(folder, without=without))

    def digest(self, name: str) -> str:
        """The digest of a distribution or folder that was looked at."""
        if name not in self._digests:
            whole = hashlib.blake2b(digest_size=16)
            for inner, path in sorted(self._files[name].items()):
                whole.update(f"{inner} {self._content(path)}\n".encode())
            self._digests[name] = whole.hexdigest()
        return self._digests[name]

    def must_read(self, names: Iterable[str]) -> bool:
        """Whether a file of what was looked at is not known yet."""
        states = (self._states[path] for name in names for path in self._files[name].values())
        return any(state is not None and not self._known_content(state) for state in states)

    def are_unchanged(self) -> bool:
        """Whether the files are still as `look` saw them.

        A file of several names whose entry has changed is unchanged if its content is the same.
        """
        for path, state in self._states.items():
            now = state_of(path)
            if now == state:
                continue
            if now is None or state is None or not now.may_be_linked(state):
                return False
            if not now.has_content_of(state) and digest_of(path) != self._contents.get(path):
                return False
            self._states[path] = now
        return True

    @cached_property
    def _interpreter(self) -> str:
        return interpreter()

    def _see(self, files: dict[str, dict[str, str]]) -> None:
        for paths in files.values():
            self._states |= {path: state_of(path) for path in paths.values() if path not in self._states}
        self._files |= files

    def _content(self, path: str) -> str:
        state = self._states[path]
        if state is None:
            return "missing"
        if path not in self._contents:
            self._contents[path] = self._known_content(state) or self._read(path, state)
        return self._contents[path]

    def _known_content(self, state: State) -> str:
        """The digest of a file in this state; '' if it must be read."""
        earlier, content = self._known.get(state.place, ("", ""))
        is_known = earlier == str(state) or (earlier and state.has_content_of(State.parse(earlier)))
        return content if is_known else ""

    def _read(self, path: str, state: State) -> str:
        if self._is_stopped():
            raise Stopped
        latest = time.time() - SETTLED
        content = digest_of(path)
        if content != UNREADABLE and state.changed < latest and state_of(path) == state:
            self._known[state.place] = str(state), content
        return content


def closure(names: Iterable[str], *, without: Iterable[str] = ()) -> set[str]:
    """The distributions, and all that they require here, by their canonical names. One that is not installed stays.

    What one asks for as an extra counts where it is installed: it is used if it is there. What only `without` require
    is left out with them.
    """
    left_out = {canonicalize_name(name) for name in without}
    seen: set[str] = set()
    rest = [canonicalize_name(name) for name in names]
    while rest:
        name = rest.pop()
        if name not in seen and name not in left_out:
            seen.add(name)
            rest += _required(name)
    return seen


@cache
def _required(name: str) -> tuple[NormalizedName, ...]:
    """The canonical names of what a distribution requires here; none if it is not installed."""
    try:
        dist = distribution(name)
    except PackageNotFoundError:
        return ()
    extras = [each for each in dist.metadata.get_all("Provides-Extra") or [] if not FOR_DEVELOPERS.match(each)]
    wanted = []
    for requirement in map(Requirement, dist.requires or []):
        known = canonicalize_name(requirement.name)
        marker = requirement.marker
        by_extra = marker is not None and not marker.evaluate({"extra": ""})
        if not by_extra or (marker and _is_here(known) and any(marker.evaluate({"extra": each}) for each in extras)):
            wanted.append(known)
    return tuple(wanted)


@cache
def _is_here(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def files_of(name: str) -> dict[str, str]:
    """The files of a distribution, by names that do not depend on where it is installed; empty if it is not installed.

    They are those below each of its importable packages, wherever Python may find them: a folder earlier on the path or
    an editable installation may hold other ones, but not a checkout of this suite: some distribution installs a package
    `tests`, and does not mean ours. Then those that its metadata lists elsewhere. Raises UnknownFiles if it has no
    package, or lists nothing and none is to be seen.
    """
    try:
        dist = distribution(name)
    except PackageNotFoundError:
        return {}
    root = Path(str(dist.locate_file("")))
    listed = [each for each in dist.files or [] if CACHES not in each.parts and each.name not in UNCOUNTED]
    found: dict[str, str] = {}
    inside: set[tuple[str, ...]] = set()
    outside = False
    for top in sorted(_importable(name, dist, listed)):
        for number, place in enumerate(_of_others(_places(top), root)):
            if not place.is_relative_to(root):
                outside = True
                found |= dict(_below(str(place), f"{top}!{number}!"))
                continue
            parts = {each.parts[:2] for each in listed if each.parts[0] == top and len(each.parts) > 2}
            is_shared = place.is_dir() and not (place / "__init__.py").exists() and bool(parts)
            for part in sorted(parts) if is_shared else [place.relative_to(root).parts]:
                inside.add(part)
                found |= dict(_below(str(root.joinpath(*part)), f"{'/'.join(part)}!{number}!"))
    if not outside and (_is_editable(dist) or not (listed or found)):
        raise UnknownFiles(f"{name} is installed so that its files cannot be told")
    rest = (each for each in listed if each.parts[:1] not in inside and each.parts[:2] not in inside)
    return found | {each.as_posix(): os.path.join(root, each) for each in rest}


def is_working_copy(name: str) -> bool:
    """Whether Python takes a package of a distribution from a folder where it was not installed, as from a checkout.

    What its metadata says of its version then says little of the code.
    """
    try:
        dist = distribution(name)
    except PackageNotFoundError:
        return False
    root = Path(str(dist.locate_file("")))
    listed = [each for each in dist.files or [] if CACHES not in each.parts and each.name not in UNCOUNTED]
    firsts = (_of_others(_places(top), root)[:1] for top in _importable(name, dist, listed))
    return _is_editable(dist) or any(not place.is_relative_to(root) for places in firsts for place in places)


def _of_others(places: Iterable[Path], root: Path) -> list[Path]:
    """The places without those of a checkout of this suite."""
    return [each for each in places if each.is_relative_to(root) or not (each.parent / MARK).is_file()]


def _is_editable(dist: Distribution) -> bool:
    return '"editable":true' in (dist.read_text("direct_url.json") or "").replace(" ", "")


def _importable(name: str, dist: Distribution, listed: Iterable[PackagePath]) -> set[str]:
    """Names that `import` takes, of the packages and modules of a distribution."""
    names = {name.replace("-", "_"), *(dist.read_text("top_level.txt") or "").split()}
    for each in listed:
        if each.suffix in (".py", ".so", ".pyd") and ".." not in each.parts:
            names.add(each.parts[0].partition(".")[0])
        if each.suffix == ".pth":  # an editable installation: a folder with sources
            path = Path(str(dist.locate_file(each)))
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
                folder = path.parent / line.rstrip()
                if line.strip() and not line.startswith(("import ", "import\t", "#")) and folder.is_dir():
                    names |= {path.stem for path in folder.glob("*.py")}
                    names |= {path.name for path in folder.iterdir() if _is_package(path)}
    return {name for name in names if name.isidentifier()}


def _is_package(folder: Path) -> bool:
    """Whether a folder holds modules, or packages of a namespace."""
    return folder.is_dir() and any(
        next(folder.glob(pattern), None) for pattern in ("*.py", "*/__init__.py", "*/*/__init__.py")
    )


def _places(top: str) -> list[Path]:
    """Where a package or module lies: its folders, or its file, for each folder of the path that has one.

    Workers look into the working directory first (`python -c`), and this process perhaps not. With a safe path they
    look where this process does, and what lies behind the first is never imported.
    """
    folders = [] if sys.flags.safe_path else dict.fromkeys([os.getcwd(), *sys.path])
    specs = [PathFinder.find_spec(top, [folder]) for folder in folders]
    with suppress(ImportError, ValueError):
        specs.append(find_spec(top))  # the finders of editable installations
    places: list[str] = []
    for spec in specs:
        if spec is not None and spec.submodule_search_locations is not None:
            places += spec.submodule_search_locations
        elif spec is not None and spec.origin and os.path.isfile(spec.origin):
            places.append(spec.origin)
    return [Path(place) for place in dict.fromkeys(os.path.abspath(place) for place in places)]


def package_of(name: str) -> Path | None:
    """The folder of the package that an import of the distribution's own name gives; None if there is none."""
    folders = (place for place in _places(name.replace("-", "_")) if place.is_dir())
    return next(folders, None)


def _below(place: str, prefix: str) -> Iterator[tuple[str, str]]:
    """The files below a folder, or the file itself: names from there, and paths."""
    if os.path.isfile(place):
        yield prefix + os.path.basename(place), place
        return
    seen: set[str] = set()
    for folder, folders, names in os.walk(place, followlinks=True):
        if os.path.islink(folder):
            if (real := os.path.realpath(folder)) in seen:  # a link to a folder above
                folders.clear()
                continue
            seen.add(real)
        folders[:] = sorted(each for each in folders if each != CACHES)
        inside = folder[len(place) :].replace(os.sep, "/").lstrip("/")
        for name in names:
            yield f"{prefix}{inside}/{name}".replace("!/", "!"), os.path.join(folder, name)
