"""Converters that only a user's model needs, because no case of the corpus starts from their source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnTensorFlow
from harness.adapters.runtimes.keras import in_order

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


def _put_in_order(file: Path) -> None:
    """Give the outputs of an ONNX file the order that runs of the SavedModel have: a signature declares none."""
    import onnx

    model = onnx.load(str(file))
    outputs = {item.name: item for item in model.graph.output}
    if list(outputs) != (names := in_order(outputs)):
        del model.graph.output[:]
        model.graph.output.extend(outputs[name] for name in names)
        onnx.save(model, str(file))
