"""The ONNX file of a MATLAB network, in the dialects of MATLAB's own exporter.

Layers are MATLAB's, arrays N x C x H x W. The routes MATLAB -> ONNX -> PyTorch start from this file; ONNX Runtime runs
it as their first stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnOnnxRuntime
from harness.spec import Array, Spec


class OnnxFile(OnOnnxRuntime):
    """The file that `harness.matlab.to_onnx` builds as MATLAB's exporter does."""

    name: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    dialect: ClassVar[str | None] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        """Write the file. Raises ValueError for a layer for which MATLAB's exporter has no simple form."""
        import onnx

        from harness.matlab.to_onnx import as_onnx

        onnx.save(as_onnx(spec, weights), str(path))

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """Raises ValueError: the layers cannot be told from the graph."""
        raise ValueError(f"{path}: an ONNX file is run, not read back")
