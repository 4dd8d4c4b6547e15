"""Read untrusted files in a separate process, and turn its crash or hang into a `MatFileError`.

The HDF5 library can crash on a damaged file, and a parser can run for ever or fill the memory. The process loads no
framework, starts once and serves many calls. The size of the file limits the time and the memory of each call.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np

from harness.matlab.matfile.read import Cell, Object, StructArray, read_mat
from harness.matlab.matfile.scan import MatFileError
from harness.matlab.readers.card import Card
from harness.matlab.readers.records import NetworkError, UnsupportedLayers
from harness.matlab.readers.toolbox import Network, RecordedSample
from harness.spec import Spec
from harness.workers.pool import Setting, Worker, WorkerCrash, WorkerHang, Workers
from harness.workers.protocol import Call, Failure

__all__ = ["Reader", "ReaderFailed", "Variable", "memory_for", "network_of", "reader", "seconds_for", "variables_of"]

NAME = "matreader"
MIB = 2**20
MEMORY = 1024 * MIB
"""Bytes that reading may take beyond those of the process after its imports; `PER_BYTE` for each byte of the file, if
that is more."""
PER_BYTE = 16
SECONDS, MOST_SECONDS = 10.0, 600.0
"""Least and greatest limit of time for one file; between them, one second for each `BYTES_PER_SECOND`. A real file of
version 7.3 with thousands of fields takes a second for each MB, several on a busy machine."""
BYTES_PER_SECOND = 100 * 1024
SETTING = Setting(
    NAME,
    environment={"MALLOC_ARENA_MAX": "2"},  # more arenas would take address space that the limit counts
    modules=(
        "h5py",
        "matio",
        "pandas",
        "scipy.io",
        "scipy.sparse",
        "harness.matlab.readers.network",
        "harness.models.reader",
    ),
    without=("jax", "keras", "tensorflow", "torch"),
    memory=MEMORY,
)
RAISED = (MatFileError, NetworkError, UnsupportedLayers)
"""Exceptions of the process that are raised here too."""


class ReaderFailed(MatFileError):
    """A file that broke the reader. `how`: `crash`, `hang`, `memory`, or `exception` (an unexpected one)."""

    def __init__(self, problem: str, *, how: str, where: Path) -> None:
        super().__init__(problem, where=where)
        self.how = how


@dataclass(frozen=True)
class Variable:
    """MATLAB's class of a variable, its size, and the names of its fields or properties."""

    kind: str
    shape: tuple[int, ...]
    fields: tuple[str, ...] = ()


def seconds_for(size: int) -> float:
    """Limit of time for a file of `size` bytes."""
    return min(max(SECONDS, size / BYTES_PER_SECOND), MOST_SECONDS)


def memory_for(size: int) -> int:
    """Limit of memory, in bytes, for a file of `size` bytes."""
    return max(MEMORY, PER_BYTE * size)


class Reader:
    """A warm process that reads files. As a context manager it ends the process."""

    def __init__(self) -> None:
        self._workers = Workers(settings=(SETTING,))
        self._lock = Lock()
        self.peak = 0
        """Most bytes that an answered call took beyond those of the process before it."""

    @property
    def worker(self) -> Worker:
        return self._workers[NAME]

    def call(
        self,
        function: str,
        path: Path,
        *arguments: Any,
        seconds: float | None = None,
        memory: int | None = None,
        raises: Iterable[type[Exception]] = RAISED,
    ) -> Any:
        """Call `module:function` with the path and further plain data; return its value.

        Raises an exception of `raises` with its attributes if the function raised it; OSError if the file cannot be
        opened; else ReaderFailed if the process died, exceeded a limit (by default that of the file's size) or raised
        another exception. An earlier file may have damaged a process that dies: the call is repeated once in a fresh
        process.
        """
        with path.open("rb") as file:  # an OSError is raised here, where the caller sees the real one
            size = file.seek(0, 2)
        seconds, memory = seconds or seconds_for(size), memory or memory_for(size)
        request = Call(function, (path, *arguments), memory)
        with self._lock:
            try:
                used = bool(self.worker.resident)
                try:
                    answer = self.worker.request(request, seconds)
                except WorkerCrash:
                    if not used:
                        raise
                    answer = self.worker.request(request, seconds)
            except WorkerCrash as error:
                cause = str(error).removeprefix("the worker died: ")
                raise ReaderFailed(
                    f"is damaged: reading it crashed the reader ({cause})", how="crash", where=path
                ) from None
            except WorkerHang:
                raise ReaderFailed(
                    f"is damaged or too complex: reading it took longer than {seconds:g} s", how="hang", where=path
                ) from None
            except BaseException:  # an interrupt: the next call must not receive the answer of this one
                self.worker.stop()
                raise
        self.peak = max(self.peak, answer.peak)
        if isinstance(answer.value, Failure):
            raise _raised(answer.value, path, memory, raises)
        return answer.value

    def stop(self) -> None:
        """End the process; the next call starts a fresh one."""
        self.worker.stop()

    def close(self) -> None:
        self._workers.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _raised(failure: Failure, path: Path, memory: int, raises: Iterable[type[Exception]]) -> Exception:
    """The exception of a failed call: the function's, with its attributes, or ReaderFailed."""
    known = {cls.__name__: cls for cls in raises}
    for name in failure.classes or (failure.error,):
        if name in known:
            error = known[name].__new__(known[name], failure.attributes.get("problem", failure.message))
            vars(error).update(failure.attributes)
            return error
    if "MemoryError" in failure.classes:
        return ReaderFailed(
            f"reading it takes more memory than the limit of {memory // MIB} MiB", how="memory", where=path
        )
    line = failure.sentence.splitlines()[0][:200]
    return ReaderFailed(f"is damaged or unknown: it cannot be read ({line})", how="exception", where=path)


@cache
def reader() -> Reader:
    """The shared reader; its process ends with the interpreter."""
    shared = Reader()
    atexit.register(shared.close)
    return shared


def variables_of(path: Path, by: Reader | None = None) -> dict[str, Variable]:
    """The variables of a file. The process reads it whole and sends a summary. Raises MatFileError and OSError."""
    summaries = (by or reader()).call(f"{__name__}:summary", path)
    return {name: Variable(kind, tuple(shape), tuple(fields)) for name, (kind, shape, fields) in summaries.items()}


def network_of(
    path: Path, variable: str | None = None, layout: Path | None = None, by: Reader | None = None
) -> Network:
    """The network in a file: `harness.matlab.readers.network.read_network` in the other process.

    Raises MatFileError, NetworkError (UnsupportedLayers too) and OSError.
    """
    dialect, spec, weights, notes, samples, card = (by or reader()).call(f"{__name__}:network", path, variable, layout)
    recorded = tuple(RecordedSample(*parts) for parts in samples)
    return Network(dialect, spec, weights, tuple(notes), recorded, Card.from_json(card))


def summary(path: Path) -> dict[str, tuple[str, tuple[int, ...], tuple[str, ...]]]:
    """MATLAB's class, size and fields of each variable; `variables_of` calls it in the process."""
    return {name: _summarized(value) for name, value in read_mat(path).items()}


def network(path: Path, variable: str | None, layout: Path | None) -> tuple[Any, ...]:
    """The network in plain data; `network_of` calls it in the process."""
    from harness.matlab.readers.network import read_network

    network = read_network(path, variable, layout=layout)
    spec = Spec.from_json(json.loads(json.dumps(network.spec.to_json())))
    samples = [(tuple(each.inputs), tuple(each.formats), dict(each.activations)) for each in network.samples]
    return network.dialect, spec, dict(network.weights), tuple(network.notes), samples, network.card.to_json()


MATLAB_CLASSES = {"float64": "double", "float32": "single", "bool": "logical"}


def _summarized(value: Any) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    if isinstance(value, str):
        return "char", (int(bool(value)), len(value)), ()
    if isinstance(value, dict):
        return "struct", (1, 1), tuple(map(str, value))
    if isinstance(value, Object):
        return value.class_name, (1, 1), tuple(map(str, value.fields))
    shape = tuple(int(n) for n in value.shape)
    if isinstance(value, StructArray):
        return "struct", shape, tuple(map(str, value.fields))
    if isinstance(value, Cell):
        return "cell", shape, ()
    if value.dtype.kind == "U":
        return "char", shape, ()
    real = np.empty(0, value.dtype).real.dtype.name
    return MATLAB_CLASSES.get(real, real), shape, ()
