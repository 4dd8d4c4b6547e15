"""Keras 3 reading the `.h5` file of Keras 2: https://keras.io/guides/migrating_to_keras_3/."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class H5Import:
    """`keras.saving.load_model` of a legacy file, saved as `.keras`."""

    name: ClassVar[str] = "h5import"
    source: ClassVar[str] = "tfkeras"
    target: ClassVar[str] = "keras"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "h5py")
    worker: ClassVar[str] = "tensorflow"

    def convert(self, artifact: Path, out: Path) -> Path:
        import keras

        keras.saving.load_model(artifact, compile=False).save(out)
        return out
