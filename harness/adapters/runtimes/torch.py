"""PyTorch: a module saved whole, in evaluation mode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.adapters.places import OnTorch
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
