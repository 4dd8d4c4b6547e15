"""Keras 3 reading the `.h5` file of Keras 2: https://keras.io/guides/migrating_to_keras_3/."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnTensorFlow


class H5Import(OnTensorFlow):
    """`keras.saving.load_model` of a legacy file, saved as `.keras`."""

    name: ClassVar[str] = "h5import"
    source: ClassVar[str] = "tfkeras"
    target: ClassVar[str] = "keras"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "h5py")
    distribution: ClassVar[str] = "keras"
    engine: ClassVar[str] = "keras"
    behind: ClassVar[tuple[int | None, ...]] = (0,)  # it is a Keras model again, and those are walked without it
    calls: ClassVar[str] = "keras.saving.load_model of a Keras 2 file"
    recipe: ClassVar[str] = """
        import keras, tensorflow
        model = keras.saving.load_model(ARTIFACT, compile=False)
        model.save(RESULT)
    """

    def convert(self, artifact: Path, out: Path) -> Path:
        import keras

        keras.saving.load_model(artifact, compile=False).save(out)
        return out
