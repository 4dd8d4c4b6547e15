"""The other ways in which Keras models are saved: `.h5`, SavedModel, weights alone, and JSON with weights.

https://keras.io/guides/serialization_and_saving/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.keras_model import built, load_model, read_model, rebuilt
from harness.adapters.places import OnTensorFlow
from harness.spec import Array, Input, Layer, Spec

WEIGHTS = "model.weights.h5"
SPEC = "spec.json"
ARCHITECTURE = "model.json"


class _Saved(OnTensorFlow):
    """A way to save a Keras model. The script of a reproducer loads the model from a `.keras` file."""

    dialect: ClassVar[str | None] = "keras"
    distribution: ClassVar[str] = "keras"
    depth: ClassVar[int | None] = 1
    saved_from: ClassVar[str] = "keras"
    builder: ClassVar[str] = "keras"


class KerasH5(_Saved):
    """The legacy HDF5 file: configuration and weights."""

    name: ClassVar[str] = "h5"
    suffix: ClassVar[str] = ".h5"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "h5py")
    engine: ClassVar[str] = "keras"
    calls: ClassVar[str] = 'model.save("model.h5")'
    recipe: ClassVar[str] = """
        import keras
        import tensorflow as tf
        model.save(RESULT)
    """

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        built(spec, weights).save(path)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        return read_model(load_model(path))


class SavedModel(_Saved):
    """TensorFlow's SavedModel, as `model.export` writes it: functions and variables, no layers."""

    name: ClassVar[str] = "savedmodel"
    suffix: ClassVar[str] = ".savedmodel"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow")
    file: ClassVar[str] = "saved"
    calls: ClassVar[str] = 'model.export(format="tf_saved_model")'
    recipe: ClassVar[str] = """
        import keras
        import tensorflow as tf
        model.export(RESULT, format="tf_saved_model", verbose=False)
    """

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        built(spec, weights).export(path, format="tf_saved_model", verbose=False)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Read the serving function as one layer, and the variables by their paths."""
        import tensorflow as tf

        loaded = tf.saved_model.load(str(path))
        serving = loaded.signatures["serving_default"]
        signature = serving.structured_input_signature[1]
        inputs = tuple(Input(name, tuple(item.shape[1:]), item.dtype.name) for name, item in signature.items())
        count = len(serving.structured_outputs)
        layer = Layer("SavedModel", "serving_default", {}, tuple(signature))
        outputs = tuple(layer.name if k == 0 else f"{layer.name}:{k}" for k in range(count))
        return Spec("keras", inputs, (layer,), outputs), {v.path: np.asarray(v) for v in loaded.variables}


class KerasWeights(_Saved):
    """Weights alone. The user builds the model again and loads them; `spec.json` stands for the user's program."""

    name: ClassVar[str] = "weights"
    suffix: ClassVar[str] = ".weights"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "h5py")
    engine: ClassVar[str] = "keras"
    calls: ClassVar[str] = "model.save_weights"
    recipe: ClassVar[str] = """
        import keras
        import tensorflow as tf
        model.save_weights(OUT / "model.weights.h5")
        fresh = type(model).from_config(model.get_config())
        fresh.load_weights(OUT / "model.weights.h5")
        return fresh
    """

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        path.mkdir()
        (path / SPEC).write_text(json.dumps(spec.to_json()), encoding="utf-8")
        built(spec, weights).save_weights(path / WEIGHTS)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        return read_model(rebuilt(path / SPEC, path / WEIGHTS))


class KerasJson(_Saved):
    """The configuration from `model.to_json()`, and a file of weights beside it."""

    name: ClassVar[str] = "json"
    suffix: ClassVar[str] = ".json"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "h5py")
    engine: ClassVar[str] = "keras"
    calls: ClassVar[str] = "model.to_json"
    recipe: ClassVar[str] = """
        import keras
        import tensorflow as tf
        model.save_weights(OUT / "model.weights.h5")
        fresh = keras.models.model_from_json(model.to_json())
        fresh.load_weights(OUT / "model.weights.h5")
        return fresh
    """

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        path.mkdir()
        model = built(spec, weights)
        (path / ARCHITECTURE).write_text(model.to_json(), encoding="utf-8")
        model.save_weights(path / WEIGHTS)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        return read_model(self.open(path))

    def open(self, path: Path) -> Any:
        """Load the model. Raises whatever Keras raises."""
        import keras

        model = keras.models.model_from_json((path / ARCHITECTURE).read_text(encoding="utf-8"))
        model.load_weights(path / WEIGHTS)
        return model
