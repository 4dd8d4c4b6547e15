"""A model file run on the arrays of a `.mat` file, for MATLAB and Octave.

The file's own framework does it, in a worker; this process reads and writes `.mat` files and imports none.
The convention for the arrays is in docs/predict.md.
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
    came,
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
"""Suffixes of files that run code when they are loaded."""


def _plugin(cls: type) -> Plugin:
    return Plugin(**facts_of(cls, "runtimes", f"{cls.__module__}:{cls.__name__}"))


def plugins() -> tuple[Plugin, ...]:
    """Every runtime there is for model files, as a worker needs to know it."""
    return tuple(_plugin(cls) for cls in dict.fromkeys((*SUFFIXES.values(), SavedModelPredictor)))


def plugin_for(model: Path) -> Plugin:
    """The runtime of a model file. Raises PredictionError if there is no such file, or none for it."""
    if not model.exists():
        raise PredictionError(f"there is no model file {model} (current folder: {Path.cwd()}); check the path")
    if model.is_dir():
        if not (model / "saved_model.pb").is_file():
            raise PredictionError(f"the folder {model} is no SavedModel: it holds no saved_model.pb; name a model file")
        found = _plugin(SavedModelPredictor)
    elif model.suffix.lower() in SUFFIXES:
        found = _plugin(SUFFIXES[model.suffix.lower()])
    else:
        raise PredictionError(
            f"{model}: the suffix {model.suffix!r} tells no model format; there are {', '.join(SUFFIXES)} and "
            "SavedModel folders. Save the model as one of these, or rename the file"
        )
    if found.missing:
        raise PredictionError(f"{model} needs what is {found.missing}; install it with pip")
    return found


def predict(
    model: Path, arrays: Mapping[str, Array], workers: Workers, *, trust: bool = False, limit: float = LIMIT
) -> list[Array]:
    """The model's outputs for these arrays, both in its order. Raises PredictionError.

    A torch module file is a pickle, which can run any code: it is loaded with `trust` only.
    """
    runtime = plugin_for(model)
    if model.suffix.lower() in PICKLES and not model.is_dir() and not trust:
        raise PredictionError(
            f"{model} is a pickle, which can run any code when it is loaded. If you trust whoever made it, give "
            "--trust (in MATLAB: 'Trust', true); otherwise ask for an .onnx file"
        )
    request = Predict(runtime.reference, model.absolute(), dict(arrays), trust)
    try:
        answer = workers[runtime.worker].request(request, limit)
    except WorkerFailure as error:
        raise PredictionError(
            f"{model}: {error}. The last that {runtime.worker} printed: {error.log or 'nothing'}. "
            "Where it was memory, give fewer samples at once; where it was time, a greater --limit"
        ) from error
    if isinstance(answer.value, Failure):
        failure = answer.value
        said = failure.message if failure.error == PredictionError.__name__ else failure.sentence
        raise PredictionError(f"{model}: {said}")
    return list(answer.value)


def predict_file(model: Path, inputs: Path, outputs: Path, *, trust: bool, limit: float = LIMIT) -> list[str]:
    """Run a model file on the variables of one `.mat` file and write another; says what was written, in order."""
    runtime = plugin_for(model)
    if outputs.suffix.lower() != ".mat":
        raise PredictionError(f"the outputs file {outputs} is not named .mat, and MATLAB's load takes others for text")
    arrays = read_mat(inputs)
    with Workers((runtime,)) as workers:
        found = predict(model, arrays, workers, trust=trust, limit=limit)
    named = {f"y{k}": value for k, value in enumerate(found, 1)}
    write_mat(outputs, named)
    return [came(*item) for item in named.items()]


def read_mat(path: Path) -> dict[str, Array]:
    """The arrays of a `.mat` file in order: x1, x2, ...; a single one may have any name. Raises PredictionError."""
    if not path.is_file():
        raise PredictionError(f"there is no inputs file {path} (current folder: {Path.cwd()}); check the path")
    try:
        held = matfile.read_mat(path)
    except MatFileError as error:
        raise PredictionError(f"{error}; save it again by save('-v7', ...)") from None
    return _in_order(held, path)


def _in_order(held: Mapping[str, object], path: Path) -> dict[str, Array]:
    numbered = [f"x{k}" for k in range(1, len(held) + 1)]
    if not held or (len(held) > 1 and set(held) != set(numbered)):
        names = ", ".join(sorted(held)) or "no variables"
        raise PredictionError(
            f"{path} holds {names}; it must hold the inputs in the model's order as x1, x2, ... and nothing else "
            "(a single one may have any name)"
        )
    return {name: _numbers(held[name], f"{path}: {name}") for name in (numbered if len(held) > 1 else held)}


def _numbers(value: object, where: str) -> Array:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        kind = "sparse" if hasattr(value, "todense") else "text, a cell or a structure"
        raise PredictionError(
            f"{where} must be a full array of numbers or logicals, it is {kind}; give full(x) or numbers"
        )
    return value


def write_mat(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a `.mat` file of version 5, under a temporary name first. Raises PredictionError."""
    try:
        save_mat(path, arrays, compress=False)
    except Exception as error:  # SciPy has errors of its own, and the disk has others
        raise PredictionError(f"the outputs cannot be written to {path}: {error}") from None
