"""Keras on its other backends: the same saved file, loaded without TensorFlow, saved again.

What comes out is a `.keras` file too, of a format of its own, so that it is run by the backend that loaded it.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.keras_model import load_model


class KerasTorch:
    """`keras.saving.load_model` and `save` on the torch backend."""

    name: ClassVar[str] = "kerastorch"
    source: ClassVar[str] = "keras"
    target: ClassVar[str] = "kerastorch"
    requires: ClassVar[tuple[str, ...]] = ("keras", "torch")
    worker: ClassVar[str] = "kerastorch"

    def convert(self, artifact: Path, out: Path) -> Path:
        out = out.with_suffix(".keras")
        load_model(artifact).save(out)
        return out


class KerasJax(KerasTorch):
    """The same on the jax backend."""

    name = "kerasjax"
    target = "kerasjax"
    requires = ("keras", "jax")
    worker = "kerasjax"


class KerasTorchExport:
    """`model.export(format="onnx")` on the torch backend, which goes through torch.onnx.

    https://keras.io/api/models/model_saving_apis/export/
    """

    name: ClassVar[str] = "kerastorchexport"
    source: ClassVar[str] = "kerastorch"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("keras", "torch", "onnx", "onnxscript")
    worker: ClassVar[str] = "kerastorch"

    def convert(self, artifact: Path, out: Path) -> Path:
        import keras

        model = load_model(artifact)
        specs = [keras.InputSpec(dtype=t.dtype, shape=t.shape, name=t.name) for t in model.inputs]
        model.export(out, format="onnx", verbose=False, input_signature=specs if len(specs) == 1 else [specs])
        return out
