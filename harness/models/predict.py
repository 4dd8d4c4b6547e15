"""Run a model file on the arrays of a `.mat` file, for MATLAB and Octave.

The model's own framework runs it in a worker; this process only reads and writes `.mat` files. docs/predict.md states
the convention for the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from harness.adapters.registry import Plugin, facts_of
from harness.matlab.matfile import read as matfile
from harness.matlab.matfile.read import MatFileError
from harness.matlab.matfile.write import save_mat
from harness.models.predictors import (
    KerasH5Predictor,
    KerasPredictor,
    OnnxPredictor,
    PredictionError,
    SavedModelPredictor,
    TorchPredictor,
    class_and_size,
)
from harness.spec import Array
from harness.workers.pool import WorkerFailure, Workers
from harness.workers.protocol import Failure, Predict

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
    }
)
PICKLES = (".pt", ".pth")
"""Suffixes of files that can run code when they are loaded."""


def _plugin(cls: type) -> Plugin:
    return Plugin(**facts_of(cls, "runtimes", f"{cls.__module__}:{cls.__name__}"))


def plugins() -> tuple[Plugin, ...]:
    """Every runtime for model files, with the facts that a worker needs."""
    return tuple(_plugin(cls) for cls in dict.fromkeys((*SUFFIXES.values(), SavedModelPredictor)))


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
                "the folder is no SavedModel", where=model, expected="saved_model.pb in it", advice="Name a model file."
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
    runtime = plugin_for(model)
    if model.suffix.lower() in PICKLES and not model.is_dir() and not trust:
        raise PredictionError(
            "is a pickle, which can run any code when it is loaded",
            where=model,
            advice="If you trust its author, give --trust (in MATLAB: 'Trust', true); otherwise ask for an .onnx file.",
        )
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
    runtime = plugin_for(model)
    if outputs.suffix.lower() != ".mat":
        raise PredictionError(
            "MATLAB's load reads a file without the suffix .mat as text", where=outputs, advice="Name it .mat."
        )
    arrays = read_mat(inputs)
    with Workers((runtime,)) as workers:
        values = predict(model, arrays, workers, trust=trust, limit=limit)
    named = {f"y{k}": value for k, value in enumerate(values, 1)}
    write_mat(outputs, named)
    return [f"{name} is {class_and_size(value)}" for name, value in named.items()]


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
