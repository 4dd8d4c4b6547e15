"""A Spec's model as lines of a Python program, for a script that has no saved file to start from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.spec import Layer, Spec


class NoProgram(ValueError):
    """A Spec with a layer that this module cannot write as a line of a program."""


_CLASSES = {
    "Scale": """
@keras.saving.register_keras_serializable(package="parity")
class Scale(keras.layers.Layer):
    def __init__(self, factor=1.0, **more):
        super().__init__(**more)
        self.factor = factor

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="ones")
        self.shift = self.add_weight(name="shift", shape=(shape[-1],), initializer="zeros")

    def call(self, x):
        return x * self.scale * self.factor + self.shift

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
""",
    "Halves": """
@keras.saving.register_keras_serializable(package="parity")
class Halves(keras.layers.Layer):
    def __init__(self, axis=-1, **more):
        super().__init__(**more)
        self.axis = axis

    def call(self, x):
        return keras.ops.split(x, 2, axis=self.axis)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
""",
}
"""Source of our own layer classes, for scripts; `harness.adapters.keras_model.custom_layers` has the same classes."""


def custom(spec: Spec) -> list[str]:
    """Lines that define or import the layers of a Spec that `keras.layers` does not have."""
    text = json.dumps(spec.to_json())
    lines = ["import keras.src.applications.convnext"] if '"kind": "LayerScale"' in text else []
    return lines + [
        line for kind, source in _CLASSES.items() if f'"kind": "{kind}"' in text for line in ["", *source.splitlines()]
    ]


def program(spec: Spec, package: str) -> list[str]:
    """Lines that build the Spec's model with the package `keras` or `tf_keras` and return it, with initial weights."""
    names: dict[str, str] = {}
    lines = []
    several = {tensor.partition(":")[0] for tensor in _read(spec) if ":" in tensor}
    for k, item in enumerate(spec.inputs):
        names[item.name] = f"x{k}"
        lines.append(f"x{k} = {package}.Input({item.shape!r}, dtype={item.dtype!r}, name={item.name!r})")
    for k, layer in enumerate(spec.layers):
        names[layer.name] = f"y{k}"
        lines.append(f"y{k} = {_call(layer, package, lambda tensor: _tensor(tensor, names, several))}")
    inputs = ", ".join(names[item.name] for item in spec.inputs)
    outputs = ", ".join(_tensor(tensor, names, several) for tensor in spec.outputs)
    return [*lines, f"return {package}.Model([{inputs}], [{outputs}])"]


def _read(spec: Spec) -> list[str]:
    return [*spec.outputs, *(tensor for layer in spec.layers for tensor in layer.tensors)]


def _tensor(tensor: str, names: Mapping[str, str], several: set[str]) -> str:
    name, _, index = tensor.partition(":")
    return f"{names[name]}[{index or 0}]" if name in several else names[name]


def _call(layer: Layer, package: str, tensor: Any) -> str:
    args = ", ".join(map(tensor, layer.inputs))
    keywords = [
        f"{key}=[{', '.join(map(tensor, names))}]"
        if len(names) > 1 or key == "initial_state"
        else f"{key}={tensor(names[0])}"
        for key, names in layer.keywords.items()
    ]
    keywords += [f"{key}={value!r}" for key, value in layer.arguments.items()]
    instance = _instance(layer.kind, {**layer.config, "name": layer.name}, package)
    return f"{instance}({', '.join([args if len(layer.inputs) == 1 else f'[{args}]', *keywords])})"


def _instance(kind: str, config: Mapping[str, Any], package: str) -> str:
    if kind in ("Model", "Sequential", "Scale", "LayerScale"):
        raise NoProgram(f"no program is written that builds a layer {kind}")
    arguments = ", ".join(f"{key}={_value(value, package)}" for key, value in config.items())
    return f"{package}.layers.{kind}({arguments})"


def _value(value: Any, package: str) -> str:
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        return _instance(value["kind"], value["config"], package)
    if isinstance(value, list | tuple):
        items = ", ".join(_value(item, package) for item in value)
        return f"[{items}]" if value and isinstance(value[0], Mapping) else f"({items}{',' * (len(value) == 1)})"
    return repr(value)
