"""Keras' own ONNX export: https://keras.io/api/models/model_saving_apis/export/."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.keras_model import input_signature, load_model
from harness.adapters.places import OnTensorFlow


class KerasExport(OnTensorFlow):
    """`model.export(format="onnx")` of Keras on the TensorFlow backend, which calls tf2onnx.

    Keras refuses a loaded model that was not called yet, unless the call names an input signature; this one does.
    """

    name: ClassVar[str] = "kerasexport"
    source: ClassVar[str] = "keras"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "tf2onnx", "onnx")
    distribution: ClassVar[str] = "keras"
    engine: ClassVar[str] = "tf2onnx"
    depth: ClassVar[int | None] = 1
    behind: ClassVar[tuple[int | None, ...]] = (1, 0)  # importers of ONNX are walked behind tf2onnx
    calls: ClassVar[str] = 'model.export(format="onnx")'
    recipe: ClassVar[str] = """
        import keras, tensorflow, tf2onnx
        model = keras.saving.load_model(ARTIFACT, compile=False)
        specs = [keras.InputSpec(dtype=t.dtype, shape=t.shape, name=t.name) for t in model.inputs]
        model.export(RESULT, format="onnx", verbose=False, input_signature=specs if len(specs) == 1 else [specs])
    """

    def convert(self, artifact: Path, out: Path) -> Path:
        model = load_model(artifact)
        signature = input_signature(model)
        model.export(out, format="onnx", verbose=False, input_signature=signature)
        return out
