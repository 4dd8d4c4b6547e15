"""The `.keras` file: a Keras model built from a Spec, saved by Keras itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from harness.adapters.keras_model import build_model, built, load_model, read_model, set_weights
from harness.adapters.places import OnTensorFlow
from harness.spec import Array, Spec

__all__ = ["KerasFile", "build_model", "set_weights"]


class KerasFile(OnTensorFlow):
    """Keras v3 native format: a zip of configuration and HDF5 weights."""

    name: ClassVar[str] = "keras"
    suffix: ClassVar[str] = ".keras"
    dialect: ClassVar[str | None] = "keras"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "h5py")
    distribution: ClassVar[str] = "keras"
    engine: ClassVar[str] = "keras"
    saved_from: ClassVar[str] = "keras"
    builder: ClassVar[str] = "keras"
    calls: ClassVar[str] = "the model"
    recipe: ClassVar[str] = """
        import keras
        import tensorflow as tf
        return model
    """

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        built(spec, weights).save(path)

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Read the Spec and weights with Keras. Raises ValueError for a file that Keras cannot read."""
        return read_model(load_model(path))
