"""Keeps the steps of walks for later runs, as long as nothing that could change them has changed.

The key of a step is made of the case, the chain of plugins up to it, and for each plugin its facts, the environment of
its worker, and the contents of all distributions that it needs (`harness.fingerprint`); then those of the suite's own
modules that convert, run and compare. So nothing needs to be declared invalid: what changed has another key.

Steps lie in an SQLite database, which several processes may use at once; SQLite comes with Python. No code that is kept
runs.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from shutil import which

from platformdirs import user_cache_path

import harness
from harness.adapters.places import Place
from harness.adapters.registry import Plugin, Registry
from harness.adapters.routes import Route
from harness.corpus.store import answers_of
from harness.errors import InputError
from harness.fingerprint import Fingerprints, digest_of
from harness.installed import SUITE
from harness.run.step import Step, from_bytes, packed, to_bytes, unpack
from harness.spec import Case
from harness.workers.pool import COMMON

SCHEMA = 1
"""Number of the database's schema; another one is begun anew."""
LIMIT = 4 << 30
"""Bytes that kept steps may take; those stored first go first."""
LARGEST = 256 << 20
"""Most bytes of an artifact that is kept."""
UNINVOLVED = ("analysis", "catalogue", "cli", "draw", "oracle", "pytest_plugin", "report", "reproducer")
"""Rooms of the suite that no step depends on: they draw cases, or look at results."""
SETTINGS = re.compile(r"(CUDA|JAX|KERAS|MKL|OMP|ONNX|OPENBLAS|ORT|PYTORCH|TF|TORCH|XLA)_|PYTHONHASHSEED$")
"""Environment variables that frameworks read."""
COMPARES_WITH = ("numpy", "scipy")
"""Distributions with which the suite makes inputs of steps and compares their outputs."""
TABLES = """
create table if not exists steps (key text primary key, stored real, bytes integer, head blob, artifact blob);
create index if not exists by_age on steps (stored);
create table if not exists files (path text primary key, state text, digest text);
"""


class KeptError(InputError):
    """The database of kept steps cannot be used."""


def folder() -> Path:
    """Where steps are kept: the variable PARITY_CACHE, else the user's folder for caches."""
    return Path(os.environ.get("PARITY_CACHE") or user_cache_path("parity-suite"))


@dataclass(frozen=True)
class Size:
    """How much is kept: steps, their bytes, and the most bytes that they may take."""

    steps: int
    bytes: int
    limit: int


class Shelf:
    """The database. Raises KeptError where it cannot be opened or written."""

    def __init__(self, place: Path, limit: int = LIMIT) -> None:
        self.path = place / f"steps-{SCHEMA}.sqlite"
        self.limit = limit
        self._written = 0

    @cached_property
    def _database(self) -> sqlite3.Connection:
        with self._explained():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = sqlite3.connect(self.path, timeout=60.0, isolation_level=None, check_same_thread=False)
            database.executescript("pragma journal_mode=wal; pragma synchronous=off; pragma mmap_size=268435456;")
            database.executescript(TABLES)
            return database

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise KeptError(
                f"kept steps cannot be used: {error}",
                where=self.path,
                advice="Remove the file, name another folder by PARITY_CACHE, or go without: --no-cache",
            ) from error

    def head(self, key: str) -> bytes | None:
        return self._blob("head", key)

    def artifact(self, key: str) -> bytes | None:
        return self._blob("artifact", key)

    def _blob(self, column: str, key: str) -> bytes | None:
        with self._explained():
            row = self._database.execute(f"select {column} from steps where key = ?", (key,)).fetchone()  # noqa: S608
        return None if row is None else row[0]

    def put(self, key: str, head: bytes, artifact: bytes) -> None:
        size = len(head) + len(artifact)
        with self._explained():
            self._database.execute(
                "insert or replace into steps values (?, ?, ?, ?, ?)", (key, time.time(), size, head, artifact)
            )
        self._written += size
        if self._written > self.limit // 20:  # to look is to read all sizes
            self.trim()

    def trim(self) -> None:
        """Remove the steps that were stored first, until the others fit."""
        self._written = 0
        with self._explained():
            over = self.size().bytes - self.limit
            if over <= 0:
                return
            self._database.execute(
                "delete from steps where key in (select key from (select key, sum(bytes) over (order by stored, key) "
                "- bytes as before from steps) where before < ?)",
                (over,),
            )
            self._database.execute("vacuum")

    def size(self) -> Size:
        with self._explained():
            count, total = self._database.execute("select count(*), coalesce(sum(bytes), 0) from steps").fetchone()
        return Size(count, total, self.limit)

    def clear(self) -> Size:
        """Remove everything. Returns what was there."""
        size = self.size()
        self.close()
        with self._explained():
            for path in self.path.parent.glob(f"{self.path.name}*"):
                path.unlink()
        return size

    def digests(self) -> dict[str, tuple[str, str]]:
        """State and digest of files, by path."""
        with self._explained():
            rows = self._database.execute("select path, state, digest from files").fetchall()
        return {path: (state, digest) for path, state, digest in rows}

    def learn(self, digests: Mapping[str, tuple[str, str]]) -> None:
        with self._explained():
            self._database.execute("begin")
            self._database.executemany(
                "insert or replace into files values (?, ?, ?)", ((path, *both) for path, both in digests.items())
            )
            self._database.execute("commit")

    def close(self) -> None:
        if "_database" in self.__dict__:
            self._database.close()
            del self.__dict__["_database"]


class Kept:
    """Finds steps of earlier runs, and keeps those of this one. A `Source` of a walk."""

    def __init__(self, shelf: Shelf, registry: Registry) -> None:
        self.shelf = shelf
        self.registry = registry
        self._plugins: dict[str, str] = {}
        self._case: tuple[Case | None, str] = (None, "")

    def find(self, case: Case, route: Route, place: int, scratch: Path) -> Step | None:
        key = self.key(case, route, place)
        data = key and self.shelf.head(key)
        if not data:
            return None
        try:
            return from_bytes(data, scratch)
        except ValueError:
            return None  # damaged: it is walked, and stored again

    def fetch(self, case: Case, route: Route, place: int, scratch: Path) -> None:
        data = self.shelf.artifact(self.key(case, route, place))
        if not data:
            raise KeyError(f"no artifact of {case.id} on {route.chains[place][0]} is kept")
        try:
            unpack(data, scratch)
        except ValueError as error:
            raise KeyError(str(error)) from error

    def keep(self, case: Case, route: Route, place: int, step: Step, files: Iterable[Path]) -> None:
        key = self.key(case, route, place)
        artifact = packed(files) if key else b""
        if key and len(artifact) <= LARGEST:
            self.shelf.put(key, to_bytes(step), artifact)

    def key(self, case: Case, route: Route, place: int) -> str:
        """The key of a step; '' if it cannot be kept, because a plugin belongs to no distribution."""
        chain, plugins = route.chains[place]
        runtimes = [self.registry.runtime_of(plugin.target or plugin.name) for plugin in plugins]
        parts = [self._of_plugin(plugin) for plugin in (*plugins, *runtimes) if plugin is not None]
        return _joined([self._of_case(case), chain, *parts]) if all(parts) else ""

    def _of_case(self, case: Case) -> str:
        if self._case[0] is not case:
            goldens = [sample.golden for sample in case.samples if sample.golden is not None]
            rules = [(golden.exactness.value, golden.channel_axis) for golden in goldens]
            self._case = case, _joined([case.id, answers_of(case), json.dumps(rules)])
        return self._case[1]

    def _of_plugin(self, plugin: Plugin) -> str:
        if plugin.reference not in self._plugins:
            self._plugins[plugin.reference] = self.fingerprint(plugin)
        return self._plugins[plugin.reference]

    def fingerprint(self, plugin: Plugin) -> str:
        """Digest of all that a plugin's steps depend on; '' for a class of no distribution, whose files are unknown."""
        if not (plugin.is_ours or plugin.origin):
            return ""
        place = Place.of(plugin.worker, self.registry.plugins)
        environment = {key: value for key, value in os.environ.items() if SETTINGS.match(key)}
        needed = {*plugin.distributions, plugin.origin, *COMPARES_WITH} - {SUITE, ""}
        parts = [
            json.dumps(asdict(plugin), sort_keys=True),
            json.dumps([{**environment, **COMMON, **place.environment}, place.without], sort_keys=True),
            self._fingerprints.of(needed, without=[SUITE]),
            *(digest_of(os.path.realpath(which(program) or os.devnull)) for program in plugin.programs),
            self._suite,
        ]
        self.shelf.learn(self._digests.news())
        return _joined(parts)

    @cached_property
    def _digests(self) -> _Digests:
        return _Digests(self.shelf.digests())

    @cached_property
    def _fingerprints(self) -> Fingerprints:
        return Fingerprints(self._digests)

    @cached_property
    def _suite(self) -> str:
        return self._fingerprints.of_folder(Path(harness.__file__).parent, without=UNINVOLVED)

    def prepare(self, plugins: Iterable[Plugin]) -> None:
        """Read what plugins depend on. The first time takes as long as reading all of their files."""
        for plugin in plugins:
            self._of_plugin(plugin)


class _Digests(dict[str, tuple[str, str]]):
    """Digests of files, which knows those that are new."""

    def __init__(self, known: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(known)
        self._news: set[str] = set()

    def __setitem__(self, path: str, value: tuple[str, str]) -> None:
        super().__setitem__(path, value)
        self._news.add(path)

    def news(self) -> dict[str, tuple[str, str]]:
        """Those that came since the last call."""
        news, self._news = {path: self[path] for path in self._news}, set()
        return news


def _joined(parts: Iterable[str]) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=20).hexdigest()
