"""Faults of importers from ONNX to PyTorch. They edit the module that onnx2torch or onnx2pytorch built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from harness.adapters.hops.onnx2pytorch import Onnx2PyTorch
from harness.adapters.hops.onnx2torch import Onnx2Torch
from harness.adapters.hops.tf2onnx import Tf2Onnx
from harness.adapters.torch_artifact import save_module, signature_of


class TorchFault:
    """Applies `edit` to a copy of the module that onnx2torch built from tf2onnx' graph. Each fault sets `name`
    and `layers`."""

    source: ClassVar[str] = Onnx2Torch.target
    target: ClassVar[str] = Onnx2Torch.target
    requires: ClassVar[tuple[str, ...]] = Onnx2Torch.requires
    worker: ClassVar[str] = Onnx2Torch.worker
    before: ClassVar[tuple[str, ...]] = (Tf2Onnx.name,)
    wraps: ClassVar[str] = Onnx2Torch.name
    name: ClassVar[str]
    layers: ClassVar[tuple[str, ...]]

    def convert(self, artifact: Path, out: Path) -> Path:
        import torch

        module = torch.load(artifact, weights_only=False)
        return save_module(self.edit(module), out, signature_of(module))

    def edit(self, module: Any) -> Any:
        """The module with the fault."""
        for part in self.parts(module):
            self.spoil(part)
        return module

    def parts(self, module: Any) -> Iterator[Any]:
        """The modules inside that may have the fault."""
        return iter(module.modules())

    def spoil(self, part: Any) -> None:
        """Put the fault into one module, if it applies."""
        raise NotImplementedError


def wrapped(module: Any, how: Any) -> Any:
    """A module whose call is `how(module, *inputs)`."""
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, *inputs: Any) -> Any:
            return how(self.inner, *inputs)

    return Wrapped()


class CircularPadding(TorchFault):
    """Convolution with circular padding instead of zeros."""

    name = "planted-torch-circular-padding"
    layers = ("Conv1D", "Conv2D")

    def spoil(self, part: Any) -> None:
        import torch

        if isinstance(part, torch.nn.Conv2d) and isinstance(part.padding, tuple) and any(part.padding):
            part.padding_mode = "circular"
            part._reversed_padding_repeated_twice = [n for n in reversed(part.padding) for _ in range(2)]


class KernelTransposed(TorchFault):
    """Height and width of square kernels exchanged when they are copied."""

    name = "planted-torch-kernel-transposed"
    layers = ("Conv2D", "DepthwiseConv2D")
    wraps = Onnx2PyTorch.name

    def spoil(self, part: Any) -> None:
        import torch

        if isinstance(part, torch.nn.Conv2d) and part.weight.shape[2] == part.weight.shape[3]:
            part.weight.data = part.weight.data.transpose(2, 3).contiguous()


class BiasLost(TorchFault):
    """Convolution built without its bias."""

    name = "planted-torch-bias-lost"
    layers = ("Conv2D", "SeparableConv2D", "Conv2DTranspose")

    def spoil(self, part: Any) -> None:
        import torch

        if isinstance(part, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            part.bias = None


class SlopeOfPyTorch(TorchFault):
    """LeakyReLU with PyTorch's default slope."""

    name = "planted-torch-leaky-slope"
    layers = ("LeakyReLU",)

    def spoil(self, part: Any) -> None:
        import torch

        if isinstance(part, torch.nn.LeakyReLU):
            part.negative_slope = 0.01


class InputsByPosition(TorchFault):
    """Module that takes its inputs in the reverse order."""

    name = "planted-torch-inputs-reversed"
    layers = ("Subtract", "Concatenate")

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, *inputs: inner(*inputs[::-1]))


class ComputesInHalf(TorchFault):
    """Module whose result is rounded to half precision."""

    name = "planted-torch-half"
    layers = ("Dense", "Conv2D")

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, *inputs: inner(*inputs).half().float())


class ComputesInDouble(TorchFault):
    """Module that returns double precision."""

    name = "planted-torch-double"
    layers = ("Dense", "Conv2D")

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, *inputs: inner(*inputs).double())


class StateCarried(TorchFault):
    """Recurrent module that adds a part of its last output to the next."""

    name = "planted-torch-state-carried"
    layers: ClassVar[tuple[str, ...]] = ("SimpleRNN", "LSTM", "GRU")

    def edit(self, module: Any) -> Any:
        def call(inner: Any, *inputs: Any) -> Any:
            import torch

            result = inner(*inputs)
            first = result if isinstance(result, torch.Tensor) else result[0]
            before, inner.last_output = getattr(inner, "last_output", None), first.detach()
            spoiled = first if before is None or before.shape != first.shape else first + 0.5 * before
            return spoiled if isinstance(result, torch.Tensor) else (spoiled, *result[1:])

        return wrapped(module, call)


class LeftInTraining(TorchFault):
    """Dropout that stays active at inference."""

    name = "planted-torch-dropout-left-on"
    layers = ("Dropout", "SpatialDropout1D")

    def edit(self, module: Any) -> Any:
        import torch

        return wrapped(module, lambda inner, *inputs: torch.nn.functional.dropout(inner(*inputs), 0.1, training=True))


class BatchDropped(TorchFault):
    """Module that drops axes of one element, the batch among them."""

    name = "planted-torch-squeezed"
    layers: ClassVar[tuple[str, ...]] = ("Flatten", "Reshape", "Permute")

    def edit(self, module: Any) -> Any:
        return wrapped(module, lambda inner, *inputs: inner(*inputs).squeeze())


class SecondOutputForFirst(TorchFault):
    """Module that returns its first output in place of all."""

    name = "planted-torch-first-output-only"
    layers: ClassVar[tuple[str, ...]] = ("LSTM", "GRU", "Graph")

    def edit(self, module: Any) -> Any:
        def call(inner: Any, *inputs: Any) -> Any:
            import torch

            result = inner(*inputs)
            if isinstance(result, torch.Tensor):
                return result
            return [result[0] if part.shape == result[0].shape else part for part in result]

        return wrapped(module, call)


class IndicesThroughInt32(TorchFault):
    """Integers converted to int32 and back."""

    name = "planted-torch-int32"
    layers = ("Identity",)

    def edit(self, module: Any) -> Any:
        def call(inner: Any, *inputs: Any) -> Any:
            import torch

            return inner(*(x.to(torch.int32).to(x.dtype) if not x.is_floating_point() else x for x in inputs))

        return wrapped(module, call)
