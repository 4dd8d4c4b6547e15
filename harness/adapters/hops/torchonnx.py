"""torch.onnx.export of an imported module: the way back to ONNX. https://docs.pytorch.org/docs/stable/onnx.html"""

from __future__ import annotations

import inspect
from pathlib import Path
from textwrap import dedent
from typing import ClassVar

from harness.adapters.places import OnTorch
from harness.adapters.torch_artifact import example_inputs, signature_of

OPEN_SIZE = 3
"""Size of an example input along an axis that the signature leaves open; 0 and 1 are special to the exporter."""


class _ToOnnx(OnTorch):
    """Facts of both exporters. No importer is walked behind them, since it would see nothing new."""

    source: ClassVar[str] = "torch"
    target: ClassVar[str] = "onnx"
    distribution: ClassVar[str] = "torch"
    engine: ClassVar[str] = "torch.onnx"
    behind: ClassVar[tuple[int | None, ...]] = (0,)


_EXAMPLE = dedent("""\
    import torch
    module = torch.load(ARTIFACT, weights_only=False, map_location="cpu").eval()
    signature = module.parity_signature  # name, shape (None: an open size) and dtype of each input
    example = tuple(torch.ones([n or 3 for n in shape], dtype=getattr(torch, d)) for _, shape, d in signature)
    names = [name for name, _, _ in signature]
    axes = [[k for k, n in enumerate(shape) if n is None] for _, shape, _ in signature]
""")
"""The first lines of both recipes."""


class TorchOnnx(_ToOnnx):
    """`torch.onnx.export` with its defaults, through torch.export, and with open axes declared dynamic."""

    name: ClassVar[str] = "torchonnx"
    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx", "onnxscript")
    depth: ClassVar[int | None] = 1  # torch.export takes a second or two for each case
    not_behind: ClassVar[tuple[str, ...]] = ("onnx2pytorch",)  # 4 s a case; behind onnx2torch it is walked
    calls: ClassVar[str] = "torch.onnx.export"
    recipe: ClassVar[str] = f"import inspect\n{_EXAMPLE}" + dedent("""
        shapes = tuple({k: torch.export.Dim.AUTO for k in open_axes} for open_axes in axes)
        takes = [p.kind is p.VAR_POSITIONAL for p in inspect.signature(module.forward).parameters.values()]
        torch.onnx.export(module, example, str(RESULT), input_names=names, dynamo=True,
                          verbose=False, external_data=False,
                          dynamic_shapes=(shapes,) if takes[:1] == [True] else shapes)
    """)

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


class TorchScriptOnnx(_ToOnnx):
    """`torch.onnx.export(dynamo=False)`, the older exporter, through a trace."""

    name: ClassVar[str] = "torchscript"
    requires: ClassVar[tuple[str, ...]] = ("torch", "onnx")
    depth: ClassVar[int | None] = 3
    calls: ClassVar[str] = "torch.onnx.export(dynamo=False)"
    recipe: ClassVar[str] = _EXAMPLE + dedent("""
        torch.onnx.export(module, example, str(RESULT), input_names=names, dynamo=False,
                          dynamic_axes=dict(zip(names, axes)))
    """)

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
