"""Keras' own ONNX export: https://keras.io/api/models/model_saving_apis/export/."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.keras_model import load_model


class KerasExport:
    """`model.export(format="onnx")` of Keras on the TensorFlow backend.

    A model that was loaded and not called yet is refused unless its input signature is given, so it is.
    """

    name: ClassVar[str] = "kerasexport"
    source: ClassVar[str] = "keras"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("tensorflow", "keras", "tf2onnx")
    worker: ClassVar[str] = "tensorflow"

    def convert(self, artifact: Path, out: Path) -> Path:
        import keras

        model = load_model(artifact)
        specs = [keras.InputSpec(dtype=t.dtype, shape=t.shape, name=t.name) for t in model.inputs]
        signature = specs if len(specs) == 1 else [specs]
        model.export(out, format="onnx", verbose=False, input_signature=signature)
        return out
