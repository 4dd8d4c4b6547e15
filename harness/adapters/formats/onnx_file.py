"""The ONNX file of a MATLAB network, in the dialects of MATLAB's own exporter.

Its layers are MATLAB's, its arrays N x C x H x W: the source of the routes MATLAB -> ONNX -> PyTorch. ONNX Runtime runs
the file as the first stage of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from harness.adapters.places import OnOnnxRuntime
from harness.spec import Array, Spec


class OnnxFile(OnOnnxRuntime):
    """`harness.matlab.to_onnx` says what MATLAB writes."""

    name: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    dialect: ClassVar[str | None] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("onnx",)

    def write(self, spec: Spec, weights: Mapping[str, Array], path: Path) -> None:
        """Raises ValueError for a layer that MATLAB's exporter has no simple form for."""
        import onnx

        from harness.matlab.to_onnx import as_onnx

        onnx.save(as_onnx(spec, weights), str(path))

    def read(self, path: Path) -> tuple[Spec, dict[str, Array]]:
        """A graph does not say which layers it was written from. Raises ValueError."""
        raise ValueError(f"{path}: an ONNX file is run, not read back")
