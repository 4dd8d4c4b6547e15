"""onnx2pytorch: https://github.com/Talmaj/onnx2pytorch."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.torch_artifact import onnx_signature, save_module


class Onnx2PyTorch:
    """`onnx2pytorch.ConvertModel`, its module saved whole."""

    name: ClassVar[str] = "onnx2pytorch"
    source: ClassVar[str] = "onnx"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "onnx2pytorch")
    worker: ClassVar[str] = "torch"

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx
        import onnx2pytorch

        model = onnx.load(artifact)
        return save_module(onnx2pytorch.ConvertModel(model), out, onnx_signature(model))
