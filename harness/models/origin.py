"""The origin of a check: a user's model file, what it declares, and the Spec of it that the oracle may know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.models.guard import (
    ModelError,
    RandomModelError,
    advice_on,
    check_archive,
    memory_for,
    seconds_for,
)
from harness.models.perturbed import RandomOutputs
from harness.spec import Array, Input, Layer, Spec
from harness.workers.pool import WorkerFailure, Workers
from harness.workers.protocol import Call, Failure

LIMIT = 900.0
"""Seconds of processor time that one run of a model may take."""
KERAS, ONNX, SAVED, TORCH = "keras", "onnx", "savedmodel", "torch"
KINDS = {".keras": KERAS, ".h5": KERAS, ".hdf5": KERAS, ".onnx": ONNX, ".pt2": TORCH}
"""Source format of the ways, by the suffix of a file."""
WORKERS = {KERAS: "tensorflow", SAVED: "tensorflow", TORCH: "torch", ONNX: "onnxruntime"}
"""The worker that runs a model, by its format."""

LONGEST = 600
"""Most characters of an exception."""
_ARGUMENTS = re.compile(r"Arguments received by .*", re.S)


@dataclass(frozen=True)
class Origin:
    """A model file as the ways start from it.

    `file` is of the format `source`: the user's own, or what its framework saved of it. `spec` has every layer, with
    those that the oracle does not know under names that it does not know; `notes` say what happened on the way here.
    `batch` is the only batch size that the model takes; None for any. `shapes` are those of the tensors of `spec`,
    without the batch axis, open sizes as None, as far as they are known.
    """

    path: Path
    source: str
    file: Path
    spec: Spec
    weights: Mapping[str, Array] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    batch: int | None = None
    shapes: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many whole numbers from 0 on an input may have, by its name, where no layer says so."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.spec.inputs


def kind_of(path: Path) -> str:
    """The source format of a model file, or of the folder of a SavedModel. Raises ModelError for another one."""
    if is_saved(path):
        return SAVED
    kind = KINDS.get(path.suffix.lower())
    if kind is None or not path.is_file():
        raise ModelError(
            "no way to PyTorch starts from this" if path.exists() else "there is no such file",
            where=path,
            expected=f"a {', '.join(KINDS)} or .mat file, or the folder of a SavedModel",
        )
    return kind


def is_saved(path: Path) -> bool:
    """Whether this is the folder of a SavedModel."""
    return (path / "saved_model.pb").is_file()


def is_model(path: Path) -> bool:
    """Whether ways start from a path with this name."""
    return path.suffix.lower() in KINDS or is_saved(path)


def open_model(path: Path, workers: Workers, folder: Path, *, trust: bool = False) -> Origin:
    """Read a model file with its framework. Files that are made of it lie in `folder`. Raises ModelError.

    Only `trust` lets code in the file run.
    """
    kind = kind_of(path)
    limit, memory = seconds_for(path), memory_for(path)
    if kind == ONNX:
        function = "harness.models.sources:onnx"
        answer = ask(workers, "onnxruntime", function, path.absolute(), where=path, limit=limit, memory=memory)
        spec, batch = _boxed(ONNX, answer["inputs"], answer["outputs"]), answer["batch"]
        counts = answer["counts"]
        return Origin(path, ONNX, path.absolute(), spec, notes=_of_batch(batch), batch=batch, counts=counts)
    if kind in (SAVED, TORCH):
        function, arguments = f"harness.models.foreign:{kind}", (path.absolute(), folder, trust)
        answer = ask(workers, WORKERS[kind], function, *arguments, where=path, limit=limit, memory=memory)
        dialect = KERAS if kind == SAVED else kind  # what the routes from its format say that they start from
        spec, batch = _boxed(dialect, answer["inputs"], answer["outputs"]), answer["batch"]
        return Origin(path, kind, Path(answer["file"]), spec, notes=_of_batch(batch), batch=batch)
    if path.suffix.lower() == ".keras":
        check_archive(path)
    function, arguments = "harness.models.sources:keras", (path.absolute(), folder, trust)
    answer = ask(workers, "tensorflow", function, *arguments, where=path, limit=limit, memory=memory)
    return Origin(
        path=path,
        source=KERAS,
        file=Path(answer["file"]),
        spec=answer["spec"],
        weights=answer["weights"],
        notes=(*answer["notes"], *_of_batch(answer["batch"])),
        batch=answer["batch"],
        shapes=answer["shapes"],
    )


def _of_batch(batch: int | None) -> tuple[str, ...]:
    return () if batch is None else (f"the model takes a batch of {batch} only: no other was tried",)


def _boxed(dialect: str, inputs: list[Any], outputs: list[str]) -> Spec:
    """A model as one layer, of which nothing is known but its inputs and outputs."""
    declared = tuple(Input(name, tuple(shape), dtype) for name, shape, dtype in inputs)
    name = "model"
    while any(item.name == name for item in declared):
        name += "_"
    tensors = tuple(name if place == 0 else f"{name}:{place}" for place in range(len(outputs)))
    return Spec(dialect, declared, (Layer("Graph", name, {}, tuple(item.name for item in declared)),), tensors)


def ask(
    workers: Workers,
    worker: str,
    function: str,
    *arguments: Any,
    where: Path,
    limit: float = LIMIT,
    memory: int | None = None,
) -> Any:
    """What a function gives in a worker, within seconds of processor time and bytes (None: the worker's own limit).

    Raises ModelError for an exception there, or a worker that dies.
    """
    try:
        value = workers[worker].request(Call(function, arguments, memory), limit).value
    except WorkerFailure as failure:
        raise ModelError(f"{worker}: {failure} {failure.log[-300:]}".strip(), where=where) from None
    if isinstance(value, Failure):
        if RandomOutputs.__name__ in value.classes:
            raise RandomModelError(
                value.message,
                where=where,
                advice="What is random has no right answer. Check the model up to the random layer: "
                "keras.Model(m.inputs, m.get_layer(NAME).output)",
            )
        raise ModelError(_plain(value.sentence), where=where, advice=advice_on(value.message))
    return value


def _plain(sentence: str) -> str:
    """An exception in one line, without the arguments of Keras' call, which hide the cause."""
    cause = sentence.rpartition("Exception encountered: ")[2]  # Keras names every object around it before
    return " ".join(_ARGUMENTS.sub(" ", cause).split())[:LONGEST].rstrip(".( ")
