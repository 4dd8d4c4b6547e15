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
import shutil
import sqlite3
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex

from platformdirs import user_cache_path

import harness
from harness.adapters.places import Place
from harness.adapters.registry import Plugin, Registry
from harness.adapters.routes import Route
from harness.corpus.store import answers_of
from harness.errors import InputError
from harness.fingerprint import Fingerprints, UnknownFiles, digest_of
from harness.installed import SUITE
from harness.optional import program
from harness.run.step import Step, from_bytes, packed, size_of, to_bytes, unpack
from harness.spec import Case
from harness.workers.pool import COMMON

SCHEMA = 1
"""Number of the database's schema; another one is begun anew."""
LIMIT = 4 << 30
"""Bytes that kept steps may take; those stored first go first."""
LARGEST = 256 << 20
"""Most bytes of an artifact that is kept."""
LOOK_AFTER = 20.0
"""Seconds between two looks at the files that keys stand for. A look takes a quarter of a second."""
UNINVOLVED = ("analysis", "beside", "bisection", "catalogue", "cli", "draw", "pytest_plugin", "report", "reproducer")
"""Rooms of the suite that no step depends on: they draw cases, or look at results."""
SETTINGS = re.compile(
    r"(ATEN|AUTOGRAPH|BLIS|CUDA|DNNL|GLIBC|GOMP|JAX|KERAS|KMP|LANG|LC_|LD_|MALLOC|MKL|NPY|NUMEXPR|NUMPY|OCTAVE|OMP|ONEDNN"
    r"|ONNX|OPENBLAS|ORT_|PYTHON(?!PATH$|SAFEPATH$|DONTWRITE|PYCACHE|UNBUFFERED)|PYTORCH|TF|TORCH|XLA)"
)
"""Beginnings of environment variables that frameworks and Python read. Others count for the distributions after which
they are named: TF2ONNX_DEBUG for tf2onnx."""
COMPARES_WITH = ("numpy", "scipy")
"""Distributions with which the suite makes inputs of steps and compares their outputs."""
PATIENCE = 60.0
"""Seconds that a process waits for its turn at the database."""
SETTINGS_OF_DATABASE = "pragma journal_mode=wal; pragma synchronous=off; pragma mmap_size=268435456;"
TABLES = """
create table if not exists steps (key text primary key, stored real, bytes integer, head blob, artifact blob);
create index if not exists by_age on steps (stored);
create table if not exists files (path text primary key, state text, digest text);
"""


class KeptError(InputError):
    """The database of kept steps cannot be used."""


OFF = "off"
"""Value of the variable PARITY_CACHE for which nothing is kept."""


def folder() -> Path:
    """Where steps are kept: the variable PARITY_CACHE, else, and where it is `off`, the user's folder for caches."""
    named = os.environ.get("PARITY_CACHE", OFF)
    return user_cache_path("parity-suite") if named in ("", OFF) else Path(named)


def beside_folder() -> Path:
    """Where released converters are kept, and what they did."""
    return folder() / "beside"


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
        self._owner = token_hex(8)

    @cached_property
    def _database(self) -> sqlite3.Connection:
        with self._explained():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    database.executescript(SETTINGS_OF_DATABASE + TABLES)
                    return database
                except sqlite3.OperationalError as error:
                    # who sets the journal's mode while another process does gets no turn, whatever the timeout
                    if "locked" not in str(error) or time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)

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
        """What was put and confirmed; None if there is nothing, or it is damaged."""
        return self._blob("head", key)

    def artifact(self, key: str) -> bytes | None:
        return self._blob("artifact", key)

    def _blob(self, column: str, key: str) -> bytes | None:
        query = f"select {column} from steps where key = ?"  # noqa: S608
        with self._explained():
            row = self._database.execute(query, (key,)).fetchone()
        return None if row is None else _opened(row[0], key)

    def put(self, key: str, head: bytes, artifact: bytes) -> None:
        """Store a step, which nobody gets before it is confirmed."""
        size = len(head) + len(artifact)
        row = (self._mine(key), time.time(), size, _sealed(head, key), _sealed(artifact, key))
        with self._explained():
            self._database.execute("insert or replace into steps values (?, ?, ?, ?, ?)", row)
        self._written += size

    def confirm(self, keys: Iterable[str]) -> None:
        """Let everybody have these steps that were put here."""
        with self._explained():
            self._together(
                "update or replace steps set key = ? where key = ?", ((key, self._mine(key)) for key in keys)
            )
        if self._written > self.limit // 20:  # to look is to read all sizes
            self.trim()

    def drop(self, keys: Iterable[str]) -> None:
        """Forget steps that were put here and are not confirmed."""
        with self._explained():
            self._together("delete from steps where key = ?", ((self._mine(key),) for key in keys))

    def _mine(self, key: str) -> str:
        """The key of a step that is not confirmed: no other process confirms it, not even after this one is killed."""
        return f"{key} of {self._owner}"

    def _together(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Execute a statement for each row, all or none of them."""
        with self._database:
            self._database.execute("begin immediate")
            self._database.executemany(statement, rows)

    def trim(self) -> None:
        """Remove the steps that were stored first, until the others fit. Their pages are used again: the file stays as
        large as it is, and nobody waits until it is written anew."""
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

    @property
    def is_empty(self) -> bool:
        with self._explained():
            return self._database.execute("select 1 from steps limit 1").fetchone() is None

    def size(self) -> Size:
        with self._explained():
            count, total = self._database.execute("select count(*), coalesce(sum(bytes), 0) from steps").fetchone()
        return Size(count, total, self.limit)

    def clear(self) -> Size:
        """Remove everything, of other schemas too, and what is damaged. Returns what was there."""
        try:
            size = self.size()
        except KeptError:  # it is damaged: so much the better
            size = Size(0, self.path.stat().st_size if self.path.exists() else 0, self.limit)
        self.close()
        with self._explained():
            for path in self.path.parent.glob("steps-*.sqlite*"):
                path.unlink(missing_ok=True)
            shutil.rmtree(self.path.parent / beside_folder().name, ignore_errors=True)
        return size

    def digests(self) -> dict[str, tuple[str, str]]:
        """State and digest of files, by path."""
        with self._explained():
            rows = self._database.execute("select path, state, digest from files").fetchall()
        return {path: (state, digest) for path, state, digest in rows}

    def learn(self, digests: Mapping[str, tuple[str, str]]) -> None:
        with self._explained():
            rows = ((path, *both) for path, both in digests.items())
            self._together("insert or replace into files values (?, ?, ?)", rows)

    def close(self) -> None:
        if "_database" in self.__dict__:
            self._database.close()
            del self.__dict__["_database"]


class Kept:
    """Finds steps of earlier runs, and keeps those of this one. A `Keeper` of a walk.

    `beside` names what else the steps depend on: the limit of requests, and the pack that gives the beginnings of
    routes. What workers in `elsewhere` do is not kept: they have interpreters of their own, whose files are not looked
    at. A step that was walked is given to nobody before a look at all files that its key stands for has shown that
    none has changed meanwhile. If the shelf fails, a warning says so once, and the walk goes on without.
    """

    def __init__(self, shelf: Shelf, registry: Registry, *, beside: str = "", elsewhere: Collection[str] = ()) -> None:
        self.shelf = shelf
        self.registry = registry
        self._beside = beside
        self.elsewhere = frozenset(elsewhere)
        self.trouble = ""
        self._plugins: dict[str, str] = {}
        self._case: tuple[Case | None, str] = (None, "")
        self._pending: list[str] = []
        self._looked = time.monotonic()

    def find(self, case: Case, route: Route, place: int, scratch: Path) -> Step | None:
        with self._or_without():
            key = self.key(case, route, place)
            data = self.shelf.head(key) if key else None
            with suppress(ValueError):  # damaged: it is walked
                return from_bytes(data, scratch) if data else None
        return None

    def fetch(self, case: Case, route: Route, place: int, scratch: Path) -> None:
        data = None
        with self._or_without():
            data = self.shelf.artifact(self.key(case, route, place))
        if not data:
            raise KeyError(f"no artifact of {case.id} on {route.chains[place][0]} is kept")
        try:
            unpack(data, scratch)
        except ValueError as error:
            raise KeyError(str(error)) from error

    def keep(self, case: Case, route: Route, place: int, step: Step, files: Iterable[Path]) -> None:
        files = list(files)
        if sum(size_of(path) for path in files) > LARGEST:
            return
        with self._or_without():
            if key := self.key(case, route, place):
                self.shelf.put(key, to_bytes(step), packed(files))
                self._pending.append(key)
            if time.monotonic() > self._looked + LOOK_AFTER:
                self.confirm()

    def beside(self, case: Case, route: Route, place: int, what: str) -> bytes | None:
        """What an earlier run kept beside a step under this name."""
        with self._or_without():
            key = self.key(case, route, place)
            return self.shelf.head(_joined([key, what])) if key else None
        return None

    def keep_beside(self, case: Case, route: Route, place: int, what: str, data: bytes) -> None:
        """Keep something that depends on a step alone."""
        with self._or_without():
            if key := self.key(case, route, place):
                self.shelf.put(_joined([key, what]), data, b"")
                self._pending.append(_joined([key, what]))

    def of(self, registry: Registry) -> Kept:
        """The same for a walk with other plugins."""
        twin = copy(self)
        twin.registry, twin._plugins, twin._pending = registry, {}, []
        return twin

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept, so that everything is going to be walked."""
        with self._or_without():
            return self.shelf.is_empty
        return True

    def knows(self, fact: str, plugins: Iterable[Plugin]) -> bool:
        """Whether an earlier run has learnt a fact that depends on its text and on these plugins alone."""
        with self._or_without():
            key = self.key_of(fact, plugins)
            return bool(key) and self.shelf.head(key) is not None
        return False

    def learn(self, fact: str, plugins: Iterable[Plugin]) -> None:
        """Keep such a fact for later runs."""
        with self._or_without():
            if key := self.key_of(fact, plugins):
                self.shelf.put(key, b"known", b"")
                self._pending.append(key)

    def key_of(self, fact: str, plugins: Iterable[Plugin]) -> str:
        """The key of what depends on a text and on these plugins alone; '' if it cannot be kept."""
        parts = [self._of_plugin(plugin) for plugin in plugins]
        return _joined([fact, *parts]) if all(parts) and not self.trouble else ""

    def confirm(self) -> None:
        """Look whether the files are still those of the keys. If so, what was walked is kept; else nothing is any
        more."""
        keys, self._pending = self._pending, []
        if self.trouble or not keys:
            return
        with self._or_without():
            if self._fingerprints.are_unchanged():
                self.shelf.confirm(keys)
                self._looked = time.monotonic()
                return
            self.shelf.drop(keys)
            self._go_without("a file of a converter, a framework or the suite has changed since the run began")

    def close(self) -> None:
        self.confirm()
        self.shelf.close()

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        try:
            yield
        except KeptError as error:
            self._go_without(str(error))

    def _go_without(self, why: str) -> None:
        if not self.trouble:
            self.trouble = f"the run goes on, and keeps no steps: {why}"
            print(f"parity: {self.trouble}", file=sys.stderr)

    def key(self, case: Case, route: Route, place: int) -> str:
        """The key of a step; '' if it cannot be kept, because a plugin belongs to no distribution."""
        if self.trouble:
            return ""
        chain, plugins = route.chains[place]
        runtimes = [self.registry.runtime_of(plugin.target or plugin.name) for plugin in plugins]
        parts = [self._of_plugin(plugin) for plugin in (*plugins, *runtimes) if plugin is not None]
        return _joined([self._of_case(case), self._beside, chain, *parts]) if all(parts) else ""

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
        """Digest of all that a plugin's steps depend on; '' where that cannot be told: for a class of no distribution,
        a distribution whose files are unknown, or a worker elsewhere."""
        if plugin.worker in self.elsewhere or not (plugin.is_ours or plugin.origin):
            return ""
        place = Place.of(plugin.worker, self.registry.plugins)
        needed = {*plugin.distributions, plugin.origin, *COMPARES_WITH} - {SUITE, ""}
        named = tuple(re.sub(r"\W", "_", name).upper() + "_" for name in needed)
        environment = {key: value for key, value in os.environ.items() if SETTINGS.match(key) or key.startswith(named)}
        try:
            contents = self._fingerprints.of(needed, without=[SUITE])
        except UnknownFiles:
            return ""
        parts = [
            json.dumps(asdict(plugin), sort_keys=True),
            json.dumps([{**environment, **COMMON, **place.environment}, place.without], sort_keys=True),
            contents,
            *(digest_of(os.path.realpath(program(name) or os.devnull)) for name in plugin.programs),
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
        with self._or_without():
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


def _sealed(data: bytes, key: str) -> bytes:
    """Data beside a digest of itself and its key: a power cut may mix up what the database holds."""
    return blake2b(data, key=key.encode(), digest_size=16).digest() + data


def _opened(data: bytes, key: str) -> bytes | None:
    """What was sealed; None if that was something else."""
    return data[16:] if _sealed(data[16:], key) == data else None


def _joined(parts: Iterable[str]) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=20).hexdigest()
