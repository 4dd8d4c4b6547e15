"""A Keras model as the plain-struct export of MATLAB's layers, which Octave runs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.keras_model import load_model, read_model
from harness.adapters.places import OnTensorFlow


class MatOctave(OnTensorFlow):
    """Translate the layers that Keras and MATLAB share. The refusal of a model names all other layers at once."""

    name: ClassVar[str] = "mat-octave"
    source: ClassVar[str] = "keras"
    target: ClassVar[str] = "matlabkeras"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "scipy")
    depth: ClassVar[int | None] = 3

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.from_keras import from_keras
        from harness.matlab.readers.plain import write_plain

        spec, weights = from_keras(*read_model(load_model(artifact)))
        write_plain(spec, weights, out, source="Keras")
        return out
