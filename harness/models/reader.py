"""Files of strangers, read in a process of their own: what kills or hangs a reader becomes a `MatFileError`.

The HDF5 library can crash on a damaged file, and a parser can run for ever or fill the memory. The process has no
framework, starts once and serves many calls; each call has a limit of time and of memory, by the size of its file.
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
from harness.matlab.readers.records import NetworkError, UnsupportedLayers
from harness.matlab.readers.toolbox import Network, RecordedSample
from harness.spec import Spec
from harness.workers.pool import Setting, Worker, WorkerCrash, WorkerHang, Workers
from harness.workers.protocol import Call, Failure

__all__ = ["Reader", "ReaderFailed", "Variable", "memory_for", "network_of", "reader", "seconds_for", "variables_of"]

NAME = "matreader"
MIB = 2**20
MEMORY = 1024 * MIB
"""Bytes that reading may take beyond what the process has after its imports; `PER_BYTE` times the file if more."""
PER_BYTE = 16
SECONDS, MOST_SECONDS = 10.0, 600.0
"""Seconds that reading may take; as many as `BYTES_PER_SECOND` makes of the file if more, up to the second number. A
real file of version 7.3 with thousands of fields takes a second for each MB, several on a busy machine."""
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
"""Exceptions that come back as themselves."""


class ReaderFailed(MatFileError):
    """A file that a reader did not survive. `how`: `crash`, `hang`, `memory`, or `exception` (one nobody expected)."""

    def __init__(self, message: str, how: str) -> None:
        super().__init__(message)
        self.how = how


@dataclass(frozen=True)
class Variable:
    """What a variable is: MATLAB's class, its size, and the names of its fields or properties."""

    kind: str
    shape: tuple[int, ...]
    fields: tuple[str, ...] = ()


def seconds_for(size: int) -> float:
    """Limit of time for a file of so many bytes."""
    return min(max(SECONDS, size / BYTES_PER_SECOND), MOST_SECONDS)


def memory_for(size: int) -> int:
    """Limit of memory for a file of so many bytes."""
    return max(MEMORY, PER_BYTE * size)


class Reader:
    """A warm process that reads; a context manager that ends it."""

    def __init__(self) -> None:
        self._workers = Workers(settings=(SETTING,))
        self._lock = Lock()
        self.peak = 0
        """Most bytes that a call took beyond what the process had before it, of those that were answered."""

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
        """What `module:function` gives for a file: called with its path as text and further plain data.

        Raises those of `raises` that the function raised, with their messages and attributes; ReaderFailed where the
        process died, took longer or more memory than the limits (by the file's size if not given), or raised anything
        else; OSError where the file cannot be opened. A process that dies may have been harmed by an earlier file:
        the call is made again in a fresh one.
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
                raise ReaderFailed(f"{path}: is damaged: reading it crashed the reader ({cause})", "crash") from None
            except WorkerHang:
                raise ReaderFailed(
                    f"{path}: is damaged or too complex: reading it took longer than {seconds:g} s", "hang"
                ) from None
            except BaseException:  # an interrupt: the answer that is still to come must not be taken for the next one
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
    """The exception that a failed call stands for."""
    known = {cls.__name__: cls for cls in raises}
    for name in failure.classes or (failure.error,):
        if name in known:
            error = known[name].__new__(known[name])
            error.args = (failure.message,)
            vars(error).update(failure.attributes)
            return error
    if "MemoryError" in failure.classes:
        return ReaderFailed(f"{path}: reading it takes more than the {memory // MIB} MiB that it may take", "memory")
    line = failure.sentence.splitlines()[0][:200]
    return ReaderFailed(f"{path}: is damaged or unknown: it cannot be read ({line})", "exception")


@cache
def reader() -> Reader:
    """The reader of this process; it ends when the interpreter does."""
    made = Reader()
    atexit.register(made.close)
    return made


def variables_of(path: Path, by: Reader | None = None) -> dict[str, Variable]:
    """What a file holds, read whole but in the other process. Raises MatFileError and OSError."""
    found = (by or reader()).call(f"{__name__}:summary", path)
    return {name: Variable(kind, tuple(shape), tuple(fields)) for name, (kind, shape, fields) in found.items()}


def network_of(
    path: Path, variable: str | None = None, layout: Path | None = None, by: Reader | None = None
) -> Network:
    """The network in a file, as `harness.matlab.readers.network.read_network` gives it, read elsewhere.

    Raises MatFileError, NetworkError (UnsupportedLayers too) and OSError.
    """
    dialect, spec, weights, notes, samples = (by or reader()).call(f"{__name__}:network", path, variable, layout)
    return Network(dialect, spec, weights, tuple(notes), tuple(RecordedSample(*parts) for parts in samples))


def summary(path: Path) -> dict[str, tuple[str, tuple[int, ...], tuple[str, ...]]]:
    """What `variables_of` sends for."""
    return {name: _told(value) for name, value in read_mat(path).items()}


def network(path: Path, variable: str | None, layout: Path | None) -> tuple[Any, ...]:
    """What `network_of` sends for."""
    from harness.matlab.readers.network import read_network

    network = read_network(path, variable, layout=layout)
    spec = Spec.from_json(json.loads(json.dumps(network.spec.to_json())))
    samples = [(tuple(each.inputs), tuple(each.formats), dict(each.activations)) for each in network.samples]
    return network.dialect, spec, dict(network.weights), tuple(network.notes), samples


MATLAB_CLASSES = {"float64": "double", "float32": "single", "bool": "logical"}


def _told(value: Any) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
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
