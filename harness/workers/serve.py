"""The loop inside a worker process: receive a request, call a format, hop or runtime, send the answer.

Or any function, by name. Requests and answers are plain data. An exception of the called code is an answer, not an
end: its class, message and traceback go back, and the worker is ready for the next request.
"""

from __future__ import annotations

import json
import os
import re
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from harness.adapters.registry import resolve
from harness.spec import Spec
from harness.workers.wire import pack, unpack_all

resource: Any
try:
    import resource
except ImportError:  # Windows
    resource = None

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
CAUSE_LENGTH = 120
Request = dict[str, Any]
Answer = dict[str, Any]
_MEMORY: dict[str, Any] = {}
"""Address space that the process had after its imports, and how much more a request may take."""


@cache
def _instance(reference: str) -> Any:
    return resolve(reference)()


def _load(request: Request) -> Answer:
    for name in request["modules"]:
        with suppress(ImportError):  # whoever needs it says so in its own answer
            import_module(name)
    _MEMORY.update(after_imports=psutil.Process().memory_info().vms, limit=request.get("memory"))
    return {}


def _write(request: Request) -> Answer:
    spec = Spec.from_json(request["spec"])
    _instance(request["reference"]).write(spec, unpack_all(request["weights"]), Path(request["path"]))
    return {}


def _read(request: Request) -> Answer:
    spec, weights = _instance(request["reference"]).read(Path(request["path"]))
    return {
        "spec": json.loads(json.dumps(spec.to_json(), default=str)),
        "weights": {name: pack(value) for name, value in weights.items()},
    }


def _convert(request: Request) -> Answer:
    made = _instance(request["reference"]).convert(Path(request["artifact"]), Path(request["out"]))
    return {"path": None if made is None else str(made)}


def _run(request: Request) -> Answer:
    """Calls on the same inputs, one after another: a session that keeps state, or is not deterministic, shows itself.

    Where there are `again` inputs, one call of other sizes follows, whose failure is told apart, and then the first
    inputs once more: what is kept may be dropped, or kept, as sizes change.
    """
    runtime = _instance(request["reference"])
    inputs = unpack_all(request["inputs"])
    opened = runtime.open(Path(request["artifact"]))
    first, names = _called(runtime, opened, inputs)
    repeats = first == _called(runtime, opened, inputs)[0]
    again: Answer = {}
    if request.get("again") is not None:
        try:
            again["again"], _ = _called(runtime, opened, unpack_all(request["again"]))
        except Exception as error:
            again["again_failed"] = _failure(error)
        repeats = repeats and first == _called(runtime, opened, inputs)[0]
    return {"outputs": first, "names": names, "repeats": repeats, **again}


def _predict(request: Request) -> Answer:
    outputs = _instance(request["reference"]).predict(
        Path(request["artifact"]), unpack_all(request["inputs"]), trust=request["trust"]
    )
    return {"outputs": [pack(value) for value in outputs]}


def _call(request: Request) -> Answer:
    """Any function with plain data, within a limit of memory. Its failure tells the names of the exception's classes,
    nearest first, and those of its attributes that are plain data, so that the caller can raise it again."""
    _forget_peak()
    before = psutil.Process().memory_info().rss
    answer: Answer
    try:
        with _memory_limit(request.get("memory") or _MEMORY.get("limit")):
            answer = {"value": resolve(request["function"])(*request["arguments"])}
    except Exception as error:
        plain = {name: value for name, value in vars(error).items() if _is_plain(value)}
        classes = [cls.__name__ for cls in type(error).__mro__]
        answer = {**_failure(error), "message": str(error), "classes": classes, "attributes": plain}
    return {**answer, "peak": max(0, _peak() - before)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    if isinstance(value, tuple | list):
        return all(_is_plain(item) for item in value)
    return value is None or type(value) in (bool, int, float, str, bytes)


@contextmanager
def _memory_limit(more: int | None) -> Iterator[None]:
    """Address space for so many bytes beyond what the process had after its imports, where the system can limit it."""
    if more is None or resource is None:
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _MEMORY.get("after_imports", 0) + more
    with suppress(ValueError, OSError):  # a system without this limit, or a lower one that is in force
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
    """Most resident bytes since the peak was forgotten; what is resident now where the system does not tell."""
    with suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)


def _called(runtime: Any, opened: Any, inputs: Any) -> tuple[list[Any], Any]:
    outputs, names = runtime.run(opened, inputs)
    return [None if value is None else pack(np.asarray(value)) for value in outputs], names


_HANDLERS: dict[str, Callable[[Request], Answer]] = {
    "load": _load,
    "write": _write,
    "read": _read,
    "convert": _convert,
    "run": _run,
    "predict": _predict,
    "call": _call,
}


def _failure(error: BaseException) -> Answer:
    return {
        "ok": False,
        "error": type(error).__name__,
        "message": _ESCAPES.sub("", _told(error)),
        "traceback": "".join(traceback.format_exception(error, limit=-8)),
    }


def _told(error: BaseException) -> str:
    """The message, and that of the exception at its root: where a framework wraps one, the wrapper tells little."""
    deepest: BaseException = error
    while deepest.__cause__ is not None:
        deepest = deepest.__cause__
    if deepest is error:
        return str(error)
    return f"{str(error)[:CAUSE_LENGTH]} ... from {type(deepest).__name__}: {deepest}"


def serve(channel: Any, log: str) -> None:
    """Answer requests until the channel closes. What the frameworks print goes to the file `log`."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    channel.send({"pid": os.getpid()})
    process = psutil.Process()
    for request in channel:
        started = time.perf_counter()
        try:
            with _memory_limit(None if request["op"] in ("load", "call") else _MEMORY.get("limit")):
                answer = {"ok": True, **_HANDLERS[request["op"]](request)}
        except (Exception, SystemExit) as error:  # a converter may be a script that calls sys.exit
            answer = _failure(error)
        answer["seconds"] = time.perf_counter() - started
        answer["resident"] = process.memory_info().rss
        try:
            channel.send(answer)
        except Exception as error:  # not plain data: the called code's fault, not the worker's end
            channel.send({**_failure(error), "seconds": answer["seconds"], "resident": answer["resident"]})
