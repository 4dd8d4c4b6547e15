"""Inside a worker: a model file run on arrays that come from MATLAB.

MATLAB knows no rank below 2 and drops singleton axes at the end, and most of its numbers are double. What the model
declares about its inputs restores both: see docs/predict.md. Nothing here imports a framework outside a method.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

import numpy as np

from harness.adapters.keras_model import load_model
from harness.adapters.runtimes.keras import KerasH5Runtime, KerasRuntime, SavedModelRuntime
from harness.adapters.runtimes.onnxruntime import OnnxRuntime
from harness.adapters.runtimes.torch import TorchRuntime
from harness.adapters.torch_artifact import KEPT_AS
from harness.errors import InputError
from harness.spec import Array

MATLAB_CLASSES = MappingProxyType({"float64": "double", "float32": "single", "bool": "logical"})
"""NumPy's names of types where MATLAB has others."""
TYPES = frozenset(
    (
        *("bool", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
)
"""Types of inputs that numbers from MATLAB can become."""


class PredictionError(InputError):
    """Arrays that the model does not take, or a model file that cannot be run: what was expected, what came, where."""


@dataclass(frozen=True)
class Declared:
    """What a model says of one input. None marks an open size, an unknown rank, an unknown type."""

    name: str
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype or 'any type'}{'' if self.shape is None else f' {sizes(self.shape)}'}"


def sizes(shape: Sequence[int | None]) -> str:
    """A size as MATLAB shows one; an open axis is `?`."""
    return f"[{' '.join('?' if n is None else str(n) for n in shape)}]"


def came(name: str, array: Array) -> str:
    """What an array is, in MATLAB's words."""
    return f"{name} is {MATLAB_CLASSES.get(array.dtype.name, array.dtype.name)} {sizes(array.shape)}"


def fitted(declared: Declared, array: Array, name: str) -> Array:
    """The MATLAB array `name` as the tensor that the model declares. Raises PredictionError where it does not fit."""
    return _typed(declared, array, name).reshape(_shape(declared, array, name))


def _shape(declared: Declared, array: Array, name: str) -> tuple[int, ...]:
    """The array's size at the model's rank: singleton axes at the end are added or dropped, nothing else."""
    if declared.shape is None:
        return array.shape
    rank = len(declared.shape)
    shape = (*array.shape, *(1,) * (rank - array.ndim))
    fits = all(n == 1 for n in shape[rank:])
    if fits and all(want is None or want == n for want, n in zip(declared.shape, shape, strict=False)):
        return shape[:rank]
    raise PredictionError(
        f"the model's input {declared} has another size: {came(name, array)}. Axes come in the order of the Python "
        f"tensor, the batch mostly first, and only singleton axes at the end may lack; {_advice(declared.shape, name)}"
    )


def _advice(wanted: tuple[int | None, ...], name: str) -> str:
    if len(wanted) == 1:
        return f"give a column: {name}(:)"
    return f"a single sample is given by reshape({name}, [1 size({name})]), another order of axes by permute"


def _typed(declared: Declared, array: Array, name: str) -> Array:
    """The array in the model's type. Real numbers are rounded to it; whole numbers must be held exactly."""
    if declared.dtype is None:
        return array
    if declared.dtype not in TYPES:
        raise PredictionError(f"the model's input {declared} is of a type that MATLAB has not; give another model")
    wanted = np.dtype("float32" if declared.dtype == "bfloat16" else declared.dtype)
    if array.dtype.kind == "c" and wanted.kind != "c":
        raise PredictionError(f"the model's input {declared} takes real numbers, {name} is complex; give real({name})")
    with np.errstate(invalid="ignore", over="ignore"):
        made = array.astype(wanted)
        lost = np.argwhere(_lost(array, made, coarse=declared.dtype == "bfloat16"))
    if not lost.size:
        return made
    first = tuple(int(n) for n in lost[0])
    raise PredictionError(
        f"the model's input {declared} cannot hold {name}({','.join(str(n + 1) for n in first)}) = {array[first]} "
        f"exactly: {came(name, array)}; {_cure(wanted, name)}"
    )


def _cure(wanted: np.dtype[Any], name: str) -> str:
    if wanted.kind == "b":
        return "give logical, or zeros and ones"
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        return f"give whole numbers from {limits.min} to {limits.max}"
    return f"give double({name}) if rounding is meant, and numbers within the type's range"


def _lost(array: Array, made: Array, *, coarse: bool) -> Array:
    """Where the number changed more than it may: real numbers may be rounded to real ones, but not to infinity."""
    if made.dtype.kind == "c":
        return np.zeros(array.shape, dtype=bool)
    if array.dtype.kind == "f" and made.dtype.kind == "f":
        return np.isfinite(array) & ~np.isfinite(made)
    if made.dtype.kind == "b":
        return array.astype(np.float64) != made
    if array.dtype.kind == "f":
        return ~(_within(array.astype(np.float64), made.dtype) & (array == np.floor(array)))
    if made.dtype.kind == "f":
        real = made.astype(np.float64)
        back = np.where(_within(real, array.dtype), real, 0).astype(array.dtype)
        lost = ~_within(real, array.dtype) | (back != array)
        return lost | ((made.view(np.uint32) & 0xFFFF) != 0) if coarse else lost
    return (array < np.iinfo(made.dtype).min) | (array > np.iinfo(made.dtype).max)


def _within(real: Array, dtype: np.dtype[Any]) -> Array:
    """Which numbers are in the range of a whole-number type. (The end of int64 itself is no double.)"""
    if dtype.kind == "b":
        return (real == 0) | (real == 1)
    limits = np.iinfo(dtype)
    return (real >= float(limits.min)) & (real < float(limits.max + 1))


def plain_output(value: Any, number: int) -> Array:
    """An output as MATLAB can hold it: a column for rank 1, single for the short real types."""
    array = np.asarray(value)
    if array.dtype.name in ("float16", "bfloat16"):
        array = array.astype(np.float32)
    if array.dtype.kind not in "biufc":
        raise PredictionError(
            f"output {number} of the model is no array of numbers but {type(value).__name__} of {array.dtype}; "
            "save a model without it"
        )
    return array.reshape(-1, 1) if array.ndim < 2 else array


class Predictor:
    """What all have in common: open, fit the inputs, run once."""

    def predict(self, artifact: Path, arrays: Mapping[str, Array], *, trust: bool) -> list[Array]:
        """Outputs of the model in its order. Raises PredictionError."""
        try:
            opened = self.opened(artifact, trust=trust)
            wanted = self.takes(opened)
        except PredictionError:
            raise
        except Exception as error:
            self._refused("load it", error)
        given = list(arrays.values()) if wanted is None else self._all_fitted(wanted, arrays)
        try:
            outputs = self.outputs(opened, wanted, given)
        except PredictionError:
            raise
        except Exception as error:
            self._refused(f"run it on {', '.join(came(*item) for item in arrays.items())}", error)
        return [plain_output(value, k) for k, value in enumerate(outputs, 1)]

    def _refused(self, what: str, error: Exception) -> NoReturn:
        name = getattr(self, "name", "the runtime")
        raise PredictionError(f"{name} cannot {what}: {type(error).__name__}: {error}") from None

    def _all_fitted(self, wanted: Sequence[Declared], arrays: Mapping[str, Array]) -> list[Array]:
        if len(wanted) != len(arrays):
            raise PredictionError(
                f"the model takes {len(wanted)} inputs, in this order: {', '.join(map(str, wanted))}; {len(arrays)} "
                f"came: {', '.join(came(*item) for item in arrays.items())}; give one array for each"
            )
        return [fitted(item, array, name) for item, (name, array) in zip(wanted, arrays.items(), strict=True)]

    def opened(self, artifact: Path, *, trust: bool) -> Any:
        """The loaded model."""
        return self.open(artifact)  # type: ignore[attr-defined] # a runtime's, which every subclass is

    def takes(self, opened: Any) -> list[Declared] | None:
        """The inputs in the model's order; None where the model does not say."""
        raise NotImplementedError

    def outputs(self, opened: Any, wanted: Sequence[Declared] | None, given: Sequence[Array]) -> list[Any]:
        """Outputs in the model's order."""
        assert wanted is not None
        named = {item.name: array for item, array in zip(wanted, given, strict=True)}
        return list(self.run(opened, named)[0])  # type: ignore[attr-defined] # as above


class KerasPredictor(Predictor, KerasRuntime):
    """A `.keras` file, with inputs and outputs in any structure, flattened in Keras' order."""

    def opened(self, artifact: Path, *, trust: bool) -> Any:
        return load_model(artifact, trust=trust)

    def takes(self, opened: Any) -> list[Declared] | None:
        if not getattr(opened, "inputs", None):
            raise PredictionError(
                f"the model is a {type(opened).__name__} that declares no inputs (a subclassed model, or a Sequential "
                "never built); save a functional model, or a Sequential with keras.Input first"
            )
        return [
            Declared(getattr(item, "name", f"input {k}"), tuple(item.shape), str(item.dtype))
            for k, item in enumerate(opened.inputs, 1)
        ]

    def outputs(self, opened: Any, wanted: Sequence[Declared] | None, given: Sequence[Array]) -> list[Any]:
        import keras

        assert wanted is not None
        tensors = [
            keras.ops.convert_to_tensor(value, dtype=item.dtype) for item, value in zip(wanted, given, strict=True)
        ]
        whole = isinstance(opened, keras.Sequential)  # which takes one tensor, and has no structure of inputs
        packed = tensors[0] if whole else keras.tree.pack_sequence_as(opened.input, tensors)
        return [keras.ops.convert_to_numpy(part) for part in keras.tree.flatten(opened(packed, training=False))]


class KerasH5Predictor(KerasPredictor, KerasH5Runtime):
    """The legacy `.h5` file."""

    name = "kerash5"
    format = "h5"


class OnnxPredictor(Predictor, OnnxRuntime):
    """An `.onnx` file."""

    TYPES: ClassVar[Mapping[str, str]] = MappingProxyType({"float": "float32", "double": "float64"})
    """ONNX Runtime's names of types where NumPy has others."""

    def takes(self, opened: Any) -> list[Declared] | None:
        return [
            Declared(item.name, tuple(n if isinstance(n, int) else None for n in item.shape), self._dtype(item))
            for item in opened.get_inputs()
        ]

    def _dtype(self, item: Any) -> str:
        found = re.fullmatch(r"tensor\((\w+)\)", item.type)
        if found is None:
            raise PredictionError(f"the model's input {item.name} is {item.type}, which is no array")
        return self.TYPES.get(found[1], found[1])


class SavedModelPredictor(Predictor, SavedModelRuntime):
    """A SavedModel folder by its function `serving_default`.

    That one is called by names and knows no order; here it is that of the names, numbers in them counted.
    """

    def takes(self, opened: Any) -> list[Declared] | None:
        specs = opened.signatures["serving_default"].structured_input_signature[1]
        return [
            Declared(name, None if (one := specs[name]).shape.rank is None else tuple(one.shape), one.dtype.name)
            for name in sorted(specs, key=counted)
        ]

    def outputs(self, opened: Any, wanted: Sequence[Declared] | None, given: Sequence[Array]) -> list[Any]:
        import tensorflow as tf

        assert wanted is not None
        result = opened.signatures["serving_default"](
            **{item.name: tf.cast(value, item.dtype) for item, value in zip(wanted, given, strict=True)}
        )
        return [result[name].numpy() for name in sorted(result, key=counted)]


def counted(name: str) -> list[tuple[int, str]]:
    """Sorts names with the numbers in them as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


class TorchPredictor(Predictor, TorchRuntime):
    """A module saved whole. It declares its inputs only in the attribute `parity_signature`."""

    def opened(self, artifact: Path, *, trust: bool) -> Any:
        import torch

        if not trust:
            raise PredictionError("a torch module file is a pickle, which can run any code, and it was not trusted")
        made = torch.load(artifact, weights_only=False, map_location="cpu")
        if not isinstance(made, torch.nn.Module):
            raise PredictionError(
                f"the file holds a {type(made).__name__}, not a torch.nn.Module (weights alone say nothing of the "
                "network); save the module itself: torch.save(model, path)"
            )
        return made.eval()

    def takes(self, opened: Any) -> list[Declared] | None:
        kept = getattr(opened, KEPT_AS, None)
        return [Declared(name, tuple(shape), dtype) for name, shape, dtype in kept] if kept else None

    def outputs(self, opened: Any, wanted: Sequence[Declared] | None, given: Sequence[Array]) -> list[Any]:
        import torch

        tensors = [torch.from_numpy(np.array(value)) for value in given]
        if wanted is None:
            real = next((p.dtype for p in opened.parameters() if p.is_floating_point()), torch.float32)
            tensors = [one.to(real) if one.is_floating_point() else one for one in tensors]
        else:
            tensors = [one.to(getattr(torch, item.dtype or "")) for one, item in zip(tensors, wanted, strict=True)]
        self._check_arguments(opened, tensors)
        with torch.no_grad():
            result = opened(*tensors)
        return [_from_torch(part) for part in _leaves(result)]

    def _check_arguments(self, module: Any, tensors: Sequence[Any]) -> None:
        signature = inspect.signature(module.forward)
        try:
            signature.bind(*tensors)
        except TypeError as error:
            raise PredictionError(
                f"the module's forward takes {signature}, {len(tensors)} inputs came ({error}); give one array for each"
            ) from None


def _leaves(result: Any) -> list[Any]:
    """Tensors in a module's result, in order; those that are None are left out."""
    if isinstance(result, Mapping):
        return [part for item in result.values() for part in _leaves(item)]
    if isinstance(result, list | tuple):
        return [part for item in result for part in _leaves(item)]
    return [] if result is None else [result]


def _from_torch(value: Any) -> Any:
    import torch

    if not isinstance(value, torch.Tensor):
        return value
    return (value.float() if value.dtype is torch.bfloat16 else value.detach()).cpu().numpy()
