"""tf2onnx: https://github.com/onnx/tensorflow-onnx."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class Tf2Onnx:
    """`tf2onnx.convert.from_keras` at its default opset."""

    name: ClassVar[str] = "tf2onnx"
    source: ClassVar[str] = "keras"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("tensorflow", "keras", "tf2onnx")
    worker: ClassVar[str] = "tensorflow"

    def convert(self, artifact: Path, out: Path) -> Path:
        import keras
        import tf2onnx

        tf2onnx.convert.from_keras(keras.saving.load_model(artifact, compile=False), output_path=str(out))
        return out
