"""Run a model file on arrays from MATLAB, inside a worker.

A MATLAB array has at least two axes, none of size 1 at the end, and mostly the class double. The inputs that the model
declares restore rank and type (docs/predict.md). Only methods import a framework.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

import numpy as np

from harness.adapters.keras_model import load_model, nested
from harness.adapters.runtimes.keras import KerasH5Runtime, KerasRuntime, SavedModelRuntime
from harness.adapters.runtimes.onnxruntime import OnnxRuntime
from harness.adapters.runtimes.torch import TorchRuntime
from harness.adapters.torch_artifact import KEPT_AS
from harness.errors import InputError
from harness.models.guard import advice_on
from harness.models.programs import module_of
from harness.spec import Array

MATLAB_CLASSES = MappingProxyType({"float64": "double", "float32": "single", "bool": "logical"})
"""MATLAB's class by NumPy's name of the type, where they differ."""
TYPES = frozenset(
    (
        *("bool", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
)
"""Types of inputs to which MATLAB's numbers can be converted."""


class PredictionError(InputError):
    """Arrays that the model does not take, or a model file that cannot be run."""


@dataclass(frozen=True)
class Declared:
    """One input as the model declares it. None stands for an open size, an unknown rank or an unknown type."""

    name: str
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None

    @property
    def tensor(self) -> str:
        """Type and size."""
        return f"{self.dtype or 'any type'}{'' if self.shape is None else f' {sizes(self.shape)}'}"

    def __str__(self) -> str:
        return f"{self.name}: {self.tensor}"


def sizes(shape: Sequence[int | None]) -> str:
    """A size in MATLAB's notation; an open axis is `?`."""
    return f"[{' '.join('?' if n is None else str(n) for n in shape)}]"


def class_and_size(array: Array) -> str:
    """MATLAB's class and size of an array: `double [3 4]`."""
    return f"{MATLAB_CLASSES.get(array.dtype.name, array.dtype.name)} {sizes(array.shape)}"


def described(arrays: Mapping[str, Array]) -> str:
    """Arrays by name, class and size: `x1 is double [3 4], x2 is int32 [1 2]`."""
    return ", ".join(f"{name} is {class_and_size(array)}" for name, array in arrays.items())


def fitted(declared: Declared, array: Array, name: str) -> Array:
    """The MATLAB array `name` as the tensor that the model declares. Raises PredictionError where it does not fit."""
    try:
        return _typed(declared, array, name).reshape(_shape(declared, array, name))
    except PredictionError as error:
        raise error.at(f"the model's input {declared.name}") from None


def _shape(declared: Declared, array: Array, name: str) -> tuple[int, ...]:
    """The array's size at the model's rank: only axes of size 1 at the end are added or dropped."""
    if declared.shape is None:
        return array.shape
    rank = len(declared.shape)
    shape = (*array.shape, *(1,) * (rank - array.ndim))
    fits = all(n == 1 for n in shape[rank:])
    if fits and all(expected is None or expected == n for expected, n in zip(declared.shape, shape, strict=False)):
        return shape[:rank]
    raise PredictionError(
        f"{name} has another size",
        expected=declared.tensor,
        came=class_and_size(array),
        advice="Put the axes in the order of the Python tensor, the batch mostly first; only axes of size 1 at the end "
        f"may be missing. {_cure_of_size(declared.shape, name)}",
    )


def _cure_of_size(expected: tuple[int | None, ...], name: str) -> str:
    if len(expected) == 1:
        return f"Give a column: {name}(:)."
    return f"Give a single sample by reshape({name}, [1 size({name})]), and change the order of axes by permute."


def _typed(declared: Declared, array: Array, name: str) -> Array:
    """The array in the model's type. Real numbers are rounded; whole numbers must not change."""
    if declared.dtype is None:
        return array
    if declared.dtype not in TYPES:
        raise PredictionError(
            f"{declared.dtype} is a type that MATLAB does not have", advice="Give a model with inputs of other types."
        )
    dtype = np.dtype("float32" if declared.dtype == "bfloat16" else declared.dtype)
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise PredictionError(
            f"{name} is complex", expected=f"real numbers, {declared.dtype}", advice=f"Give real({name})."
        )
    with np.errstate(invalid="ignore", over="ignore"):
        cast = array.astype(dtype)
        changed = np.argwhere(_changed(array, cast, coarse=declared.dtype == "bfloat16"))
    if not changed.size:
        return cast
    first = tuple(int(n) for n in changed[0])
    raise PredictionError(
        f"{declared.dtype} cannot hold {name}({','.join(str(n + 1) for n in first)}) = {array[first]} exactly",
        expected=declared.tensor,
        came=class_and_size(array),
        advice=_cure_of_type(dtype, name),
    )


def _cure_of_type(dtype: np.dtype[Any], name: str) -> str:
    if dtype.kind == "b":
        return "Give logical, or zeros and ones."
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return f"Give whole numbers from {limits.min} to {limits.max}."
    return f"Give numbers within the type's range; if they may be rounded, give double({name})."


def _changed(array: Array, cast: Array, *, coarse: bool) -> Array:
    """Where a number changed more than it may. A real number may be rounded to a real one, but not to infinity.

    `coarse`: the model's type is bfloat16, whose numbers are the float32 with 16 zero bits at the end.
    """
    if cast.dtype.kind == "c":
        return np.zeros(array.shape, dtype=bool)
    if array.dtype.kind == "f" and cast.dtype.kind == "f":
        return np.isfinite(array) & ~np.isfinite(cast)
    if cast.dtype.kind == "b":
        return array.astype(np.float64) != cast
    if array.dtype.kind == "f":
        return ~(_within(array.astype(np.float64), cast.dtype) & (array == np.floor(array)))
    if cast.dtype.kind == "f":
        real = cast.astype(np.float64)
        back = np.where(_within(real, array.dtype), real, 0).astype(array.dtype)
        changed = ~_within(real, array.dtype) | (back != array)
        return changed | ((cast.view(np.uint32) & 0xFFFF) != 0) if coarse else changed
    return (array < np.iinfo(cast.dtype).min) | (array > np.iinfo(cast.dtype).max)


def _within(real: Array, dtype: np.dtype[Any]) -> Array:
    """Which numbers are in the range of a type of whole numbers. (The largest int64 is not a double.)"""
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
            "MATLAB cannot hold it",
            where=f"output {number} of the model",
            expected="an array of numbers",
            came=f"{type(value).__name__} of {array.dtype}",
            advice="Save a model without this output.",
        )
    return array.reshape(-1, 1) if array.ndim < 2 else array


class Predictor:
    """Opens a model, fits the arrays to its inputs and runs it once."""

    def predict(self, artifact: Path, arrays: Mapping[str, Array], *, trust: bool) -> list[Array]:
        """Outputs of the model in its order. Raises PredictionError."""
        try:
            opened = self.opened(artifact, trust=trust)
            declared = self.takes(opened)
        except PredictionError:
            raise
        except Exception as error:
            self._refused("load it", error)
        inputs = list(arrays.values()) if declared is None else self._all_fitted(declared, arrays)
        try:
            outputs = self.outputs(opened, declared, inputs)
        except PredictionError:
            raise
        except Exception as error:
            self._refused(f"run it on {described(arrays)}", error)
        return [plain_output(value, k) for k, value in enumerate(outputs, 1)]

    def _refused(self, action: str, error: Exception) -> NoReturn:
        name = getattr(self, "name", "the runtime")
        said = f"{name} cannot {action}: {type(error).__name__}: {error}"
        raise PredictionError(said, advice=advice_on(str(error))) from None

    def _all_fitted(self, declared: Sequence[Declared], arrays: Mapping[str, Array]) -> list[Array]:
        if len(declared) != len(arrays):
            raise PredictionError(
                "the number of inputs differs",
                expected=f"{len(declared)}, in this order: {', '.join(map(str, declared))}",
                came=f"{len(arrays)}: {described(arrays)}",
                advice="Give one array for each.",
            )
        return [fitted(item, array, name) for item, (name, array) in zip(declared, arrays.items(), strict=True)]

    def opened(self, artifact: Path, *, trust: bool) -> Any:
        """The loaded model."""
        return self.open(artifact)  # type: ignore[attr-defined] # a runtime's, which every subclass is

    def takes(self, opened: Any) -> list[Declared] | None:
        """The inputs in the model's order; None if the model declares none."""
        raise NotImplementedError

    def classes(self, opened: Any) -> tuple[Sequence[str], int]:
        """The names of the classes that the model carries, and the number of the output that they belong to."""
        return (), 0

    def outputs(self, opened: Any, declared: Sequence[Declared] | None, inputs: Sequence[Array]) -> list[Any]:
        """Outputs in the model's order."""
        assert declared is not None
        named = {item.name: array for item, array in zip(declared, inputs, strict=True)}
        return list(self.run(opened, named)[0])  # type: ignore[attr-defined] # as above


class KerasPredictor(Predictor, KerasRuntime):
    """Runs a `.keras` file. Nested inputs and outputs are flattened in Keras' order."""

    def opened(self, artifact: Path, *, trust: bool) -> Any:
        return load_model(artifact, trust=trust)

    def takes(self, opened: Any) -> list[Declared] | None:
        if not getattr(opened, "inputs", None):
            raise PredictionError(
                f"the model is a {type(opened).__name__} that declares no inputs",
                expected="a functional model, or a Sequential that was built (no subclassed model)",
                advice="Begin a Sequential with keras.Input and save it again.",
            )
        return [
            Declared(getattr(item, "name", f"input {k}"), tuple(item.shape), str(item.dtype))
            for k, item in enumerate(opened.inputs, 1)
        ]

    def outputs(self, opened: Any, declared: Sequence[Declared] | None, inputs: Sequence[Array]) -> list[Any]:
        import keras

        assert declared is not None
        tensors = [
            keras.ops.convert_to_tensor(value, dtype=item.dtype) for item, value in zip(declared, inputs, strict=True)
        ]
        result = opened(nested(opened, tensors), training=False)
        return [keras.ops.convert_to_numpy(part) for part in keras.tree.flatten(result)]


class KerasH5Predictor(KerasPredictor, KerasH5Runtime):
    """Runs a legacy `.h5` file."""

    name = "kerash5"
    format = "h5"


class OnnxPredictor(Predictor, OnnxRuntime):
    """Runs an `.onnx` file."""

    TYPES: ClassVar[Mapping[str, str]] = MappingProxyType({"float": "float32", "double": "float64"})
    """NumPy's name by ONNX Runtime's name of the type, where they differ."""

    def takes(self, opened: Any) -> list[Declared] | None:
        return [
            Declared(item.name, tuple(n if isinstance(n, int) else None for n in item.shape), self._dtype(item))
            for item in opened.get_inputs()
        ]

    def _dtype(self, item: Any) -> str:
        match = re.fullmatch(r"tensor\((\w+)\)", item.type)
        if match is None:
            raise PredictionError(
                "it is no array", where=f"the model's input {item.name}", expected="a tensor", came=item.type
            )
        return self.TYPES.get(match[1], match[1])

    def classes(self, opened: Any) -> tuple[Sequence[str], int]:
        """The metadata `classes` that `parity convert` writes: a JSON list."""
        try:
            stored = json.loads(opened.get_modelmeta().custom_metadata_map.get("classes", "[]"))
        except ValueError:  # another program's metadata
            return (), 0
        return ([str(name) for name in stored] if isinstance(stored, list) else ()), 0


class SavedModelPredictor(Predictor, SavedModelRuntime):
    """Runs the function `serving_default` of a SavedModel folder.

    The function takes its inputs by name, in no order. Here the order is that of the names, with the numbers in them
    compared as numbers (`counted`).
    """

    def takes(self, opened: Any) -> list[Declared] | None:
        specs = opened.signatures["serving_default"].structured_input_signature[1]
        return [
            Declared(name, None if (one := specs[name]).shape.rank is None else tuple(one.shape), one.dtype.name)
            for name in sorted(specs, key=counted)
        ]

    def outputs(self, opened: Any, declared: Sequence[Declared] | None, inputs: Sequence[Array]) -> list[Any]:
        import tensorflow as tf

        assert declared is not None
        result = opened.signatures["serving_default"](
            **{item.name: tf.cast(value, item.dtype) for item, value in zip(declared, inputs, strict=True)}
        )
        return [result[name].numpy() for name in sorted(result, key=counted)]


def counted(name: str) -> list[tuple[int, str]]:
    """A key that sorts names by the value of the numbers in them: `output_2` before `output_10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


class TorchPredictor(Predictor, TorchRuntime):
    """Runs a module that was saved whole. The attribute `parity_signature` declares its inputs, if it has one."""

    def opened(self, artifact: Path, *, trust: bool) -> Any:
        import torch

        if not trust:
            raise PredictionError(
                "a torch module file is a pickle, which can run any code",
                advice="If you trust its author, give --trust (in MATLAB: 'Trust', true).",
            )
        module = torch.load(artifact, weights_only=False, map_location="cpu")
        if not isinstance(module, torch.nn.Module):
            raise PredictionError(
                f"the file holds a {type(module).__name__}",
                expected="a torch.nn.Module (weights alone do not say which network they belong to)",
                advice="Save the module itself: torch.save(model, path).",
            )
        return module.eval()

    def classes(self, opened: Any) -> tuple[Sequence[str], int]:
        """Those of a program that `parity convert` wrote."""
        names = getattr(opened, "classes", ())
        known = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
        return (names if known else ()), int(getattr(opened, "labelled", 0)) if known else 0

    def takes(self, opened: Any) -> list[Declared] | None:
        signature = getattr(opened, KEPT_AS, None)
        return [Declared(name, tuple(shape), dtype) for name, shape, dtype in signature] if signature else None

    def outputs(self, opened: Any, declared: Sequence[Declared] | None, inputs: Sequence[Array]) -> list[Any]:
        import torch

        tensors = [torch.from_numpy(np.array(value)) for value in inputs]
        if declared is None:
            real = next((p.dtype for p in opened.parameters() if p.is_floating_point()), torch.float32)
            tensors = [one.to(real) if one.is_floating_point() else one for one in tensors]
        else:
            tensors = [one.to(getattr(torch, item.dtype or "")) for one, item in zip(tensors, declared, strict=True)]
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
                f"the inputs do not fit the module's forward ({error})",
                expected=str(signature),
                came=f"{len(tensors)} inputs",
                advice="Give one array for each argument.",
            ) from None


class ProgramPredictor(TorchPredictor):
    """Runs a `model.py` that `parity convert` wrote, with its weights beside it."""

    name = "torchprogram"
    format = "py"

    def opened(self, artifact: Path, *, trust: bool) -> Any:
        if not trust:
            raise PredictionError(
                "a model.py is a program, which can run any code", advice="If you trust its author, give --trust."
            )
        module = module_of(artifact)
        if not hasattr(module, "load"):
            raise PredictionError("has no function load", expected="a model.py that `parity convert` wrote")
        return module.load()

    def takes(self, opened: Any) -> list[Declared] | None:
        size = getattr(opened, "size", None)
        return [Declared("x", (None, *size), "float32")] if isinstance(size, tuple) else super().takes(opened)


def classes_of(predictor: str, artifact: Path, trust: bool) -> tuple[list[str], int]:
    """The names of the classes of a model and the number of their output; called in a worker."""
    chosen = globals()[predictor]()
    names, output = chosen.classes(chosen.opened(artifact, trust=trust))
    return list(names), output


def labelled(classes: Sequence[str], value: Array, *, top: int = 3, most: int = 10) -> list[str]:
    """An output in words: the most probable classes of each sample, or the share of each class among all pixels or
    steps; nothing where the output has another number of channels."""
    while value.ndim > 2 and value.shape[-1] == 1:
        value = value[..., 0]
    axis = 1 if value.ndim != 3 else 2
    if value.ndim < 2 or value.shape[axis] != len(classes):
        return []
    lines = []
    for number, sample in enumerate(value[:most], start=1):
        scores = sample if value.ndim == 2 else _shares(sample, axis - 1)
        best = sorted(range(len(classes)), key=lambda k: (-float(scores[k]), k))[:top]
        words = ", ".join(f"{classes[k]} {float(scores[k]):.4g}" for k in best)
        lines.append(f"sample {number}: {words}{'' if value.ndim == 2 else ' (share of places)'}")
    return lines


def _shares(sample: Array, axis: int) -> Array:
    """How often each class is the most probable one."""
    picked = sample.argmax(axis)
    return np.bincount(picked.ravel(), minlength=sample.shape[axis]) / picked.size


def _leaves(result: Any) -> list[Any]:
    """Tensors in a module's result, in order, without None."""
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
