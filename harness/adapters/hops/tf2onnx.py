"""tf2onnx: https://github.com/onnx/tensorflow-onnx."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.keras_model import load_model
from harness.adapters.places import OnTensorFlow


class Tf2Onnx(OnTensorFlow):
    """`tf2onnx.convert.from_keras` at its default opset, as most users call it."""

    name: ClassVar[str] = "tf2onnx"
    source: ClassVar[str] = "keras"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "tf2onnx", "onnx")
    distribution: ClassVar[str] = "tf2onnx"
    opset: ClassVar[int | None] = None
    calls: ClassVar[str] = "tf2onnx.convert.from_keras"
    recipe: ClassVar[str] = """
        import keras, tensorflow, tf2onnx
        model = keras.saving.load_model(ARTIFACT, compile=False)
        tf2onnx.convert.from_keras(model, opset=OPSET, output_path=str(RESULT))
    """

    def convert(self, artifact: Path, out: Path) -> Path:
        import tf2onnx

        model = load_model(artifact)
        tf2onnx.convert.from_keras(model, opset=self.opset, output_path=str(out))
        return out


class _AtOpset:
    """A fixed opset. Exports back to ONNX are not walked behind it, only behind the default opset."""

    behind: ClassVar[tuple[int | None, ...]] = (None, 0)


class Tf2Onnx13(_AtOpset, Tf2Onnx):
    """At opset 13: the axes of Squeeze, Unsqueeze and ReduceSum became inputs."""

    name = "tf2onnx13"
    opset = 13


class Tf2Onnx15(_AtOpset, Tf2Onnx):
    """At opset 15, the default of tf2onnx 1.17."""

    name = "tf2onnx15"
    opset = 15


class Tf2Onnx17(_AtOpset, Tf2Onnx):
    """At opset 17: LayerNormalization is an operator of its own."""

    name = "tf2onnx17"
    opset = 17


class Tf2Onnx18(_AtOpset, Tf2Onnx):
    """At opset 18, the highest that tf2onnx 1.17 writes: the axes of all reductions became inputs."""

    name = "tf2onnx18"
    opset = 18
