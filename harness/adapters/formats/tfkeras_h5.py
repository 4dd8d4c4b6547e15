"""The `.h5` file of Keras 2, written by TensorFlow's legacy package tf-keras: what older models are kept in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

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
        """Raises ValueError for a layer or a weight that Keras 2 does not have."""
        import tf_keras

        tf_keras.backend.clear_session()
        model = _build(spec)
        for layer in spec.layers:
            own = [value for key, value in weights.items() if key.startswith(f"{layer.name}/")]
            made = model.get_layer(layer.name)
            wanted = [tuple(variable.shape) for variable in made.weights]
            if wanted != [value.shape for value in own]:
                raise ValueError(f"{layer.kind} of Keras 2 has weights {wanted}, the case {[v.shape for v in own]}")
            made.set_weights(own)
        model.save(path)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Layers without their wiring, which is Keras 2's own affair, and the weights in its order."""
        import tf_keras

        model = tf_keras.models.load_model(path, compile=False)
        inputs = tuple(Input(t.name, tuple(t.shape[1:]), t.dtype.name) for t in model.inputs)
        made = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        names = tuple(item.name for item in inputs)
        layers = tuple(Layer(type(layer).__name__, layer.name, layer.get_config(), names) for layer in made)
        weights = {
            f"{layer.name}/{variable.name.partition('/')[2].partition(':')[0]}": np.asarray(variable)
            for layer in made
            for variable in layer.weights
        }
        return Spec("keras", inputs, layers, (layers[-1].name,)), weights


def _build(spec: Spec) -> Any:
    import tf_keras

    tensors = {item.name: tf_keras.Input(item.shape, dtype=item.dtype, name=item.name) for item in spec.inputs}
    inputs = list(tensors.values())
    for layer in spec.layers:
        made = _made(layer.kind, layer.config, name=layer.name)
        args = [tensors[name] for name in layer.inputs]
        keywords = {
            key: [tensors[name] for name in names] if len(names) > 1 or key == "initial_state" else tensors[names[0]]
            for key, names in layer.keywords.items()
        }
        result = made(args[0] if len(args) == 1 else args, **keywords, **layer.arguments)
        for k, value in enumerate(result if isinstance(result, list | tuple) else [result]):
            tensors[layer.name if k == 0 else f"{layer.name}:{k}"] = value
    return tf_keras.Model(inputs, [tensors[name] for name in spec.outputs])


def _made(kind: str, config: Mapping[str, Any], **more: Any) -> Any:
    import tf_keras

    cls = getattr(tf_keras.layers, kind, None)
    if cls is None:
        raise ValueError(f"Keras 2 has no layer {kind}")
    return cls(**{key: _argument(value) for key, value in config.items()}, **more)


def _argument(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"kind", "config"}:
        return _made(value["kind"], value["config"])
    if isinstance(value, list | tuple):
        items = [_argument(item) for item in value]
        return items if items and isinstance(value[0], Mapping) else tuple(items)
    return value
