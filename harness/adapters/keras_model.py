"""Builds Keras models from Specs, and Specs from Keras models, on the worker's backend.

Formats, hops and runtimes share this module. Keras is imported inside the functions.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from harness.spec import Array, Input, Layer, Spec


def _flat(result: Any) -> list[Any]:
    """Output tensors in order. A cell with several states returns them as a nested list."""
    return [part for item in result for part in _flat(item)] if isinstance(result, list | tuple) else [result]


MODEL, SEQUENTIAL = "Model", "Sequential"
OPERATOR = "ops."
"""Begins the kind of an operator between layers, which is no layer that a model can be built of."""
"""Kinds of layers that are models. The configuration of a Model has a Spec in `spec`, a Sequential's has `layers`."""


def build_model(spec: Spec, name: str | None = None) -> Any:
    """A functional `keras.Model` with the Spec's layers, inputs and outputs, and with initial weights.

    A Spec whose only layer is a Sequential becomes a `keras.Sequential`.
    """
    import keras

    if name is None and [layer.kind for layer in spec.layers] == [SEQUENTIAL]:
        return _sequential(spec.layers[0].config, spec.inputs[0])
    tensors: dict[str, Any] = {
        item.name: keras.Input(item.shape, dtype=item.dtype, name=item.name) for item in spec.inputs
    }
    inputs = list(tensors.values())
    instances: dict[str, Any] = {}
    for layer in spec.layers:
        instance = instances[layer.of] if layer.of else make_layer(layer.kind, layer.config, name=layer.name)
        instances[layer.name] = instance
        tensors |= call_layer(instance, layer, tensors, _flat)
    return keras.Model(inputs, [tensors[name] for name in spec.outputs], name=name)


def call_layer(
    instance: Any, layer: Layer, tensors: Mapping[str, Any], outputs_of: Callable[[Any], Sequence[Any]]
) -> dict[str, Any]:
    """Call a layer of Keras or Keras 2 as the Spec does. Returns its output tensors: `name`, `name:1` and so on.

    `outputs_of` lists the tensors in what the call returns.
    """
    args = [tensors[name] for name in layer.inputs]
    keywords = {
        key: [tensors[name] for name in names] if len(names) > 1 or key in LISTS else tensors[names[0]]
        for key, names in layer.keywords.items()
    }
    result = instance(args[0] if len(args) == 1 else args, **keywords, **layer.arguments)
    return {layer.name if k == 0 else f"{layer.name}:{k}": value for k, value in enumerate(outputs_of(result))}


def _sequential(config: Mapping[str, Any], source: Input | None = None, name: str | None = None) -> Any:
    import keras

    first = [] if source is None else [keras.Input(source.shape, dtype=source.dtype, name=source.name)]
    layers = [
        make_layer(one["kind"], one["config"], name=f"{name or 'part'}_{k}") for k, one in enumerate(config["layers"])
    ]
    return keras.Sequential(first + layers, name=name)


IMPORTS, TRUST = "PARITY_IMPORTS", "PARITY_TRUST"
"""Environment of a worker: Python files that register layers of the user, by `os.pathsep`; and whether files that
bring code are loaded, which converters are not told otherwise."""


def load_model(path: Path, *, trust: bool = False) -> Any:
    """Load a saved model with our custom layers registered, and the user's. Raises whatever Keras and these raise.

    Only `trust` lets Keras load Python code in the file, as Lambda layers have it.
    """
    import keras

    custom_layers()
    for file in filter(None, os.environ.get(IMPORTS, "").split(os.pathsep)):
        imported(file)
    return keras.saving.load_model(path, compile=False, safe_mode=not (trust or os.environ.get(TRUST)))


def nested(model: Any, tensors: Sequence[Any]) -> Any:
    """The tensors, or specs, of a model's inputs, in their order, as a call takes them: one, a list, a dictionary."""
    import keras

    # a Sequential takes one tensor, and need not know its input before it was called
    if isinstance(model, keras.Sequential) or (len(tensors) == 1 and not isinstance(model.input, Mapping)):
        return tensors[0]
    return keras.tree.pack_sequence_as(model.input, list(tensors))


def input_signature(model: Any) -> list[Any]:
    """The arguments of a call as `model.export` takes them."""
    import keras

    specs = [keras.InputSpec(dtype=each.dtype, shape=each.shape, name=each.name) for each in model.inputs]
    return [nested(model, specs)]


@cache
def imported(file: str) -> Any:
    """The module of a Python file, imported once under its own name, so that what it defines can be saved by name."""
    name = Path(file).stem
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def custom_layers() -> Mapping[str, Any]:
    """Layer classes that `keras.layers` does not have, by kind: two of ours, and the LayerScale of ConvNeXt.

    Ours are registered for serialization: https://keras.io/guides/serialization_and_saving/.
    """
    import keras

    @keras.saving.register_keras_serializable(package="parity")
    class Scale(keras.layers.Layer):
        """`x * scale + shift` along the last axis, with two weights and an argument."""

        def __init__(self, factor: float = 1.0, **more: Any) -> None:
            super().__init__(**more)
            self.factor = factor

        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="ones")
            self.shift = self.add_weight(name="shift", shape=(shape[-1],), initializer="zeros")

        def call(self, x: Any) -> Any:
            return x * self.scale * self.factor + self.shift

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    @keras.saving.register_keras_serializable(package="parity")
    class Halves(keras.layers.Layer):
        """The two halves of an axis, as two outputs."""

        def __init__(self, axis: int = -1, **more: Any) -> None:
            super().__init__(**more)
            self.axis = axis

        def call(self, x: Any) -> Any:
            return keras.ops.split(x, 2, axis=self.axis)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "axis": self.axis}

    from keras.src.applications.convnext import LayerScale

    return {"Scale": Scale, "Halves": Halves, "LayerScale": LayerScale}


CUSTOM = ("Scale", "Halves", "LayerScale")
"""Kinds of layers in `custom_layers`."""
LISTS = ("initial_state",)
"""Keyword arguments that take a list even of one tensor."""


def make_layer(kind: str, config: Mapping[str, Any], **more: Any) -> Any:
    """Build a Keras layer from its class name and its constructor arguments as data."""
    import keras

    if kind == MODEL:
        return build_model(Spec.from_json(config["spec"]), name=more.get("name"))
    if kind == SEQUENTIAL:
        return _sequential(config, name=more.get("name"))
    cls = custom_layers()[kind] if kind in CUSTOM else getattr(keras.layers, kind)
    return cls(**{key: _argument(value) for key, value in config.items()}, **more)


def _argument(value: Any) -> Any:
    """A constructor argument from data. A dictionary of kind and config becomes a layer or cell.

    JSON lists become the tuples that Keras' constructors document, except lists of layers.
    """
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        return make_layer(value["kind"], value["config"])
    if isinstance(value, list | tuple):
        items = [_argument(item) for item in value]
        return items if items and isinstance(value[0], Mapping) else tuple(items)
    return value


def weight_name(variable: Any) -> str:
    """Last part of a variable's path; `variable` for a variable without a name, to which Keras appends a counter."""
    last = str(variable.path.rpartition("/")[2])
    return "variable" if last.startswith("variable_") else last


def set_weights(model: Any, spec: Spec, weights: Mapping[str, Array]) -> None:
    """Set the weights of all layers. Raises ValueError if names or shapes are not those of Keras, in its order."""
    whole = [layer.kind for layer in spec.layers] == [SEQUENTIAL]
    for layer in spec.layers:
        if layer.of:
            continue
        arrays = {key: value for key, value in weights.items() if key.startswith(layer.name + "/")}
        variables = (model if whole else model.get_layer(layer.name)).weights
        expected = [(weight_name(v), tuple(v.shape)) for v in variables]
        came = [(key.rpartition("/")[2], value.shape) for key, value in arrays.items()]
        if expected != came:
            raise ValueError(f"layer {layer.name!r} ({layer.kind}) has weights {expected}, the case gives {came}")
        for variable, value in zip(variables, arrays.values(), strict=True):
            variable.assign(value)
        if variables and not whole and hasattr(model.get_layer(layer.name), "finalize_state"):
            model.get_layer(layer.name).finalize_state()  # adapted layers compute with copies of their weights


def built(spec: Spec, weights: Mapping[str, Array]) -> Any:
    """Build the model of a Spec in a cleared session and set its weights. Raises ValueError if they do not fit."""
    import keras

    keras.backend.clear_session(free_memory=False)
    model = build_model(spec)
    set_weights(model, spec, weights)
    return model


def rebuilt(spec: Path, weights: Path) -> Any:
    """Build the model of a Spec in a JSON file, and load its weights from a `.weights.h5` file."""
    model = build_model(Spec.from_json(json.loads(spec.read_text(encoding="utf-8"))))
    model.load_weights(weights)
    return model


def read_model(model: Any) -> tuple[Spec, dict[str, Array]]:
    """The Spec and the weights of a Keras model.

    Layers have their whole configuration and the wiring of their first call. Weights are by `layer/variable`, in Keras'
    order.
    """
    weights = {}
    for layer in model.layers:
        for variable in layer.weights:
            name = f"{layer.name}/{variable.path.rpartition('/')[2]}"
            weights[name if name not in weights else f"{layer.name}/{variable.path}"] = np.asarray(variable)
    inputs = tuple(Input(_tensor_name(t), tuple(t.shape[1:]), str(t.dtype)) for t in model.inputs)
    # operations include what a program computed between layers, with `+` for instance
    layers = tuple(
        _layer(layer) for layer in getattr(model, "operations", model.layers) if type(layer).__name__ != "InputLayer"
    )
    return Spec("keras", inputs, layers, tuple(_tensor_name(t) for t in model.outputs)), weights


def _layer(layer: Any) -> Layer:
    arguments = layer._inbound_nodes[0].arguments
    return Layer(
        kind=type(layer).__name__,
        name=layer.name,
        config=layer.get_config() if hasattr(layer, "weights") else {},
        inputs=_names_of(arguments.args),
        keywords={key: names for key, value in arguments.kwargs.items() if (names := _names_of(value))},
    )


def _names_of(value: Any) -> tuple[str, ...]:
    """Names of the symbolic tensors in an argument, in order."""
    if isinstance(value, list | tuple):
        return tuple(name for item in value for name in _names_of(item))
    return (_tensor_name(value),) if hasattr(value, "_keras_history") else ()


def _tensor_name(tensor: Any) -> str:
    operation, _, index = tensor._keras_history
    return str(operation.name) if index == 0 else f"{operation.name}:{index}"
