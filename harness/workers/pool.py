"""Starts worker processes, reuses them over the whole run, and replaces those that die or hang.

There is one process per set of frameworks, because frameworks cannot share one (docs/architecture.md). execnet starts
the interpreters and carries plain data.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import execnet
import psutil
from packaging.requirements import Requirement

import harness
from harness.adapters.places import Place
from harness.adapters.plugin import CPU
from harness.adapters.registry import Plugin
from harness.signals import ENDING, held
from harness.workers.protocol import A, Answer, Load, Request, decode, encode
from harness.workers.turns import Turns
from harness.workers.watch import Watch

LIMIT = 60.0
"""Seconds of processor time that one request may take."""
START_LIMIT = 240.0
"""Seconds that a worker may take to start and import its frameworks, cold."""


def growth_limit(memory: int, processors: int) -> int:
    """Bytes by which a worker may grow: a twentieth of the memory (bytes) for each processor, from 200 to 600 MiB."""
    return min(max(memory // processors // 20, 200 << 20), 600 << 20)


GROWTH = growth_limit(psutil.virtual_memory().total, os.cpu_count() or 1)
"""Bytes by which a worker may grow after its first request, as frameworks cache what they compile. A worker that has
grown more is ended, and its successor takes the next request."""
EARLY = 0.8
"""Share of `GROWTH` at which the successor starts, because its imports take seconds."""
LOG_TAIL = 2000
"""Characters of a worker's output that an outcome carries."""
LOG_LIMIT = 16 * 2**20
"""Most bytes of a worker's log on disk; a longer log is cut to its tail."""
TICK = 0.1
"""Seconds between two looks at the log and the time of a busy worker."""
MEMORY = int(psutil.virtual_memory().total * 0.75)
"""Default for the bytes of address space that one request may take, so that a greedy converter fails, not the
machine."""

COMMON = MappingProxyType({"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONFAULTHANDLER": "1"})
"""Environment of every worker: one thread, so that results repeat and workers share the cores; CPU only; a traceback
in the log of a crash."""
HOMES = ("TMPDIR", "KERAS_HOME", "XDG_CACHE_HOME")
_HALTED = (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
"""States of a process that writes nothing."""


class WorkerFailure(RuntimeError):
    """A request without an answer. `log` is the end of the worker's output, `seconds` the time until the failure."""

    def __init__(self, message: str, log: str, seconds: float) -> None:
        super().__init__(message)
        self.log = log
        self.seconds = seconds


class WorkerCrash(WorkerFailure):
    """The worker died before it answered."""


class WorkerHang(WorkerFailure):
    """The worker did not answer within the request's limit, which the message names, and was killed."""


@dataclass(frozen=True)
class Setting:
    """How to start a worker: interpreter, environment, modules to import, and modules that it must not import.

    `memory` limits the address space of a request, in bytes beyond that of the imports; None for no limit. `watched`
    are the folders of the packages whose entered functions its answers tell.
    """

    name: str
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    memory: int | None = MEMORY
    watched: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, name: str, plugins: Iterable[Plugin], folder: Path, watched: Mapping[str, Path] | None = None
    ) -> Setting:
        """The setting of the worker `name`, which imports its plugins and their requirements at the start, and watches
        those of the distributions `watched` that it serves.

        Home and temporary folders lie in `folder`: frameworks write files there, and read settings that could change
        results. Raises PluginError if two of the plugins contradict each other.
        """
        plugins = tuple(plugins)
        place = Place.of(name, plugins)
        served = [plugin for plugin in plugins if plugin.worker == name and not plugin.missing]
        frameworks = {Requirement(text).name.replace("-", "_") for plugin in served for text in plugin.requires}
        classes = {plugin.reference.partition(":")[0] for plugin in served}
        on_cpu = all(plugin.device == CPU for plugin in served)
        return cls(
            name=name,
            environment={**COMMON, **place.environment, **{key: str(folder) for key in HOMES}},
            modules=(*sorted(frameworks), *sorted(classes)),
            without=place.without,
            memory=MEMORY if on_cpu else None,  # CUDA maps the GPU's memory, and the machine's, into its address space
            watched=tuple(
                package
                for each, package in (watched or {}).items()
                if any(each in plugin.distributions for plugin in served)
            ),
        )


_BOOT = """
import importlib.machinery, signal, sys
if hasattr(signal, "pthread_sigmask"):  # it began with SIGTERM held
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
_find = importlib.machinery.PathFinder.find_spec
def _hiding(name, path=None, target=None):
    if name == "harness":  # the suite from here, even where it lies beside what another interpreter has in its own way
        return _find(name, [{root!r}], target)
    return None if name.partition(".")[0] in {without!r} else _find(name, path, target)
importlib.machinery.PathFinder.find_spec = staticmethod(_hiding)  # a None in sys.modules would count as imported
if {here!r}:
    # Behind the working directory: a working copy there is what is tested, also where this suite is installed beside
    # the release. With a safe path behind everything: what was put before the rest stays there.
    sys.path.insert(len(sys.path) if sys.flags.safe_path else sys.path[:1] == [""], {root!r})
from harness.workers.serve import serve
serve(channel, {log!r})
"""


class Worker:
    """A worker process. After a failure, the next request starts a new one."""

    def __init__(self, setting: Setting, folder: Path, group: execnet.Group, turns: Turns) -> None:
        self.setting = setting
        self.group = group
        self.turns = turns
        self.folder = folder
        self.log = folder / f"{setting.name}-{os.getpid()}.log"
        self.pid: int | None = None
        self.starts = 0
        self.resident: list[int] = []
        """Resident bytes after each request of the current process."""
        self._gateway: Any = None
        self._channel: Any = None
        self._loading = False
        self._cut_tail = b""
        self._successor: Worker | None = None

    def start(self) -> None:
        """Start the process, without waiting for its imports, or go on with the successor's. Raises WorkerCrash if it
        does not start."""
        if self._gateway is not None or self._succeeded():
            return
        env = "".join(f"//env:{key}={value}" for key, value in self.setting.environment.items())
        with held(*ENDING):  # a process that ends in the midst of this leaves a worker that talks to nobody
            self._gateway = self.group.makegateway(f"popen//python={shlex.quote(self.setting.python)}{env}")
        root = str(Path(harness.__file__).parent.parent)
        here = self.setting.python == sys.executable
        self._channel = self._gateway.remote_exec(
            _BOOT.format(root=root, here=here, log=str(self.log), without=self.setting.without)
        )
        self.starts += 1
        try:
            self.pid = int(self._channel.receive(START_LIMIT))
        except (EOFError, self._channel.RemoteError, self._channel.TimeoutError) as error:
            self.stop()
            raise WorkerCrash(f"worker {self.setting.name!r} did not start: {error}", self._tail(), 0.0) from error
        self._channel.send(encode(Load(self.setting.modules, self.setting.memory, self.setting.watched)))
        self._loading = True

    def request(self, request: Request[A], limit: float = LIMIT) -> Answer[A]:
        """Send one request and wait for the answer: at most `limit` seconds of the processor time of the process and
        its children, and `PATIENCE` times as many by the clock.

        Raises WorkerCrash or WorkerHang, after which the process is gone. Raises TypeError for a request that is not
        plain data.
        """
        with self.turns.side_by_side():
            return self._asked(request, limit)

    def insist(self, request: Request[A], limit: float = LIMIT) -> Answer[A]:
        """As `request`, but a request that hangs is sent once more, to a fresh process, alone: meanwhile, no process
        that shares the worker's turns is within a request.

        The `seconds` of a failure are those of both.
        """
        try:
            return self.request(request, limit)
        except WorkerHang as hang:
            request.discard()
            try:
                with self.turns.alone():
                    return self._asked(request, limit)
            except WorkerFailure as again:
                again.seconds += hang.seconds
                raise

    def _asked(self, request: Request[A], limit: float) -> Answer[A]:
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
        except self._channel.TimeoutError as late:
            spent = time.perf_counter() - started
            self._end()
            raise WorkerHang(f"{late}; the worker was killed", self._tail(), spent) from None
        except (EOFError, OSError, self._channel.RemoteError) as error:
            spent = time.perf_counter() - started
            cause = self._cause_of_death() or str(error)
            self._end()
            raise WorkerCrash(f"the worker died: {cause}", self._tail(), spent) from None

    def _recycle(self, answer: Answer[Any]) -> None:
        """End the process if it has grown by more than `GROWTH`; start its successor a little earlier."""
        self.resident.append(answer.resident)
        growth = self.resident[-1] - self.resident[0]
        if growth > GROWTH:
            self._end()
        elif growth > EARLY * GROWTH and self._successor is None:
            self._prepare(answer.resident)

    def _prepare(self, resident: int) -> None:
        """Start the successor, if there is memory for two more processes of `resident` bytes. Where it does not start,
        the next request after the end of this process starts one, and reports why."""
        if psutil.virtual_memory().available < 2 * resident:
            return
        successor = Worker(self.setting, self.folder, self.group, self.turns)
        successor.log = self.log.with_name(f"{self.setting.name}-{os.getpid()}-{self.starts}.log")
        with contextlib.suppress(WorkerCrash):
            successor.start()
            self._successor = successor
            self.starts += 1

    def _succeeded(self) -> bool:
        """Whether the successor's process is now this worker's. One that died unused is no successor."""
        successor, self._successor = self._successor, None
        if successor is None:
            return False
        if successor.pid is None or not _runs(successor.pid):
            successor.stop()
            return False
        self.pid, self.log, self._cut_tail = successor.pid, successor.log, b""
        self._gateway, self._channel, self._loading = successor._gateway, successor._channel, successor._loading
        return True

    def _answer(self, limit: float) -> Answer[Any]:
        """Wait for the next answer; meanwhile, cut the log. Raises the channel's TimeoutError, which says which limit
        was reached."""
        assert self.pid is not None
        watch = Watch(self.pid, limit)
        while True:
            try:
                answer: Answer[Any] = decode(self._channel.receive(min(TICK, watch.left)))
                return answer
            except self._channel.TimeoutError as tick:
                if reached := watch.exceeded():
                    raise type(tick)(f"no answer within {reached}") from None
            finally:
                self._cut_log()

    def _cut_log(self) -> None:
        """Cut a log longer than `LOG_LIMIT`. The worker appends, so it continues at the new end."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                with self._paused():
                    self._cut_tail = self._end_of_log()
                    os.truncate(self.log, 0)

    @contextlib.contextmanager
    def _paused(self) -> Iterator[None]:
        """Stop the process meanwhile: what it writes between reading the log and cutting it would be lost."""
        process = None
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            process.suspend()
            deadline = time.monotonic() + TICK
            while process.status() not in _HALTED and time.monotonic() < deadline:
                time.sleep(0.001)
        try:
            yield
        finally:
            with contextlib.suppress(psutil.Error):
                if process is not None:
                    process.resume()

    def _end_of_log(self) -> bytes:
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL))
            return file.read()

    def _cause_of_death(self) -> str:
        """Name of the signal, or exit status, of a dead process; '' if unknown."""
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
        return (self._cut_tail + end)[-LOG_TAIL:].decode(errors="replace").strip()

    def stop(self) -> None:
        """Kill the process, its children and its successor. The next request starts a new process."""
        self._end()
        if self._successor is not None:
            self._successor.stop()
            self._successor = None

    def _end(self) -> None:
        """Kill the process and its children. The next request goes to the successor, or to a new process."""
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
            with contextlib.suppress(Exception):  # reap the process
                popen.wait(timeout=5)  # type: ignore[union-attr]
        self.pid = self._gateway = None
        self._loading = False
        self.resident = []


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in _HALTED
    except psutil.Error:
        return False


class Workers:
    """The workers of one run, by name. A context manager that ends them.

    `settings` replace the default setting of their workers; the common environment and the homes are added. `pythons`
    are the interpreters of workers that have one of their own. `turns` are those of all processes of a run. `watched`
    are the folders of the packages whose entered functions answers tell, by distribution.
    """

    def __init__(
        self,
        plugins: Iterable[Plugin] = (),
        settings: Iterable[Setting] = (),
        *,
        pythons: Mapping[str, str] | None = None,
        turns: Turns | None = None,
        watched: Mapping[str, Path] | None = None,
    ) -> None:
        self._plugins = tuple(plugins)
        self._watched = dict(watched or {})
        self._pythons = dict(pythons or {})
        self._turns = turns or Turns()
        self._settings = {setting.name: setting for setting in settings}
        self._workers: dict[str, Worker] = {}
        self._expected: tuple[str, ...] = ()
        self._group = execnet.Group()
        self._folder = Path(tempfile.mkdtemp(prefix="parity-workers-"))

    def __getitem__(self, name: str) -> Worker:
        names, self._expected = self._expected, ()
        for each in names:
            with contextlib.suppress(WorkerCrash):  # the request that needs it reports that
                self._worker(each).start()
        return self._worker(name)

    def _worker(self, name: str) -> Worker:
        if name not in self._workers:
            setting = Setting.of(name, self._plugins, self._folder, self._watched)
            setting = replace(setting, python=self._pythons.get(name, setting.python))
            if name in self._settings:
                custom = self._settings[name]
                setting = replace(custom, environment={**setting.environment, **custom.environment})
            self._workers[name] = Worker(setting, self._folder, self._group, self._turns)
        return self._workers[name]

    def expect(self, names: Iterable[str]) -> None:
        """Have several workers start side by side, so that their imports overlap, as soon as one is asked for."""
        self._expected = tuple(names)

    def close(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        self._turns.close()
        # without execnet's own clean-up, its threads complain when the interpreter exits
        self._group.terminate(timeout=1.0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
