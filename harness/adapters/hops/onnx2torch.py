"""onnx2torch: https://github.com/ENOT-AutoDL/onnx2torch."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnTorch
from harness.adapters.torch_artifact import onnx_signature, save_module


class Onnx2Torch(OnTorch):
    """`onnx2torch.convert`, its module saved whole."""

    name: ClassVar[str] = "onnx2torch"
    source: ClassVar[str] = "onnx"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("onnx", "onnx2torch", "torch", "torchvision")
    distribution: ClassVar[str] = "onnx2torch"
    calls: ClassVar[str] = "onnx2torch.convert"
    recipe: ClassVar[str] = """
        import onnx2torch
        return onnx2torch.convert(str(ARTIFACT)).eval()
    """

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx
        import onnx2torch

        return save_module(onnx2torch.convert(str(artifact)), out, onnx_signature(onnx.load(artifact)))
