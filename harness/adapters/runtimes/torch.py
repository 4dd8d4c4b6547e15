"""PyTorch: a module saved whole, in evaluation mode, on the CPU or a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness.adapters.gpu import CUDA, NVML, TF32, Opened, gpu, set_torch, torch_gpu, torch_operators, torch_settings
from harness.adapters.places import OnTorch, OnTorchCuda, OnTorchCudaTf32
from harness.adapters.runtimes import Outputs
from harness.adapters.torch_artifact import open_module
from harness.spec import Array


class TorchRuntime(OnTorch):
    """`torch.load`, `.eval()`, and a call without gradients; inputs in the model's declared order."""

    name: ClassVar[str] = "torch"
    format: ClassVar[str] = "torch"
    requires: ClassVar[tuple[str, ...]] = ("torch",)
    distribution: ClassVar[str] = "torch"
    file: ClassVar[str] = "model.pt"
    calls: ClassVar[str] = "PyTorch"
    open_recipe: ClassVar[str] = """
        import torch
        return torch.load(ARTIFACT, weights_only=False, map_location="cpu").eval()
    """
    run_recipe: ClassVar[str] = """
        import torch
        with torch.no_grad():
            result = model(*(torch.from_numpy(np.array(value)) for value in inputs.values()))
        result = result if isinstance(result, (list, tuple)) else [result]
        return [None if part is None else part.numpy() for part in result]
    """

    def open(self, artifact: Path) -> Any:
        return open_module(artifact).eval()

    def run(self, opened: Any, inputs: Mapping[str, Array]) -> Outputs:
        import torch

        with torch.no_grad():
            result = opened(*(torch.from_numpy(value) for value in inputs.values()))  # shares the caller's memory
        parts = list(result) if isinstance(result, list | tuple) else [result]
        return [None if part is None else part.numpy() for part in parts], None


class TorchCudaRuntime(OnTorchCuda):
    """A torch module whose parameters and inputs are on the GPU."""

    name: ClassVar[str] = "torch-cuda"
    format: ClassVar[str] = "torch"
    device: ClassVar[str] = CUDA
    tf32: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("torch", NVML)
    distribution: ClassVar[str] = "torch"
    engine: ClassVar[str] = "torch"
    file: ClassVar[str] = "model.pt"
    calls: ClassVar[str] = "PyTorch on CUDA"
    open_recipe: ClassVar[str] = """
        import torch
        return torch.load(ARTIFACT, weights_only=False, map_location="cpu").eval().to("cuda")
    """
    run_recipe: ClassVar[str] = """
        import torch
        with torch.no_grad():
            result = model(*(torch.from_numpy(np.array(value)).to("cuda") for value in inputs.values()))
        result = result if isinstance(result, (list, tuple)) else [result]
        return [None if part is None else part.cpu().numpy() for part in result]
    """

    def probe(self) -> Mapping[str, str]:
        """The facts of the GPU. Raises NoGpu."""
        return torch_gpu()

    def open(self, artifact: Path) -> Opened:
        set_torch(tf32=self.tf32)
        return Opened(open_module(artifact).eval().to(CUDA))

    def run(self, opened: Opened, inputs: Mapping[str, Array]) -> Outputs:
        import torch

        tensors = {name: torch.from_numpy(value).to(CUDA) for name, value in inputs.items()}
        operators = torch_operators()
        with torch.no_grad(), operators:
            result = opened.model(*tensors.values())
        opened.operators += operators.counts
        for name, tensor in tensors.items():
            np.copyto(inputs[name], tensor.cpu().numpy())
        parts = list(result) if isinstance(result, list | tuple) else [result]
        # a module without an operator gives its inputs back, which lie on the GPU
        opened.operators += Counter(part.device.type for part in parts if part is not None and not operators.counts)
        return [None if part is None else part.cpu().numpy() for part in parts], None

    def ran_on(self, opened: Opened) -> dict[str, Any]:
        """Settings and counts of the calls so far."""
        return {**gpu(), **torch_settings(), "operators": dict(opened.operators), "reason": ""}


class TorchCudaTf32Runtime(OnTorchCudaTf32, TorchCudaRuntime):
    """With TF32."""

    name = "torch-cuda-tf32"
    device = TF32
    tf32 = True
