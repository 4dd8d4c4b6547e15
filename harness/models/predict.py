"""Run a model file on the arrays of a `.mat` file, for MATLAB and Octave.

The model's own framework runs it in a worker; this process only reads and writes `.mat` files. docs/predict.md states
the convention for the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from harness.adapters.registry import Plugin, facts_of
from harness.matlab.matfile import read as matfile
from harness.matlab.matfile.read import MatFileError
from harness.matlab.matfile.write import save_mat
from harness.models.guard import ModelError, check_archive
from harness.models.predictors import (
    KerasH5Predictor,
    KerasPredictor,
    OnnxPredictor,
    PredictionError,
    ProgramPredictor,
    SavedModelPredictor,
    TorchPredictor,
    class_and_size,
    labelled,
)
from harness.models.standalone import FUNCTION
from harness.spec import Array
from harness.workers.pool import WorkerFailure, Workers
from harness.workers.protocol import Call, Failure, Predict

__all__ = ["LIMIT", "PredictionError", "plugins", "predict", "predict_file", "read_mat", "write_mat"]

LIMIT = 600.0
"""Seconds that loading the model and running it may take."""
SUFFIXES: Mapping[str, type] = MappingProxyType(
    {
        ".keras": KerasPredictor,
        ".h5": KerasH5Predictor,
        ".onnx": OnnxPredictor,
        ".pt": TorchPredictor,
        ".pth": TorchPredictor,
        ".py": ProgramPredictor,
    }
)
PICKLES, PROGRAMS = (".pt", ".pth"), (".py",)
"""Suffixes of files that can run code when they are loaded."""
DELIVERED = ("model.pt", "model.py", "model.onnx", "model.keras")
"""Models in a folder that `parity convert` wrote."""
CLASSES = (OnnxPredictor, TorchPredictor, ProgramPredictor)
"""Runtimes whose models may carry the names of their classes."""


def _plugin(cls: type) -> Plugin:
    return Plugin(**facts_of(cls, "runtimes", f"{cls.__module__}:{cls.__name__}"))


def plugins() -> tuple[Plugin, ...]:
    """Every runtime for model files, with the facts that a worker needs."""
    return tuple(_plugin(cls) for cls in dict.fromkeys((*SUFFIXES.values(), SavedModelPredictor)))


def model_file(model: Path) -> Path:
    """The model within a folder that `parity convert` wrote; any other path as it is.

    Raises PredictionError for a folder that MATLAB and Octave run.
    """
    if not model.is_dir() or (model / "saved_model.pb").is_file():
        return model
    if (model / f"{FUNCTION}.m").is_file():
        raise PredictionError(
            "MATLAB and Octave run this folder by themselves",
            where=model,
            advice=f"Put it on their path, and call y = {FUNCTION}(x).",
        )
    return next((file for name in DELIVERED if (file := model / name).is_file()), model)


def plugin_for(model: Path) -> Plugin:
    """The runtime of a model file. Raises PredictionError if there is no such file or no runtime that can run it."""
    if not model.exists():
        raise PredictionError(
            "there is no such model file", where=model, advice=f"Check the path (current folder: {Path.cwd()})."
        )
    runtime = _plugin(_predictor_for(model))
    if runtime.missing:
        raise PredictionError(
            f"its runtime cannot run here: {runtime.missing}", where=model, advice="Install it with pip."
        )
    return runtime


def _predictor_for(model: Path) -> type:
    if model.is_dir():
        if not (model / "saved_model.pb").is_file():
            raise PredictionError(
                "the folder has no model",
                where=model,
                expected=f"a SavedModel, or {', '.join(DELIVERED)} in it",
                advice="Name a model file.",
            )
        return SavedModelPredictor
    if model.suffix.lower() not in SUFFIXES:
        raise PredictionError(
            "no model format has this suffix",
            where=model,
            expected=f"{', '.join(SUFFIXES)} or a SavedModel folder",
            came=repr(model.suffix),
            advice="Save the model as one of these, or rename the file.",
        )
    return SUFFIXES[model.suffix.lower()]


def predict(
    model: Path, arrays: Mapping[str, Array], workers: Workers, *, trust: bool = False, limit: float = LIMIT
) -> list[Array]:
    """The model's outputs for these arrays, both in its order. Raises PredictionError.

    A torch module file is a pickle, which can run any code: it is loaded with `trust` only.
    """
    model = model_file(model)
    runtime = plugin_for(model)
    if model.suffix.lower() in (*PICKLES, *PROGRAMS) and not model.is_dir() and not trust:
        kind = "pickle" if model.suffix.lower() in PICKLES else "program"
        raise PredictionError(
            f"is a {kind}, which can run any code when it is loaded",
            where=model,
            advice="If you trust its author, give --trust (in MATLAB: 'Trust', true); otherwise ask for an .onnx file.",
        )
    if model.suffix.lower() == ".keras" and not model.is_dir():
        try:
            check_archive(model)
        except ModelError as error:
            raise PredictionError(**error.parts) from None
    request = Predict(runtime.reference, model.absolute(), dict(arrays), trust)
    try:
        answer = workers[runtime.worker].request(request, limit)
    except WorkerFailure as error:
        raise PredictionError(
            f"{error}. {runtime.worker} last printed: {error.log or 'nothing'}",
            where=model,
            advice="If memory was short, give fewer samples at once; if time was short, a greater --limit.",
        ) from error
    if isinstance(answer.value, Failure):
        failure = answer.value
        raise PredictionError(
            failure.message if failure.error == PredictionError.__name__ else failure.sentence, where=model
        )
    return list(answer.value)


def predict_file(model: Path, inputs: Path, outputs: Path, *, trust: bool, limit: float = LIMIT) -> list[str]:
    """Run a model file on the variables of one `.mat` file, write its outputs to another, and describe each output."""
    model = model_file(model)
    runtime = plugin_for(model)
    if outputs.suffix.lower() != ".mat":
        raise PredictionError(
            "MATLAB's load reads a file without the suffix .mat as text", where=outputs, advice="Name it .mat."
        )
    arrays = read_mat(inputs)
    with Workers((runtime,)) as workers:
        values = predict(model, arrays, workers, trust=trust, limit=limit)
        classes, output = classes_of(model, workers, trust=trust, limit=limit)
    named = {f"y{k}": value for k, value in enumerate(values, 1)}
    write_mat(outputs, named)
    lines = [f"{name} is {class_and_size(value)}" for name, value in named.items()]
    words = labelled(classes, values[output]) if classes and output < len(values) else []
    return [*lines, *(f"y{output + 1}, {line}" for line in words)]


def classes_of(
    model: Path, workers: Workers, *, trust: bool = False, limit: float = LIMIT
) -> tuple[Sequence[str], int]:
    """The names of the classes that the model carries, and the number of their output, from 0; none for most models."""
    predictor = _predictor_for(model)
    if predictor not in CLASSES:
        return (), 0
    function = f"{predictor.__module__}:classes_of"
    runtime = plugin_for(model)
    try:
        answer = workers[runtime.worker].request(Call(function, (predictor.__name__, model.absolute(), trust)), limit)
    except WorkerFailure:
        return (), 0
    return ((), 0) if isinstance(answer.value, Failure) else (answer.value[0], answer.value[1])


def tensors_within(
    model: Path, arrays: Mapping[str, Array], workers: Workers, *, trust: bool = False, limit: float = LIMIT
) -> list[Array]:
    """Every tensor that the model makes of these arrays, without names; none where its framework does not tell."""
    runtime = plugin_for(model)
    call = Call(
        "harness.models.within:tensors", (_predictor_for(model).__name__, model.absolute(), dict(arrays), trust)
    )
    try:
        answer = workers[runtime.worker].request(call, limit)
    except WorkerFailure:
        return []
    return [] if isinstance(answer.value, Failure) else list(answer.value)


def read_mat(path: Path) -> dict[str, Array]:
    """The arrays of a `.mat` file in order: x1, x2, ...; a single one may have any name. Raises PredictionError."""
    if not path.is_file():
        raise PredictionError(
            "there is no such inputs file", where=path, advice=f"Check the path (current folder: {Path.cwd()})."
        )
    try:
        variables = matfile.read_mat(path)
    except MatFileError as error:
        raise PredictionError(**{**error.parts, "advice": "Save it again by save('-v7', ...)."}) from None
    return _in_order(variables, path)


def _in_order(variables: Mapping[str, object], path: Path) -> dict[str, Array]:
    numbered = [f"x{k}" for k in range(1, len(variables) + 1)]
    if not variables or (len(variables) > 1 and set(variables) != set(numbered)):
        raise PredictionError(
            "the file does not hold the inputs of a model",
            where=path,
            expected="x1, x2, ... in the model's order and nothing else; a single one may have any name",
            came=", ".join(sorted(variables)) or "no variables",
        )
    names = numbered if len(variables) > 1 else variables
    return {name: _numbers(variables[name], f"{path}: {name}") for name in names}


def _numbers(value: object, where: str) -> Array:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        sparse = hasattr(value, "todense")
        raise PredictionError(
            "is no input of a model",
            where=where,
            expected="a full array of numbers or logicals",
            came="a sparse array" if sparse else "text, a cell or a structure",
            advice="Give full(x)." if sparse else "Give numbers.",
        )
    return value


def write_mat(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a `.mat` file of version 5 whole or not at all. Raises PredictionError."""
    try:
        save_mat(path, arrays, compress=False)
    except Exception as error:  # SciPy has errors of its own, and the disk has others
        raise PredictionError(f"the outputs cannot be written: {error}", where=path) from None
