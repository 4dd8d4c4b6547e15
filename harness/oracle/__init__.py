"""float64 semantics of every layer, written from the frameworks' documentation in plain NumPy.

An oracle function takes `(config, weights, *inputs, **keywords)` and returns one array or a tuple. `config` contains
the layer's constructor arguments, of which a missing one has its documented default; `weights` maps weight names to
arrays. Use ufuncs, `matmul` and `add.reduce` for arithmetic: `harness.oracle.noise` measures the noise scale by
running the same function on arrays that round every operation, and a sum inside `einsum` or `tensordot` would round
only once.
"""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from harness.errors import InputError
from harness.spec import Array, Config, Layer, Spec

Semantics = Callable[..., Array | tuple[Array, ...]]
_SEMANTICS: dict[tuple[str, str], Semantics] = {}
FILES = "PARITY_SEMANTICS"
"""The environment variable with paths of a user's Python files, which register functions of layers by `oracle`. So each
process has them that evaluates a model."""


MaskRule = Callable[[Config, Sequence[Array], Array | None], Array | None]
_MASKS: dict[tuple[str, str], MaskRule] = {}


class OracleError(LookupError):
    """A layer has no semantics, so the Spec cannot be evaluated."""


def oracle(dialect: str, *kinds: str) -> Callable[[Semantics], Semantics]:
    """Register a function as the semantics of one or more layer kinds of a dialect."""

    def register(function: Semantics) -> Semantics:
        for kind in kinds:
            if (dialect, kind) in _SEMANTICS:
                raise ValueError(f"{dialect} {kind} has two oracles")
            _SEMANTICS[dialect, kind] = function
        return function

    return register


def alias(dialect: str, of: str, *kinds: str) -> None:
    """Give layer kinds of one dialect their semantics in the dialect `of`."""
    for kind in kinds:
        oracle(dialect, kind)(_SEMANTICS[of, kind])


def mask_rule(dialect: str, *kinds: str) -> Callable[[MaskRule], MaskRule]:
    """Register a function that returns the mask of a layer's output, or None.

    Its arguments are the layer's configuration, its inputs, and its `mask` keyword or else the mask of the first
    input. The output of a layer without a rule has no mask.
    """

    def register(function: MaskRule) -> MaskRule:
        for kind in kinds:
            _MASKS[dialect, kind] = function
        return function

    return register


def semantics(dialect: str, kind: str) -> Semantics:
    """The oracle function of a layer kind. Raises OracleError if there is none."""
    import_module("harness.oracle.keras")
    import_module("harness.oracle.matlab")
    load_files(os.environ.get(FILES, ""))
    try:
        return _SEMANTICS[dialect, kind]
    except KeyError:
        known = ", ".join(sorted(k for d, k in _SEMANTICS if d == dialect))
        raise OracleError(f"no oracle for {kind!r} in dialect {dialect!r}; known: {known}") from None


@cache
def load_files(paths: str) -> None:
    """Run a user's files, each once. Raises InputError for one that fails."""
    for path in filter(None, paths.split(os.pathsep)):
        try:
            runpy.run_path(path)
        except Exception as error:
            raise InputError(f"it cannot be run: {type(error).__name__}: {error}", where=path) from error


def part(weights: Mapping[str, Array], name: str) -> dict[str, Array]:
    """The weights named `name/...` without this prefix: those of a model's layer, or of a wrapper's part."""
    prefix = name + "/"
    return {key.removeprefix(prefix): weights[key] for key in weights if key.startswith(prefix)}


def walk(
    spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array], keep: Collection[str] | None = None
) -> dict[str, Array]:
    """Every tensor of the model by name, or those to `keep`: others are dropped after the last layer that reads them.

    Converts no array, so that noise runs can pass arrays that round every operation.
    """
    tensors: dict[str, Any] = dict(inputs)
    masks: dict[str, Array] = {}
    readers = {tensor: place for place, layer in enumerate(spec.layers) for tensor in layer.tensors}
    for place, layer in enumerate(spec.layers):
        function = semantics(spec.dialect, layer.kind)
        keywords = _keywords(layer, tensors)
        arrays = [tensors[name] for name in layer.inputs]
        input_mask = masks.get(layer.inputs[0]) if layer.inputs else None
        if input_mask is not None and "mask" not in keywords and "mask" in signature(function).parameters:
            keywords["mask"] = input_mask
        output_mask = _output_mask(spec.dialect, layer, arrays, keywords.get("mask", input_mask))
        if output_mask is not None:
            masks[layer.name] = output_mask
        outputs = function(layer.config, part(weights, layer.owner), *arrays, **keywords, **layer.arguments)
        for k, value in enumerate(outputs if isinstance(outputs, tuple) else (outputs,)):
            tensors[layer.name if k == 0 else f"{layer.name}:{k}"] = value
        if keep is not None:
            del arrays, keywords, outputs, value  # which would hold them
            for name in [name for name in tensors if name not in keep and readers.get(name, place) <= place]:
                del tensors[name]
    return tensors


def _keywords(layer: Layer, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The layer's keyword arguments: one tensor each, or a tuple of several."""
    return {
        key: tensors[names[0]] if len(names) == 1 else tuple(tensors[name] for name in names)
        for key, names in layer.keywords.items()
    }


def _output_mask(dialect: str, layer: Layer, inputs: Sequence[Array], mask: Array | None) -> Array | None:
    rule = _MASKS.get((dialect, layer.kind))
    return None if rule is None else rule(layer.config, inputs, mask)


class Made(Mapping[str, Array]):
    """Arrays that are made of others when they are asked for, so that those of one layer at a time are in memory."""

    def __init__(self, arrays: Mapping[str, Array], make: Callable[[str, Array], Array]) -> None:
        self._arrays, self._make = arrays, make

    def __getitem__(self, name: str) -> Array:
        return self._make(name, self._arrays[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def widened(arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    """The same arrays, with floating dtypes as float64; integers, bools and strings keep their dtype."""
    return Made(
        arrays, lambda _, value: np.asarray(value, np.float64) if value.dtype.kind == "f" else np.asarray(value)
    )


def evaluate(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Expected outputs by name, in output order; floating ones are float64.

    Raises OracleError for a layer kind without semantics.
    """
    with np.errstate(all="ignore"):
        tensors = walk(spec, widened(weights), widened(inputs), spec.outputs)
    return {name: np.asarray(tensors[name]) for name in spec.outputs}
