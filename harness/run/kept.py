"""Keeps the steps of walks for later runs, as long as nothing that could change them has changed.

The key of a step is made of the case, the chain of plugins up to it, and for each plugin its facts, the environment of
its worker, and the contents of all distributions that it needs (`harness.fingerprint`); then those of the suite's own
modules that convert, run and compare. So nothing needs to be declared invalid: what changed has another key. Contents
are read beside the walk (`harness.run.contents`), so the first steps of a run may wait for their keys.

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
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
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
from harness.installed import SUITE
from harness.optional import program
from harness.run.contents import Contents, joined, said
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
AT_MOST = 10.0
"""Seconds that a run waits for contents: at its beginning, where earlier runs kept steps, and at its end."""
UNNAMED = 256 << 20
"""Bytes of steps that may wait for their keys; above, the walk waits for contents."""
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
create table if not exists contents (place text primary key, state text, digest text);
drop table if exists files;
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
        """State and digest of files, by place."""
        with self._explained():
            rows = self._database.execute("select place, state, digest from contents").fetchall()
        return {place: (state, digest) for place, state, digest in rows}

    def learn(self, digests: Mapping[str, tuple[str, str]]) -> None:
        with self._explained():
            rows = ((place, *both) for place, both in digests.items())
            self._together("insert or replace into contents values (?, ?, ?)", rows)

    def close(self) -> None:
        if "_database" in self.__dict__:
            self._database.close()
            del self.__dict__["_database"]


@dataclass(frozen=True)
class _Key:
    """The key of a step, or of what is kept beside the step by the name `what`; known once contents have been read."""

    parts: tuple[str, ...]
    contents: tuple[Future[str], ...]
    what: str = ""

    @property
    def is_known(self) -> bool:
        return all(each.done() for each in self.contents)

    def text(self) -> str:
        """Waits for the contents; '' if the step cannot be kept."""
        contents = [each.result() for each in self.contents]
        if not all(contents):
            return ""
        key = joined([*self.parts, *contents])
        return joined([key, self.what]) if self.what else key


class _Unnamed:
    """Steps that wait for their keys, the oldest first."""

    def __init__(self) -> None:
        self._steps: deque[tuple[_Key, bytes, bytes]] = deque()
        self.bytes = 0

    def add(self, key: _Key, head: bytes, artifact: bytes) -> None:
        self._steps.append((key, head, artifact))
        self.bytes += len(head) + len(artifact)

    def named(self) -> Iterator[tuple[str, bytes, bytes]]:
        """The steps whose keys are known by now, without those that cannot be kept. They wait no more."""
        while self._steps and self._steps[0][0].is_known:
            key, head, artifact = self._steps.popleft()
            self.bytes -= len(head) + len(artifact)
            if text := key.text():
                yield text, head, artifact

    def wait(self, seconds: float | None = None) -> None:
        wait({each for key, _, _ in self._steps for each in key.contents}, seconds)

    def clear(self) -> None:
        self._steps.clear()
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._steps)


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
        suite = Path(harness.__file__).parent
        self._contents = Contents(Shelf(shelf.path.parent), shelf.path.parent, suite=suite, without=UNINVOLVED)
        self._plugins: dict[str, Future[str]] = {}
        self._case: tuple[Case | None, str] = (None, "")
        self._unnamed = _Unnamed()
        self._pending: list[str] = []
        self._began = self._looked = time.monotonic()

    def find(self, case: Case, route: Route, place: int, scratch: Path) -> Step | None:
        with self._or_without():
            key = self._soon(self._key(case, route, place))
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
            key = self._key(case, route, place)
            if not key.is_known or key.text():  # else to pack it were in vain
                self._put(key, to_bytes(step), packed(files))
            if time.monotonic() > self._looked + LOOK_AFTER:
                self.confirm()

    def beside(self, case: Case, route: Route, place: int, what: str) -> bytes | None:
        """What an earlier run kept beside a step under this name."""
        with self._or_without():
            key = self._soon(self._key(case, route, place, what))
            return self.shelf.head(key) if key else None
        return None

    def keep_beside(self, case: Case, route: Route, place: int, what: str, data: bytes) -> None:
        """Keep something that depends on a step alone."""
        with self._or_without():
            self._put(self._key(case, route, place, what), data, b"")

    def of(self, registry: Registry) -> Kept:
        """The same for a walk with other plugins. What it keeps waits with what this one keeps."""
        twin = copy(self)
        twin.registry, twin._plugins = registry, {}
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
            key = self._soon(self._of_fact(fact, plugins))
            return bool(key) and self.shelf.head(key) is not None
        return False

    def learn(self, fact: str, plugins: Iterable[Plugin]) -> None:
        """Keep such a fact for later runs."""
        with self._or_without():
            self._put(self._of_fact(fact, plugins), b"known", b"")

    def key_of(self, fact: str, plugins: Iterable[Plugin]) -> str:
        """The key of what depends on a text and on these plugins alone; '' if it cannot be kept. Waits for contents."""
        return "" if self.trouble else self._of_fact(fact, plugins).text()

    def _of_fact(self, fact: str, plugins: Iterable[Plugin]) -> _Key:
        return _Key((fact,), tuple(self._of_plugin(plugin) for plugin in plugins))

    def _put(self, key: _Key, head: bytes, artifact: bytes) -> None:
        """Store data under a key, or have the data wait until the key is known."""
        if self.trouble:
            return
        self._unnamed.add(key, head, artifact)
        if self._unnamed.bytes > UNNAMED:
            self._unnamed.wait()
        self._store()

    def _store(self) -> None:
        for key, head, artifact in self._unnamed.named():
            self.shelf.put(key, head, artifact)
            self._pending.append(key)

    def confirm(self) -> None:
        """Look whether the files are still those of the keys, if all keys are known. If so, what was walked is kept;
        else nothing is any more."""
        with self._or_without():
            self._store()
            if self.trouble or self._unnamed or not self._pending:
                return
            keys = self._pending.copy()
            self._pending.clear()
            if self._contents.are_unchanged():
                self.shelf.confirm(keys)
                self._looked = time.monotonic()
                return
            self.shelf.drop(keys)
            self._go_without("a file of a converter, a framework or the suite has changed since the run began")

    def close(self, *, in_haste: bool = False) -> None:
        """Keep what was walked. Wait for contents at most as long as the run has taken, or `AT_MOST` seconds: what took
        less is walked again sooner. In haste, do not wait."""
        self._unnamed.wait(0.0 if in_haste else max(AT_MOST, time.monotonic() - self._began))
        with self._or_without():
            self._store()
        self._unnamed.clear()
        self.confirm()
        self._contents.stop()
        self.shelf.close()

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        try:
            yield
        except KeptError as error:
            self._go_without(str(error))

    def _go_without(self, why: str) -> None:
        self._unnamed.clear()
        if not self.trouble:
            self.trouble = f"the run goes on, and keeps no steps: {why}"
            print(f"parity: {self.trouble}", file=sys.stderr)

    def key(self, case: Case, route: Route, place: int) -> str:
        """The key of a step, for which contents may have to be read; '' if it cannot be kept, because a plugin belongs
        to no distribution."""
        return "" if self.trouble else self._key(case, route, place).text()

    def _soon(self, key: _Key) -> str:
        """The text of a key, or '' if that takes longer than a run shall wait: not at all where nothing is kept."""
        if self.trouble:
            return ""
        if not key.is_known:
            wait(key.contents, 0.0 if self._was_empty else max(0.0, self._until - time.monotonic()))
        return key.text() if key.is_known else ""

    @cached_property
    def _until(self) -> float:
        """The time until which this run waits for contents."""
        return time.monotonic() + AT_MOST

    @cached_property
    def _was_empty(self) -> bool:
        """Whether nothing was kept when it was first asked for."""
        return self.is_empty

    def _key(self, case: Case, route: Route, place: int, what: str = "") -> _Key:
        chain, plugins = route.chains[place]
        runtimes = [self.registry.runtime_of(plugin.target or plugin.name) for plugin in plugins]
        contents = tuple(self._of_plugin(plugin) for plugin in (*plugins, *runtimes) if plugin is not None)
        return _Key((self._of_case(case), self._beside, chain), contents, what)

    def _of_case(self, case: Case) -> str:
        if self._case[0] is not case:
            goldens = [sample.golden for sample in case.samples if sample.golden is not None]
            rules = [(golden.exactness.value, golden.channel_axis) for golden in goldens]
            self._case = case, joined([case.id, answers_of(case), json.dumps(rules)])
        return self._case[1]

    def _of_plugin(self, plugin: Plugin) -> Future[str]:
        if plugin.reference not in self._plugins:
            self._plugins[plugin.reference] = self._asked(plugin)
        return self._plugins[plugin.reference]

    def _asked(self, plugin: Plugin) -> Future[str]:
        """Digest of all that a plugin's steps depend on; '' where that cannot be told: for a class of no distribution,
        a distribution whose files are unknown, or a worker elsewhere."""
        if self.trouble or plugin.worker in self.elsewhere or not (plugin.is_ours or plugin.origin):
            return said("")
        place = Place.of(plugin.worker, self.registry.plugins)
        needed = {*plugin.distributions, plugin.origin, *COMPARES_WITH} - {SUITE, ""}
        named = tuple(re.sub(r"\W", "_", name).upper() + "_" for name in needed)
        environment = {key: value for key, value in os.environ.items() if SETTINGS.match(key) or key.startswith(named)}
        told = (
            json.dumps(asdict(plugin), sort_keys=True),
            json.dumps([{**environment, **COMMON, **place.environment}, place.without], sort_keys=True),
        )
        programs = (os.path.realpath(program(name) or os.devnull) for name in plugin.programs)
        return self._contents.ask(told, needed, programs)


def _sealed(data: bytes, key: str) -> bytes:
    """Data beside a digest of itself and its key: a power cut may mix up what the database holds."""
    return blake2b(data, key=key.encode(), digest_size=16).digest() + data


def _opened(data: bytes, key: str) -> bytes | None:
    """What was sealed; None if that was something else."""
    return data[16:] if _sealed(data[16:], key) == data else None
