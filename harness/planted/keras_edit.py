"""Misread a Keras layer: the base class of faults that change it in the loaded model, which tf2onnx then converts.

So lie those faults that no small edit of the graph could make, because the converter works out much from one setting:
a recurrent layer becomes a loop, an attention layer some sixty nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.hops.tf2onnx import Tf2Onnx
from harness.adapters.keras_model import load_model
from harness.spec import Array


class KerasFault:
    """tf2onnx of a model in which `misread` changed the layers of these kinds."""

    source: ClassVar[str] = Tf2Onnx.source
    target: ClassVar[str] = Tf2Onnx.target
    requires: ClassVar[tuple[str, ...]] = Tf2Onnx.requires
    worker: ClassVar[str] = Tf2Onnx.worker
    wraps: ClassVar[str] = Tf2Onnx.name
    layers: ClassVar[tuple[str, ...]]

    def convert(self, artifact: Path, out: Path) -> Path:
        import tf2onnx

        model = load_model(artifact)
        self.edit(model)
        tf2onnx.convert.from_keras(model, output_path=str(out))
        return out

    def edit(self, model: Any) -> None:
        """Misread every layer of the kinds concerned, nested ones too."""
        import keras

        kinds = tuple(getattr(keras.layers, name) for name in self.layers)
        for layer in model._flatten_layers():
            if type(layer) in kinds:
                self.misread(layer)

    def misread(self, layer: Any) -> None:
        """Put the fault into a layer that is built and has its weights."""
        raise NotImplementedError


def assign(variable: Any, how: Callable[[Array], Array]) -> None:
    """Change a weight; None stays."""
    if variable is not None:
        value = np.asarray(variable)
        variable.assign(np.ascontiguousarray(how(value)).reshape(value.shape))


def blocks(order: tuple[int, ...]) -> Callable[[Array], Array]:
    """Puts the equal blocks of the last axis, a recurrent layer's gates, in another order."""

    def permuted(value: Array) -> Array:
        parts = np.split(value, len(order), axis=-1)
        return np.concatenate([parts[k] for k in order], axis=-1)

    return permuted
