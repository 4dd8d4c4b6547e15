"""Stands in for onnxruntime-gpu where no GPU is: the real ONNX Runtime on the CPU, which says that it is on CUDA.

PARITY_STAND_IN says how: `honest` marks the nodes of its profile as run by CUDA, as a GPU would, `liar` leaves them as
they are, `lacking` does so too and logs that CUDA has no kernel of Relu, `wrong` is honest and multiplies outputs by
1.5, `coarse` is honest and rounds all operands to ten bits.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

_HERE = str(Path(__file__).parents[1])
sys.path.remove(_HERE)
del sys.modules["onnxruntime"]
real = importlib.import_module("onnxruntime")
sys.path.insert(0, _HERE)
WAY = os.environ.get("PARITY_STAND_IN", "honest")
CUDA = "CUDAExecutionProvider"


def rounded(value: Any) -> Any:
    """float32 with ten bits of mantissa, to nearest."""
    if value.dtype != np.float32:
        return value
    bits = value.view(np.uint32) + np.uint32(1 << 12)
    return (bits & np.uint32(0xFFFFE000)).view(np.float32)


def coarse(path: str) -> bytes:
    """The model with rounded initialisers."""
    import onnx

    model = onnx.load(path)
    for item in model.graph.initializer:
        values = np.array(onnx.numpy_helper.to_array(item))
        if values.ndim > 1:
            item.CopyFrom(onnx.numpy_helper.from_array(rounded(values), item.name))
    content: bytes = model.SerializeToString()
    return content


class Session(real.InferenceSession):  # type: ignore[name-defined,misc]
    """A session on the CPU that says it is on CUDA."""

    def __init__(self, path: str, options: Any = None, providers: Any = ()) -> None:
        asked = [each for each in providers if isinstance(each, tuple)]
        self.settings = asked[0][1] if asked else None
        is_coarse = self.settings is not None and WAY == "coarse"
        if WAY == "lacking" and asked:
            os.write(2, b"CUDA kernel not found in registries for Op type: Relu node name: a\n")
        super().__init__(coarse(path) if is_coarse else path, options, providers=["CPUExecutionProvider"])

    def get_providers(self) -> list[str]:
        return [CUDA, "CPUExecutionProvider"] if self.settings else super().get_providers()

    def get_provider_options(self) -> dict[str, Any]:
        return {CUDA: self.settings} if self.settings else super().get_provider_options()

    def run(self, names: Any, inputs: Any, *rest: Any) -> Any:
        if self.settings and WAY == "coarse":
            inputs = {name: rounded(value) for name, value in inputs.items()}
        outputs = super().run(names, inputs, *rest)
        return [each * np.float32(1.5) for each in outputs] if self.settings and WAY == "wrong" else outputs

    def end_profiling(self) -> str:
        path: str = super().end_profiling()
        if WAY not in ("liar", "lacking"):
            file = Path(path)
            file.write_text(
                file.read_text()
                .replace('"provider" : "CPU', '"provider" : "CUDA')
                .replace('"provider":"CPU', '"provider":"CUDA')
            )
        return path


real.InferenceSession = Session  # type: ignore[attr-defined]
real.get_available_providers = lambda: [CUDA, "CPUExecutionProvider"]  # type: ignore[attr-defined]
