"""torch modules for tests of traces, made and traced in a worker: no process of pytest imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.adapters.torch_artifact import save_module
from harness.spec import Input, Layer, Spec
from harness.trace import torch_modules
from harness.trace.trace import Trace
from tests.trace.onnx_models import chain


def _told(trace: Trace) -> dict[str, Any]:
    fault = trace.first_fault
    return {**trace.to_plain(), "first": None if fault is None else fault.id}


def converted(folder: Path, inputs: Any, converter: str, change: int) -> dict[str, Any]:
    """The trace of the chain as a converter makes a module of it. `change` is the place of a part that errs."""
    import onnx
    import torch

    chain(folder / "model.onnx")
    if converter == "onnx2torch":
        import onnx2torch

        module = onnx2torch.convert(str(folder / "model.onnx"))
        names = [node.target for node in module.graph.nodes if node.op == "call_module"]
    else:
        import onnx2pytorch

        module = onnx2pytorch.ConvertModel(onnx.load(folder / "model.onnx"))
        names = [module.mapping[node.output[0]] for node in module.onnx_model.graph.node]
    if change >= 0:
        right = getattr(module, names[change])

        class Wrong(torch.nn.Module):
            def forward(self, *arguments: Any) -> Any:
                return right(*arguments) * 1.01

        if isinstance(right, torch.nn.Linear):  # onnx2pytorch hands its class the activations alone
            right.weight.data *= 1.01
        else:
            setattr(module, names[change], Wrong())
    save_module(module, folder / "model.pt")
    trace = torch_modules.trace(folder / "model.pt", inputs, source=folder / "model.onnx", spec=spec())
    return {**_told(trace), "names": names}


def spec() -> Spec:
    """Dense layers a and b, and c that adds what a gives to what b gives."""
    dense = {"units": 4, "activation": "tanh"}
    layers = (Layer("Dense", "a", dense, ("x",)), Layer("Dense", "b", dense, ("a",)), Layer("Add", "c", {}, ("a", "b")))
    return Spec("keras", (Input("x", (4,)),), layers, ("c",))


def numbers() -> dict[str, np.ndarray]:
    draw = np.random.Generator(np.random.PCG64(1))
    shapes = {"a/kernel": (4, 4), "a/bias": (4,), "b/kernel": (4, 4), "b/bias": (4,)}
    return {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def layered(folder: Path, inputs: Any, change: str, watch: bool = True) -> dict[str, Any]:
    """The trace of a module written by hand, with parts that have the names of layers; one of them may be wrong."""
    import torch

    class Dense(torch.nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            kernel, bias = (torch.from_numpy(numbers()[f"{name}/{part}"].copy()) for part in ("kernel", "bias"))
            self.kernel = torch.nn.Parameter(kernel * (1.01 if name == change else 1))
            self.bias = torch.nn.Parameter(bias)

        def forward(self, x: Any) -> Any:
            return torch.tanh(x @ self.kernel + self.bias)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = Dense("a"), Dense("b"), Sum()

        def forward(self, x: Any) -> Any:
            one = self.a(x)
            two = self.b(one)
            # what sees whether it is watched
            disturbed = 0.5 if not watch and self.a._forward_hooks else 0.0
            return self.c(one, two) + disturbed

    class Sum(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x + y

    save_module(Network(), folder / "model.pt")
    return _told(torch_modules.trace(folder / "model.pt", inputs, spec=spec(), weights=numbers()))
