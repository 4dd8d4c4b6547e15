"""Keras on its other backends: load the `.keras` file without TensorFlow, and save it again.

The result is a `.keras` file too. It has a format of its own, so that the same backend runs it.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import ClassVar

from harness.adapters.keras_model import input_signature, load_model
from harness.adapters.places import OnKerasJax, OnKerasTorch

_AGAIN = dedent("""
    model = keras.saving.load_model(ARTIFACT, compile=False)
    model.save(OUT / "again.keras")
    return keras.saving.load_model(OUT / "again.keras")
""")


class _Again:
    """`keras.saving.load_model`, then `save`, on the backend of the worker."""

    source: ClassVar[str] = "keras"
    distribution: ClassVar[str] = "keras"

    def convert(self, artifact: Path, out: Path) -> Path:
        out = out.with_suffix(".keras")
        load_model(artifact).save(out)
        return out


class KerasTorch(OnKerasTorch, _Again):
    """On the torch backend."""

    name: ClassVar[str] = "kerastorch"
    target: ClassVar[str] = "kerastorch"
    requires: ClassVar[tuple[str, ...]] = ("keras", "torch")
    depth: ClassVar[int | None] = 4
    calls: ClassVar[str] = "Keras on torch"
    recipe: ClassVar[str] = f"import keras, torch\n{_AGAIN}"


class KerasJax(OnKerasJax, _Again):
    """On the jax backend."""

    name: ClassVar[str] = "kerasjax"
    target: ClassVar[str] = "kerasjax"
    requires: ClassVar[tuple[str, ...]] = ("keras", "jax")
    depth: ClassVar[int | None] = 1  # a second a case
    calls: ClassVar[str] = "Keras on jax"
    recipe: ClassVar[str] = f"import keras, jax\n{_AGAIN}"


class KerasTorchExport(OnKerasTorch):
    """`model.export(format="onnx")` on the torch backend, which goes through torch.onnx.

    https://keras.io/api/models/model_saving_apis/export/
    """

    name: ClassVar[str] = "kerastorchexport"
    source: ClassVar[str] = "kerastorch"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("keras", "torch", "onnx", "onnxscript")
    distribution: ClassVar[str] = "keras"
    engine: ClassVar[str] = "torch.onnx"
    depth: ClassVar[int | None] = 4
    behind: ClassVar[tuple[int | None, ...]] = (0,)  # importers of ONNX are walked behind tf2onnx
    opset: ClassVar[int | None] = None
    calls: ClassVar[str] = 'model.export(format="onnx") on torch'
    recipe: ClassVar[str] = """
        import keras, torch
        model = keras.saving.load_model(ARTIFACT, compile=False)
        specs = [keras.InputSpec(dtype=t.dtype, shape=t.shape, name=t.name) for t in model.inputs]
        model.export(RESULT, format="onnx", input_signature=specs if len(specs) == 1 else [specs], opset_version=OPSET)
    """

    def convert(self, artifact: Path, out: Path) -> Path:
        model = load_model(artifact)
        signature = input_signature(model)
        model.export(out, format="onnx", verbose=False, input_signature=signature, opset_version=self.opset)
        return out


class KerasTorchExport18(KerasTorchExport):
    """At opset 18, the lowest that torch.onnx writes, so that the importers know most operators."""

    name = "kerastorchexport18"
    opset = 18
    stands_in_for: ClassVar[tuple[str, ...]] = ("tf2onnx",)
