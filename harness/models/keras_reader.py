"""A user's Keras model as a Spec that the oracle knows: each call of each layer, with what matters at inference.

Keras is imported by the caller's worker; nothing here computes. A layer that the oracle has no name for keeps its own,
with its module: `mine.Gate` has no semantics, and whoever evaluates the Spec learns so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.keras_model import CUSTOM, MODEL, OPERATOR, SEQUENTIAL, custom_layers, load_model, weight_name
from harness.catalogue.excluded import reason_to_omit
from harness.spec import Array, Input, Layer, Spec


def described(path: Path, trust: bool = False) -> dict[str, Any]:
    """The Spec of a model file and its weights as plain data, and the class of the model.

    Raises what Keras raises for a file that it cannot load, and ValueError for a model that declares no inputs.
    """
    model = load_model(path, trust=trust)
    spec, weights = spec_of(model)
    return {"spec": spec, "weights": weights, "model": type(model).__name__}


def spec_of(model: Any) -> tuple[Spec, dict[str, Array]]:
    """The Spec and the weights of a functional model, or of a Sequential that was built."""
    whole = _functional(model)
    names = _Names()
    inputs, layers = names.parts(whole)
    weights: dict[str, Array] = {}
    for layer in whole.layers:
        weights |= {f"{layer.name}/{name}": value for name, value in weights_of(layer).items()}
    return Spec("keras", inputs, layers, tuple(names.of(tensor) for tensor in whole.outputs)), weights


def shapes_of(model: Any) -> dict[str, tuple[int | None, ...]]:
    """The shape of each tensor without the batch axis, open sizes as None, by the name that the Spec has for it."""
    names = _Names()
    names.parts(_functional(model))
    return {name: tuple(tensor.shape[1:]) for name, tensor in names.tensors.items()}


def values_of(model: Any, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What every input and every layer of a model gives, by the name that its Spec has for the tensor."""
    import keras

    whole = _functional(model)
    names = _Names()
    names.parts(whole)
    every = keras.Model(whole.inputs, names.tensors)
    values = every([keras.ops.convert_to_tensor(inputs[tensor.name]) for tensor in whole.inputs], training=False)
    return {name: np.asarray(keras.ops.convert_to_numpy(value)) for name, value in values.items()}


@dataclass(frozen=True)
class Tensors:
    """The calls of a model in the order in which Keras runs them, and the Spec's name of each tensor by its `id`."""

    nodes: tuple[Any, ...]
    names: Mapping[int, str]


def tensors_of(model: Any) -> Tensors:
    """The calls and tensors of a functional model, or of a Sequential that was built."""
    whole = _functional(model)
    names = _Names()
    names.parts(whole)
    return Tensors(tuple(_nodes(whole)), {id(tensor): name for name, tensor in names.tensors.items()})


def _functional(model: Any) -> Any:
    """The graph of a model. Raises ValueError for one without."""
    whole = getattr(model, "_functional", None) or model
    if not getattr(whole, "inputs", None) or not hasattr(whole, "_nodes_by_depth"):
        raise ValueError(
            f"the model is a {type(model).__name__} that declares no graph: expected a functional model, or a "
            "Sequential that begins with keras.Input"
        )
    return whole


def _nodes(model: Any) -> Iterator[Any]:
    """The calls of a functional model in the order in which Keras runs them."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


class _Names:
    """Names of tensors: those of the layers, with a number for further calls."""

    def __init__(self) -> None:
        self.tensors: dict[str, Any] = {}
        self._by_tensor: dict[int, str] = {}
        self._calls: dict[str, int] = {}

    def parts(self, whole: Any) -> tuple[tuple[Input, ...], tuple[Layer, ...]]:
        """The inputs and the calls of a functional model. All their tensors have names after that."""
        inputs = tuple(Input(self._input(each), tuple(each.shape[1:]), str(each.dtype)) for each in whole.inputs)
        calls = (node for node in _nodes(whole) if type(node.operation).__name__ != "InputLayer")
        return inputs, tuple(self._layer(node) for node in calls)

    def _input(self, tensor: Any) -> str:
        return self._name(tensor, str(tensor._keras_history.operation.name))

    def _name(self, tensor: Any, name: str) -> str:
        self.tensors[name] = tensor
        self._by_tensor[id(tensor)] = name
        return name

    def of(self, tensor: Any) -> str:
        return self._by_tensor[id(tensor)]

    def _layer(self, node: Any) -> Layer:
        operation, arguments = node.operation, node.arguments
        owner = str(operation.name)
        self._calls[owner] = count = self._calls.get(owner, 0) + 1
        name = owner if count == 1 else f"{owner}#{count}"
        for place, tensor in enumerate(node.outputs):
            self._name(tensor, name if place == 0 else f"{name}:{place}")
        kind, config = kind_and_config(operation)
        if not hasattr(operation, "weights"):  # an operator of keras.ops
            config = {"operands": [None if self._tensors(value) else _value(value) for value in arguments.args]}
            config |= {**_options(arguments.kwargs), **_options(_constructed(operation))}
            return Layer(f"{OPERATOR}{kind}", name, config, self._tensors(arguments.args))
        first, *more = arguments.args or (None,)
        named = {**dict(zip(list(signature(operation.call).parameters)[1:], more, strict=False)), **arguments.kwargs}
        keywords = {key: found for key, value in named.items() if (found := self._tensors(value))}
        values = {key: value for key, value in _options(named).items() if key not in keywords}
        return Layer(kind, name, config, self._tensors(first), keywords, values, of="" if count == 1 else owner)

    def _tensors(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, list | tuple):
            return tuple(name for item in value for name in self._tensors(item))
        if isinstance(value, Mapping):
            return tuple(name for item in value.values() for name in self._tensors(item))
        return (self._by_tensor[id(value)],) if id(value) in self._by_tensor else ()


def _constructed(operation: Any) -> dict[str, Any]:
    """The arguments that an operator was made with, such as its axis; none where it cannot tell them."""
    try:
        config = operation.get_config()
    except NotImplementedError:
        return {}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items() if key != "name"}


def kind_and_config(layer: Any) -> tuple[str, dict[str, Any]]:
    """The kind of a layer, and its constructor arguments that matter at inference as data."""
    import keras

    name = type(layer).__name__
    if isinstance(layer, keras.Sequential):
        return SEQUENTIAL, {"layers": [_part(part) for part in layer.layers]}
    if hasattr(layer, "_nodes_by_depth") and hasattr(layer, "inputs"):
        return MODEL, {"spec": spec_of(layer)[0].to_json()}
    if not hasattr(layer, "weights"):
        return name, {}
    known = getattr(keras.layers, name, None) is type(layer) or (
        name in CUSTOM and type(layer) is custom_layers().get(name)
    )
    policy = getattr(getattr(layer, "dtype_policy", None), "name", "float32")
    is_usual = policy == "float32" or "float" not in policy  # lookups compute in integers and strings
    kind = name if known else f"{type(layer).__module__}.{name}"
    config = slim(name, layer.get_config())
    if isinstance(layer, keras.layers.Wrapper):
        config["layer"] = _part(layer.layer)  # which may be a model
    return (kind if is_usual else f"{kind} in {policy}"), config


def _part(layer: Any) -> dict[str, Any]:
    kind, config = kind_and_config(layer)
    return {"kind": kind, "config": config}


def slim(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor arguments that matter at inference, as JSON values; layers within as kind and config."""
    return {key: _value(value) for key, value in config.items() if reason_to_omit(kind, key) is None}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping) and isinstance(value.get("class_name"), str):
        inner = value.get("config")
        if isinstance(inner, Mapping):
            return {"kind": value["class_name"], "config": slim(value["class_name"], inner)}
        return inner if isinstance(inner, str) else value["class_name"]  # a function by its name
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    return "..." if value is Ellipsis else value


def _options(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a call that are plain data and say something."""
    plain = {
        key: _value(value) for key, value in keywords.items() if isinstance(value, bool | int | float | str | tuple)
    }
    return {key: value for key, value in plain.items() if key != "training"}


def weights_of(layer: Any) -> dict[str, Array]:
    """The weights of a layer by the names that the oracle has for them."""
    import keras

    if isinstance(layer, keras.Sequential):
        parts: dict[str, Any] = {str(place): part for place, part in enumerate(layer.layers)}
    elif hasattr(layer, "_nodes_by_depth"):
        parts = {part.name: part for part in layer.layers}
    elif isinstance(layer, keras.layers.Bidirectional):
        parts = {"forward": layer.forward_layer, "backward": layer.backward_layer}
    elif isinstance(layer, keras.layers.RNN) and isinstance(getattr(layer, "cell", None), keras.layers.StackedRNNCells):
        parts = {str(place): cell for place, cell in enumerate(layer.cell.cells)}
    elif isinstance(layer, keras.layers.Wrapper):
        inner = {id(variable) for variable in layer.layer.weights}
        further = [variable for variable in layer.weights if id(variable) not in inner]
        return weights_of(layer.layer) | _named(further, depth=1)
    elif isinstance(layer, keras.layers.MultiHeadAttention | keras.layers.GroupQueryAttention):
        return _named(layer.weights, depth=2)
    else:
        return _named(getattr(layer, "weights", ()), depth=1)
    return {f"{prefix}/{name}": value for prefix, part in parts.items() for name, value in weights_of(part).items()}


def _named(variables: Any, depth: int) -> dict[str, Array]:
    """Variables by the last parts of their paths."""
    named = {}
    for variable in variables:
        before = variable.path.split("/")[:-1]
        name = "/".join([*(before[1 - depth :] if depth > 1 else ()), weight_name(variable)])
        named[name] = np.asarray(variable)
    return named
