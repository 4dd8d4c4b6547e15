"""ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.adapters.places import OnOnnxRuntime
from harness.adapters.runtimes import Outputs, check_names
from harness.spec import Array


class OnnxRuntime(OnOnnxRuntime):
    """`InferenceSession` with the CPU provider, one thread, default optimisation."""

    name: ClassVar[str] = "onnxruntime"
    format: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    distribution: ClassVar[str] = "onnxruntime"
    calls: ClassVar[str] = "ONNX Runtime"
    open_recipe: ClassVar[str] = """
        import onnxruntime
        return onnxruntime.InferenceSession(str(ARTIFACT), providers=["CPUExecutionProvider"])
    """
    run_recipe: ClassVar[str] = """
        names = [item.name for item in model.get_inputs()]
        check_names(names, inputs)
        return list(model.run(None, inputs))
    """

    def open(self, artifact: Path) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(artifact), options, providers=["CPUExecutionProvider"])

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        check_names([item.name for item in opened.get_inputs()], inputs)
        names = [item.name for item in opened.get_outputs()]
        return list(opened.run(None, dict(inputs))), names
