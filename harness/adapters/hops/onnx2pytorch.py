"""onnx2pytorch: https://github.com/Talmaj/onnx2pytorch."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnTorch
from harness.adapters.torch_artifact import onnx_signature, save_module


class Onnx2PyTorch(OnTorch):
    """`onnx2pytorch.ConvertModel`, its module saved whole."""

    name: ClassVar[str] = "onnx2pytorch"
    source: ClassVar[str] = "onnx"
    target: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("onnx", "onnx2pytorch", "torch", "torchvision")
    distribution: ClassVar[str] = "onnx2pytorch"
    calls: ClassVar[str] = "onnx2pytorch.ConvertModel"
    recipe: ClassVar[str] = """
        import onnx, onnx2pytorch
        return onnx2pytorch.ConvertModel(onnx.load(ARTIFACT)).eval()
    """

    def convert(self, artifact: Path, out: Path) -> Path:
        import onnx
        import onnx2pytorch

        model = onnx.load(artifact)
        return save_module(onnx2pytorch.ConvertModel(model), out, onnx_signature(model))
