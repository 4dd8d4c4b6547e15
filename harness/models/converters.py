"""Converters of a user's models only: no case of the corpus starts from the source of one, and no route of the corpus
has the other, which is our own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from harness.adapters.keras_model import load_model
from harness.adapters.places import OnKerasTorch, OnTensorFlow
from harness.adapters.runtimes.keras import in_order
from harness.adapters.torch_artifact import Argument, save_module

LAST = 400
"""Characters of what the command printed last that an exception carries."""


class SavedModelToOnnx(OnTensorFlow):
    """`python -m tf2onnx.convert --saved-model`, the way that tf2onnx documents for a SavedModel."""

    name: ClassVar[str] = "tf2onnxsaved"
    source: ClassVar[str] = "savedmodel"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("tensorflow", "tf2onnx", "onnx")
    distribution: ClassVar[str] = "tf2onnx"
    engine: ClassVar[str] = "tf2onnx"
    calls: ClassVar[str] = "tf2onnx.convert --saved-model"

    def convert(self, artifact: Path, out: Path) -> Path:
        command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(artifact), "--output", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-LAST:])
        _put_in_order(out)
        return out


class KerasToProgram(OnKerasTorch):
    """Our own writer: the model's layers as a PyTorch program, run as `parity convert` delivers it.

    Keras only reads the file; nothing of it is in what comes out.
    """

    name: ClassVar[str] = "program"
    source: ClassVar[str] = "keras"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("keras", "torch", "cloudpickle")
    calls: ClassVar[str] = "our own writer of PyTorch programs"

    def convert(self, artifact: Path, out: Path) -> Path:
        from harness.matlab.torch.text import build
        from harness.models.keras_program.source import program
        from harness.models.keras_reader import spec_of

        spec, weights = spec_of(load_model(artifact))
        written = program(spec, weights)
        signature = [
            Argument(name, (None, *item.shape), item.dtype)
            for name, item in zip(written.inputs, spec.inputs, strict=True)
        ]
        return save_module(build(written), out, signature)


def _put_in_order(file: Path) -> None:
    """Give the outputs of an ONNX file the order that runs of the SavedModel have: a signature declares none."""
    import onnx

    model = onnx.load(str(file))
    outputs = {item.name: item for item in model.graph.output}
    if list(outputs) != (names := in_order(outputs)):
        del model.graph.output[:]
        model.graph.output.extend(outputs[name] for name in names)
        onnx.save(model, str(file))
