"""float64 semantics of every layer, written from the frameworks' documentation in plain NumPy.

An oracle function takes `(config, weights, *inputs, **keywords)` and returns one array or a tuple.
`config` is the layer's constructor arguments (absent ones mean the documented default), `weights`
maps weight names to arrays. Use ufuncs, `matmul` and `add.reduce` for arithmetic: the noise scale
is measured by running the same function on arrays that round every operation
(`harness.oracle.noise`), and sums hidden in `einsum` or `tensordot` would round once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from harness.spec import Array, Config, Spec

Semantics = Callable[..., Array | tuple[Array, ...]]
_SEMANTICS: dict[tuple[str, str], Semantics] = {}


MaskRule = Callable[[Config, Sequence[Array], Array | None], Array | None]
_MASKS: dict[tuple[str, str], MaskRule] = {}


class OracleError(LookupError):
    """A layer without semantics: the Spec cannot be evaluated."""


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
    """Give layer kinds of one dialect the semantics that they have in another."""
    for kind in kinds:
        oracle(dialect, kind)(_SEMANTICS[of, kind])


def mask_rule(dialect: str, *kinds: str) -> Callable[[MaskRule], MaskRule]:
    """Register what mask a layer's output carries: from its configuration, its inputs, and the mask of the first.

    Layers without a rule hand none on.
    """

    def register(function: MaskRule) -> MaskRule:
        for kind in kinds:
            _MASKS[dialect, kind] = function
        return function

    return register


def semantics(dialect: str, kind: str) -> Semantics:
    """The oracle function of a layer kind. Raises OracleError where there is none."""
    import_module("harness.oracle.keras")
    import_module("harness.oracle.matlab")
    try:
        return _SEMANTICS[dialect, kind]
    except KeyError:
        known = ", ".join(sorted(k for d, k in _SEMANTICS if d == dialect))
        raise OracleError(f"no oracle for {kind!r} in dialect {dialect!r}; known: {known}") from None


def part(weights: Mapping[str, Array], name: str) -> dict[str, Array]:
    """Weights of one layer of a model, or of one part of a wrapper: those named `name/...`, without that beginning."""
    prefix = name + "/"
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def walk(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Every tensor of the model by name, arrays taken as they come (this is what noise runs call)."""
    tensors: dict[str, Any] = dict(inputs)
    masks: dict[str, Array] = {}
    for layer in spec.layers:
        function = semantics(spec.dialect, layer.kind)
        keywords = {
            key: tensors[names[0]] if len(names) == 1 else tuple(tensors[name] for name in names)
            for key, names in layer.keywords.items()
        }
        taken = [tensors[name] for name in layer.inputs]
        carried = next((masks[name] for name in layer.inputs[:1] if name in masks), None)
        if carried is not None and "mask" not in keywords and "mask" in signature(function).parameters:
            keywords["mask"] = carried
        rule = _MASKS.get((spec.dialect, layer.kind))
        mask: Any = keywords.get("mask", carried)
        if rule is not None and (output_mask := rule(layer.config, taken, mask)) is not None:
            masks[layer.name] = output_mask
        outputs = function(layer.config, part(weights, layer.owner), *taken, **keywords, **layer.arguments)
        for k, value in enumerate(outputs if isinstance(outputs, tuple) else (outputs,)):
            tensors[layer.name if k == 0 else f"{layer.name}:{k}"] = value
    return tensors


def widened(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The same arrays with floating dtypes as float64; integers, bools and strings stay as they are."""
    return {
        name: np.asarray(value, dtype=np.float64) if value.dtype.kind == "f" else np.asarray(value)
        for name, value in arrays.items()
    }


def evaluate(spec: Spec, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Expected outputs in output order: float64 arrays for float inputs.

    Raises OracleError for a layer kind that has no semantics.
    """
    with np.errstate(all="ignore"):
        tensors = walk(spec, widened(weights), widened(inputs))
    return {name: np.asarray(tensors[name]) for name in spec.outputs}
