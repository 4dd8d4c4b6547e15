"""torch.onnx.export of an imported module: the way back to ONNX. https://docs.pytorch.org/docs/stable/onnx.html"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import ClassVar

from harness.adapters.torch_artifact import example_inputs, signature_of

OPEN_SIZE = 3
"""Size of an example input along an axis that the signature leaves open; 0 and 1 are special to the exporter."""


class TorchOnnx:
    """`torch.onnx.export` with its defaults (through torch.export) and the open axes declared dynamic."""

    name: ClassVar[str] = "torchonnx"
    source: ClassVar[str] = "torch"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript")
    worker: ClassVar[str] = "torch"

    def convert(self, artifact: Path, out: Path) -> Path:
        import torch

        module = torch.load(artifact, weights_only=False, map_location="cpu").eval()
        signature = signature_of(module)
        open_axes = tuple(
            {axis: torch.export.Dim.AUTO for axis, size in enumerate(item.shape) if size is None} for item in signature
        )
        takes = [p.kind is p.VAR_POSITIONAL for p in inspect.signature(module.forward).parameters.values()]
        torch.onnx.export(
            module,
            example_inputs(signature, OPEN_SIZE),
            str(out),
            input_names=[item.name for item in signature],
            dynamo=True,
            verbose=False,
            external_data=False,
            # a module that takes `*inputs` has one argument, a tuple
            dynamic_shapes=(open_axes,) if takes[:1] == [True] else open_axes,
        )
        return out


class TorchScriptOnnx:
    """`torch.onnx.export(dynamo=False)`: the older way, through a trace."""

    name: ClassVar[str] = "torchscript"
    source: ClassVar[str] = "torch"
    target: ClassVar[str] = "onnx"
    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx")
    worker: ClassVar[str] = "torch"

    def convert(self, artifact: Path, out: Path) -> Path:
        import torch

        module = torch.load(artifact, weights_only=False, map_location="cpu").eval()
        signature = signature_of(module)
        torch.onnx.export(
            module,
            example_inputs(signature, OPEN_SIZE),
            str(out),
            input_names=[item.name for item in signature],
            dynamic_axes={
                item.name: [axis for axis, size in enumerate(item.shape) if size is None] for item in signature
            },
            dynamo=False,
        )
        return out
