"""Keras itself, on the backend of its worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.runtimes import Outputs, check_names
from harness.spec import Array


class KerasRuntime:
    """`keras.saving.load_model` and a call with `training=False`."""

    name: ClassVar[str] = "keras"
    format: ClassVar[str] = "keras"
    requires: ClassVar[tuple[str, ...]] = ("tensorflow", "keras")
    worker: ClassVar[str] = "tensorflow"

    def open(self, artifact: Path) -> Any:
        import keras

        return keras.saving.load_model(artifact, compile=False)

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        import keras

        names = [tensor.name for tensor in opened.inputs]
        check_names(names, inputs)
        tensors = [keras.ops.convert_to_tensor(inputs[name]) for name in names]
        result = opened(tensors if len(tensors) > 1 else tensors[0], training=False)
        parts = list(result) if isinstance(result, list | tuple) else [result]
        return [keras.ops.convert_to_numpy(part) for part in parts], None
