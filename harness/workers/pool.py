"""Worker processes: started once, reused over the whole run, killed and replaced when they die or hang.

One process per framework set, because frameworks cannot share one (docs/architecture.md). Transport is
execnet: it starts interpreters, here or elsewhere, and carries plain data.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import execnet
import psutil
from packaging.requirements import Requirement

import harness
from harness.adapters.places import Place
from harness.adapters.registry import Plugin
from harness.workers.protocol import A, Answer, Load, Request, decode, encode

LIMIT = 60.0
"""Seconds that one request may take."""
START_LIMIT = 240.0
"""Seconds that a worker may take to start and import its frameworks, cold, on a busy machine."""
GROWTH = 200 * 2**20
"""Bytes by which a worker may grow after its first request. Frameworks keep what they compiled; a worker that has
grown more is ended, and the next request starts a fresh one."""
LOG_TAIL = 2000
"""Characters of a worker's output that an outcome carries."""
LOG_LIMIT = 16 * 2**20
"""Bytes of a worker's output that are kept on disk; a log that has grown longer is cut to its tail."""
TICK = 0.1
"""Seconds between two looks at the log of a worker that is at work."""
MEMORY = int(psutil.virtual_memory().total * 0.75)
"""Bytes of address space that one request may take, where nothing else is set: a converter that eats all there is
fails itself, not the machine."""

COMMON = MappingProxyType({"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONFAULTHANDLER": "1"})
"""Environment of every worker: one thread, so that results repeat and workers share the cores; CPU only;
a traceback in the log when a converter crashes."""
HOMES = ("TMPDIR", "KERAS_HOME", "XDG_CACHE_HOME")


class WorkerFailure(RuntimeError):
    """A request that got no answer. `log` is the tail of what the worker printed."""

    def __init__(self, message: str, log: str, seconds: float) -> None:
        super().__init__(message)
        self.log = log
        self.seconds = seconds


class WorkerCrash(WorkerFailure):
    """The worker died while it worked on the request."""


class WorkerHang(WorkerFailure):
    """The worker did not answer within the request's limit and was killed."""


@dataclass(frozen=True)
class Setting:
    """How a worker is started: interpreter, environment, modules to import at once, and those it must not have.

    `memory` is how many bytes of address space a request may take beyond what the imports took; None: any.
    """

    name: str
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    memory: int | None = MEMORY

    @classmethod
    def of(cls, name: str, plugins: Iterable[Plugin], folder: Path) -> Setting:
        """Setting of a worker that serves these plugins: what they require, and they, are imported at the start.

        Frameworks leave files in the home and temporary folders, and read settings there that could change
        results; here both lie in `folder`. Raises PluginError where two of the plugins contradict each other.
        """
        plugins = tuple(plugins)
        place = Place.of(name, plugins)
        served = [plugin for plugin in plugins if plugin.worker == name and not plugin.missing]
        frameworks = {Requirement(text).name.replace("-", "_") for plugin in served for text in plugin.requires}
        classes = {plugin.reference.partition(":")[0] for plugin in served}
        return cls(
            name=name,
            environment={**COMMON, **place.environment, **{key: str(folder) for key in HOMES}},
            modules=(*sorted(frameworks), *sorted(classes)),
            without=place.without,
        )


_BOOT = """
import importlib.machinery, sys
_find = importlib.machinery.PathFinder.find_spec
def _hiding(name, path=None, target=None):
    return None if name.partition(".")[0] in {without!r} else _find(name, path, target)
importlib.machinery.PathFinder.find_spec = staticmethod(_hiding)  # a None in sys.modules would count as imported
sys.path.insert(0, {root!r})
from harness.workers.serve import serve
serve(channel, {log!r})
"""


class Worker:
    """One process. `request` sends one request and waits; after a failure the next request starts a new process."""

    def __init__(self, setting: Setting, folder: Path, group: execnet.Group) -> None:
        self.setting = setting
        self.group = group
        self.log = folder / f"{setting.name}-{os.getpid()}.log"
        self.pid: int | None = None
        self.starts = 0
        self.resident: list[int] = []
        """Resident bytes after each request of the process in hand."""
        self._gateway: Any = None
        self._channel: Any = None
        self._loading = False
        self._kept = b""

    def start(self) -> None:
        """Start the process and its imports without waiting for them. Raises WorkerCrash if it does not come up."""
        if self._gateway is not None:
            return
        env = "".join(f"//env:{key}={value}" for key, value in self.setting.environment.items())
        self._gateway = self.group.makegateway(f"popen//python={self.setting.python}{env}")
        root = str(Path(harness.__file__).parent.parent)
        self._channel = self._gateway.remote_exec(
            _BOOT.format(root=root, log=str(self.log), without=self.setting.without)
        )
        self.starts += 1
        try:
            self.pid = int(self._channel.receive(START_LIMIT))
        except (EOFError, self._channel.RemoteError, self._channel.TimeoutError) as error:
            self.stop()
            raise WorkerCrash(f"worker {self.setting.name!r} did not start: {error}", self._tail(), 0.0) from error
        self._channel.send(encode(Load(self.setting.modules, self.setting.memory)))
        self._loading = True

    def request(self, request: Request[A], limit: float = LIMIT) -> Answer[A]:
        """The worker's answer within `limit` seconds.

        Raises WorkerCrash or WorkerHang; either way the process is gone. Raises TypeError for a request that cannot
        travel.
        """
        data = encode(request)
        started = time.perf_counter()
        self.start()
        try:
            if self._loading:
                self._answer(START_LIMIT)
                self._loading = False
                started = time.perf_counter()
            self._channel.send(data)
            answer: Answer[A] = self._answer(limit)
            self._recycle(answer)
            return answer
        except self._channel.TimeoutError:
            spent = time.perf_counter() - started
            self.stop()
            raise WorkerHang(f"no answer within {limit:g} s; the worker was killed", self._tail(), spent) from None
        except (EOFError, OSError, self._channel.RemoteError) as error:
            spent = time.perf_counter() - started
            cause = self._cause_of_death() or str(error)
            self.stop()
            raise WorkerCrash(f"the worker died: {cause}", self._tail(), spent) from None

    def _recycle(self, answer: Answer[Any]) -> None:
        """End a process that has grown too much."""
        self.resident.append(answer.resident)
        if self.resident[-1] - self.resident[0] > GROWTH:
            self.stop()

    def _answer(self, limit: float) -> Answer[Any]:
        """The next answer. Meanwhile the log is kept short. Raises the channel's TimeoutError after `limit` seconds."""
        end = time.monotonic() + limit
        while True:
            try:
                answer: Answer[Any] = decode(self._channel.receive(max(0.0, min(TICK, end - time.monotonic()))))
                return answer
            except self._channel.TimeoutError:
                if time.monotonic() >= end:
                    raise
            finally:
                self._cut_log()

    def _cut_log(self) -> None:
        """Cut a log that has grown too long; the worker appends, so it writes on at the new end."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                self._kept = self._end_of_log()
                os.truncate(self.log, 0)

    def _end_of_log(self) -> bytes:
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL))
            return file.read()

    def _cause_of_death(self) -> str:
        """Name of the signal, or the exit status, if the operating system tells."""
        popen = getattr(getattr(self._gateway, "_io", None), "popen", None)
        if popen is None:
            return ""
        with contextlib.suppress(Exception):
            code = popen.wait(timeout=5)
            return signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return ""

    def _tail(self) -> str:
        end = b""
        with contextlib.suppress(OSError):
            end = self._end_of_log()
        return (self._kept + end)[-LOG_TAIL:].decode(errors="replace").strip()

    def stop(self) -> None:
        """End the process and its children at once; the next request starts a new one."""
        if self.pid is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(self.pid)
                for each in [*process.children(recursive=True), process]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        each.kill()
        if self._gateway is not None:
            with contextlib.suppress(Exception):
                self._gateway.exit()
            popen = getattr(getattr(self._gateway, "_io", None), "popen", None)
            with contextlib.suppress(Exception):  # so that the dead process does not stay behind
                popen.wait(timeout=5)  # type: ignore[union-attr]
        self.pid = self._gateway = None
        self._loading = False
        self.resident = []


class Workers:
    """All workers of one run, by name; a context manager that ends them.

    A worker among `settings` is started as that says, with the common environment and homes besides.
    """

    def __init__(self, plugins: Iterable[Plugin] = (), settings: Iterable[Setting] = ()) -> None:
        self._plugins = tuple(plugins)
        self._settings = {setting.name: setting for setting in settings}
        self._workers: dict[str, Worker] = {}
        self._group = execnet.Group()
        self._folder = Path(tempfile.mkdtemp(prefix="parity-workers-"))

    def __getitem__(self, name: str) -> Worker:
        if name not in self._workers:
            setting = Setting.of(name, self._plugins, self._folder)
            if name in self._settings:
                given = self._settings[name]
                setting = replace(given, environment={**setting.environment, **given.environment})
            self._workers[name] = Worker(setting, self._folder, self._group)
        return self._workers[name]

    def warm(self, names: Iterable[str]) -> None:
        """Start several workers side by side, so that their imports overlap."""
        for name in names:
            self[name].start()

    def close(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        # execnet's own clean-up, so that its threads do not complain when the interpreter exits
        self._group.terminate(timeout=1.0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
