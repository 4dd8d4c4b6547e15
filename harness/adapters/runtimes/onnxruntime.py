"""ONNX Runtime on the CPU or a GPU."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.adapters.gpu import CUDA, NVML, TF32, Opened, gpu, logged, onnx_operators, onnxruntime_gpu, without_kernel
from harness.adapters.places import OnOnnxRuntime, OnOnnxRuntimeCuda, OnOnnxRuntimeCudaTf32
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


class OnnxRuntimeCudaRuntime(OnOnnxRuntimeCuda):
    """`InferenceSession` with the CUDA provider; nodes without a CUDA kernel go to the CPU, and are counted."""

    name: ClassVar[str] = "onnxruntime-cuda"
    format: ClassVar[str] = "onnx"
    device: ClassVar[str] = CUDA
    tf32: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("onnxruntime-gpu", NVML)
    distribution: ClassVar[str] = "onnxruntime-gpu"
    engine: ClassVar[str] = "onnxruntime"
    calls: ClassVar[str] = "ONNX Runtime on CUDA"
    open_recipe: ClassVar[str] = """
        import onnxruntime
        onnxruntime.preload_dlls()
        return onnxruntime.InferenceSession(str(ARTIFACT), providers=[("CUDAExecutionProvider", {"use_tf32": "0"})])
    """
    run_recipe: ClassVar[str] = """
        names = [item.name for item in model.get_inputs()]
        check_names(names, inputs)
        return list(model.run(None, inputs))
    """

    def probe(self) -> Mapping[str, str]:
        """The facts of the GPU. Raises NoGpu."""
        return onnxruntime_gpu()

    def open(self, artifact: Path) -> Opened:
        import onnxruntime

        onnxruntime.preload_dlls()  # CUDA and cuDNN as pip installs them
        folder = Path(tempfile.mkdtemp(dir=artifact.parent))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 1  # at this level it tells which nodes it has no kernel for
        options.use_deterministic_compute = True
        options.enable_profiling = True  # tells which provider ran each node
        options.profile_file_prefix = str(folder / "profile")
        settings = {"use_tf32": str(int(self.tf32)), "cudnn_conv_algo_search": "DEFAULT"}
        providers = [("CUDAExecutionProvider", settings)]
        with logged(folder / "log"):
            session = onnxruntime.InferenceSession(str(artifact), options, providers=providers)
        session.disable_fallback()
        return Opened(session, log=(folder / "log").read_text(errors="replace"))

    def run(self, opened: Opened, inputs: Mapping[str, Array]) -> Outputs:
        session = opened.model
        check_names([item.name for item in session.get_inputs()], inputs)
        names = [item.name for item in session.get_outputs()]
        outputs = list(session.run(None, dict(inputs)))
        if opened.profile is None:
            opened.profile = Path(session.end_profiling())
        return outputs, names

    def ran_on(self, opened: Opened) -> dict[str, Any]:
        """The provider's settings, and the nodes of the first call by where they ran."""
        assert opened.profile is not None, "it was not called"
        operators, on_cpu = onnx_operators(opened.profile)
        explained = bool(on_cpu) and on_cpu <= without_kernel(opened.log)
        settings = opened.model.get_provider_options().get("CUDAExecutionProvider", {})
        return {
            **gpu(),
            "provider": ", ".join(opened.model.get_providers()),
            "tf32": settings.get("use_tf32", "1") == "1",
            "deterministic": True,
            "benchmark": settings.get("cudnn_conv_algo_search", "EXHAUSTIVE") == "EXHAUSTIVE",
            "operators": dict(operators),
            "reason": f"no CUDA kernel of {', '.join(sorted(on_cpu))}" if explained else "",
        }


class OnnxRuntimeCudaTf32Runtime(OnOnnxRuntimeCudaTf32, OnnxRuntimeCudaRuntime):
    """With TF32."""

    name = "onnxruntime-cuda-tf32"
    device = TF32
    tf32 = True
