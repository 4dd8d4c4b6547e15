"""The `.h5` file of Keras 2, written by its successor package tf-keras. Older models are files of this kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.keras_model import call_layer
from harness.adapters.places import OnKeras2
from harness.spec import Array, Input, Layer, Spec


class TfKerasH5(OnKeras2):
    """A functional Keras 2 model, saved by Keras 2."""

    name: ClassVar[str] = "tfkeras"
    suffix: ClassVar[str] = ".h5"
    dialect: ClassVar[str | None] = "keras"
    requires: ClassVar[tuple[str, ...]] = ("tf-keras", "tensorflow", "h5py")
    distribution: ClassVar[str] = "tf-keras"
    depth: ClassVar[int | None] = 3
    builder: ClassVar[str] = "tf_keras"

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        """Write the file. Raises ValueError for a layer or a weight that Keras 2 does not have."""
        import tf_keras

        tf_keras.backend.clear_session()
        model = _build(spec)
        for layer in spec.layers:
            arrays = [value for key, value in weights.items() if key.startswith(f"{layer.name}/")]
            instance = model.get_layer(layer.name)
            shapes = [tuple(variable.shape) for variable in instance.weights]
            if shapes != [value.shape for value in arrays]:
                raise ValueError(f"{layer.kind} of Keras 2 has weights {shapes}, the case {[v.shape for v in arrays]}")
            instance.set_weights(arrays)
        model.save(path)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """The layers of a file without their wiring, and the weights in the order of Keras 2."""
        import tf_keras

        model = tf_keras.models.load_model(path, compile=False)
        inputs = tuple(Input(t.name, tuple(t.shape[1:]), t.dtype.name) for t in model.inputs)
        instances = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        names = tuple(item.name for item in inputs)
        layers = tuple(Layer(type(layer).__name__, layer.name, layer.get_config(), names) for layer in instances)
        weights = {
            f"{layer.name}/{variable.name.partition('/')[2].partition(':')[0]}": np.asarray(variable)
            for layer in instances
            for variable in layer.weights
        }
        return Spec("keras", inputs, layers, (layers[-1].name,)), weights


def _build(spec: Spec) -> Any:
    """A functional model with initial weights."""
    import tf_keras

    tensors = {item.name: tf_keras.Input(item.shape, dtype=item.dtype, name=item.name) for item in spec.inputs}
    inputs = list(tensors.values())
    for layer in spec.layers:
        tensors |= call_layer(_layer(layer.kind, layer.config, name=layer.name), layer, tensors, _listed)
    return tf_keras.Model(inputs, [tensors[name] for name in spec.outputs])


def _listed(result: Any) -> Sequence[Any]:
    return result if isinstance(result, list | tuple) else [result]


def _layer(kind: str, config: Mapping[str, Any], **more: Any) -> Any:
    """A layer of Keras 2 from its class name and its constructor arguments as data."""
    import tf_keras

    cls = getattr(tf_keras.layers, kind, None)
    if cls is None:
        raise ValueError(f"Keras 2 has no layer {kind}")
    return cls(**{key: _argument(value) for key, value in config.items()}, **more)


def _argument(value: Any) -> Any:
    """A constructor argument from data, as `harness.adapters.keras_model` makes it for Keras 3."""
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        return _layer(value["kind"], value["config"])
    if isinstance(value, list | tuple):
        items = [_argument(item) for item in value]
        return items if items and isinstance(value[0], Mapping) else tuple(items)
    return value
