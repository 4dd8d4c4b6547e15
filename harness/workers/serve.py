"""The loop inside a worker process: receive a request, call a format, hop, runtime or function, send the answer.

An exception of the called code is an answer too: its class, message and traceback are sent, and the worker goes on.
"""

from __future__ import annotations

import json
import os
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cache, singledispatch
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from harness.adapters.registry import resolve
from harness.spec import Spec
from harness.workers.footprint import Entered, Footprint, Notes, joined
from harness.workers.garbage import uncollected
from harness.workers.protocol import (
    Answer,
    Arrays,
    Call,
    Convert,
    Failure,
    Load,
    Model,
    Outputs,
    Predict,
    Ran,
    Read,
    Request,
    Run,
    Write,
    decode,
    encode,
)
from harness.workers.wire import pack

resource: Any
try:
    import resource
except ImportError:  # Windows
    resource = None

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
WRAPPER_LENGTH = 120
"""Most characters of the message of an exception that wraps another."""


@dataclass
class _Memory:
    """Bytes of address space after the imports, and the bytes that a request may add (None: no limit)."""

    after_imports: int = 0
    limit: int | None = None


_MEMORY = _Memory()


@dataclass
class _Watch:
    """What notes the footprint of requests, and that of the imports."""

    notes: Notes = field(default_factory=lambda: Notes(()))
    imports: Footprint = field(default_factory=dict)


_WATCH = _Watch()


@cache
def _instance(reference: str) -> Any:
    return resolve(reference)()


@singledispatch
def answer(request: Any) -> Any:
    """Do what a request asks, and return its value. Raises whatever the called code raises."""
    raise TypeError(f"expected a request, got {type(request).__name__}")


@answer.register
def _(request: Load) -> None:
    _WATCH.notes = Notes(request.watched)
    entered: Entered = {}
    with uncollected(), _WATCH.notes.noting(entered):  # a framework has half a million objects
        for name in request.modules:
            with suppress(Exception):  # the request that needs the module reports it
                import_module(name)
    _WATCH.imports = joined(entered)
    _MEMORY.after_imports, _MEMORY.limit = psutil.Process().memory_info().vms, request.memory


@answer.register
def _(request: Write) -> None:
    _instance(request.reference).write(request.spec, request.weights, request.path)


@answer.register
def _(request: Read) -> Model:
    spec, weights = _instance(request.reference).read(request.path)
    return Model(Spec.from_json(json.loads(json.dumps(spec.to_json(), default=str))), weights)


@answer.register
def _(request: Convert) -> Path | None:
    path = _instance(request.reference).convert(request.artifact, request.out)
    return None if path is None else Path(path)


@answer.register
def _(request: Run) -> Ran:
    """Call the artifact on the first sample twice, on each further sample once, and on the first sample again.

    Repeated calls reveal state and randomness; the last one reveals state that other sizes change. The failure of a
    further sample is part of the answer.
    """
    caller = _Caller(_instance(request.reference), request.artifact)
    inputs, *others = request.samples
    first, names = caller.call(inputs)
    bits = encode(first)
    repeats = bits == encode(caller.call(inputs)[0])
    further = [caller.call_or_fail(sample) for sample in others]
    if further:
        repeats = repeats and bits == encode(caller.call(inputs)[0])
    return Ran(
        outputs=(first, *further),
        names=None if names is None else tuple(names),
        repeats=repeats,
        overwrites=tuple(sorted(caller.overwritten)),
        device=caller.runtime.ran_on(caller.opened) if hasattr(caller.runtime, "ran_on") else None,
    )


def probed(reference: str) -> dict[str, Any]:
    """What a runtime of a device says of it, before it runs anything there. Raises whatever its probe raises."""
    return dict(_instance(reference).probe())


@answer.register
def _(request: Predict) -> tuple[Any, ...]:
    return tuple(_instance(request.reference).predict(request.artifact, request.inputs, trust=request.trust))


@answer.register
def _(request: Call) -> Any:
    return resolve(request.function)(*request.arguments)


class _Caller:
    """Calls an artifact. `overwritten` collects the names of the inputs that calls wrote into."""

    def __init__(self, runtime: Any, artifact: Path) -> None:
        self.runtime = runtime
        self.opened = runtime.open(artifact)
        self.overwritten: set[str] = set()

    def call(self, inputs: Arrays) -> tuple[Outputs, Any]:
        """The outputs of one call and their names. Outputs are copies, because a later call may overwrite them.

        The artifact gets arrays of its own that it could write into, as a user's would be, and they are compared after
        the call.
        """
        arrays = {name: np.array(value, order="C") for name, value in inputs.items()}
        outputs, names = self.runtime.run(self.opened, arrays)
        copies = tuple(None if value is None else np.array(value) for value in outputs)
        self.overwritten |= {name for name, value in inputs.items() if pack(arrays[name]) != pack(value)}
        return copies, names

    def call_or_fail(self, inputs: Arrays) -> Outputs | Failure:
        try:
            return self.call(inputs)[0]
        except Exception as error:
            return _failure(error)


def _failure(error: BaseException) -> Failure:
    return Failure(
        error=type(error).__name__,
        message=_ESCAPES.sub("", _message(error)),
        traceback="".join(traceback.format_exception(error, limit=-8)),
    )


def _failure_of_call(error: BaseException) -> Failure:
    """The failure of a `Call`, complete enough to raise it again: unchanged message, classes, plain attributes."""
    return replace(
        _failure(error),
        message=str(error),
        classes=tuple(cls.__name__ for cls in type(error).__mro__),
        attributes={name: value for name, value in vars(error).items() if _is_plain(value)},
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    if isinstance(value, tuple | list):
        return all(_is_plain(item) for item in value)
    return value is None or type(value) in (bool, int, float, str, bytes)


@contextmanager
def _memory_limit(more: int | None) -> Iterator[None]:
    """Limit the address space to `more` bytes beyond the imports, if the system can. None sets no limit."""
    if more is None or resource is None:
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _MEMORY.after_imports + more
    with suppress(ValueError, OSError):  # the system has no such limit, or a lower one is in force
        resource.setrlimit(resource.RLIMIT_AS, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (before, most))


def _forget_peak() -> None:
    with suppress(OSError):  # Linux only
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Most resident bytes since `_forget_peak`; the current ones if the system does not know."""
    with suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)


def _message(error: BaseException) -> str:
    """The message of an exception, and that of its root cause: a framework's wrapper alone tells little."""
    deepest: BaseException = error
    while deepest.__cause__ is not None:
        deepest = deepest.__cause__
    if deepest is error:
        return str(error)
    return f"{str(error)[:WRAPPER_LENGTH]} ... from {type(deepest).__name__}: {deepest}"


def _limit_of(request: Request[Any]) -> int | None:
    """Bytes that a request may add: a call's own limit, or the common one; no limit for imports."""
    if isinstance(request, Load):
        return None
    return (request.memory if isinstance(request, Call) else None) or _MEMORY.limit


def _answered(request: Request[Any], process: psutil.Process) -> Answer[Any]:
    started, before = time.perf_counter(), process.memory_info().rss
    calls = isinstance(request, Call)
    if calls:
        _forget_peak()
    entered: Entered = {}
    noting = _WATCH.notes.noting(entered) if isinstance(request, Convert | Run) else nullcontext()
    try:
        with _memory_limit(_limit_of(request)), noting:
            value = answer(request)
    except (Exception, SystemExit) as error:  # a converter may be a script that calls sys.exit
        value = _failure_of_call(error) if calls else _failure(error)
    peak = max(0, _peak() - before) if calls else 0
    seconds = time.perf_counter() - started
    return Answer(value, seconds, process.memory_info().rss, peak, joined(_WATCH.imports, entered))


def serve(channel: Any, log: str) -> None:
    """Answer requests until the channel closes. The frameworks' output goes to the file `log`."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    channel.send(os.getpid())
    process = psutil.Process()
    for data in channel:
        answered = _answered(decode(data), process)
        try:
            channel.send(encode(answered))
        except Exception as error:  # the called code returned something that is not plain data
            channel.send(encode(Answer(_failure(error), answered.seconds, answered.resident)))
