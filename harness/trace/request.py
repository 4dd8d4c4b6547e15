"""Asks a worker for a trace. Frameworks are imported there only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InputError
from harness.spec import Array, Spec
from harness.trace.trace import Trace
from harness.workers.pool import LIMIT, Worker, WorkerFailure
from harness.workers.protocol import Call, Failure

MODULES = {
    "onnx": "onnx_graph",
    "torch": "torch_modules",
    "keras": "keras_layers",
    "kerastorch": "keras_layers",
    "kerasjax": "keras_layers",
}
"""The module that traces artifacts of a format."""


class TraceError(InputError):
    """An artifact that cannot be traced: its format has no graph, or loading or running it fails."""


@dataclass(frozen=True)
class Subject:
    """An artifact of a format, with the inputs to trace it on.

    `spec` and `weights` say what its layers ought to give, `outputs` what the whole ought to. `source` is the ONNX file
    that a torch module was converted from.
    """

    format: str
    artifact: Path
    inputs: Mapping[str, Array]
    spec: Spec | None = None
    weights: Mapping[str, Array] | None = None
    outputs: Sequence[Array] = ()
    source: Path | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the function `answer` of the format's module takes."""
        told = self.spec, None if self.weights is None else dict(self.weights)
        common = self.artifact, dict(self.inputs)
        if self.format == "onnx":
            return *common, *told, tuple(self.outputs)
        return (*common, self.source, *told) if self.format == "torch" else (*common, *told)


def trace(worker: Worker, subject: Subject, limit: float = LIMIT) -> Trace:
    """The trace of an artifact, made by the worker of its runtime within `limit` seconds. Raises TraceError."""
    if subject.format not in MODULES:
        raise TraceError(
            f"artifacts of the format {subject.format!r} have no graph here",
            where=subject.artifact,
            expected=f"one of {', '.join(MODULES)}",
        )
    request = Call(f"harness.trace.{MODULES[subject.format]}:answer", subject.arguments)
    try:
        value = worker.request(request, limit).value
    except WorkerFailure as failure:
        raise TraceError(f"it was not traced: {failure}", where=subject.artifact) from failure
    if isinstance(value, Failure):
        raise TraceError(f"it was not traced: {value.sentence}", where=subject.artifact)
    return Trace.from_plain(value)
