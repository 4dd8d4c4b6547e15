"""Write and run a converted network: `model.py` with `weights.safetensors`, or `model.onnx`. Needs torch."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.files import atomic_write
from harness.matlab.torch.source import WEIGHTS, program
from harness.spec import Array, Spec

MODEL, ONNX = "model.py", "model.onnx"


def write_torch(spec: Spec, weights: Mapping[str, Array], folder: Path, title: str = "") -> list[Path]:
    """Write the two files, each whole or not at all. Raises ValueError for a network that cannot be written."""
    from safetensors.numpy import save

    written = program(spec, weights, title)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / WEIGHTS, save({name: np.ascontiguousarray(value) for name, value in written.state.items()}))
    atomic_write(folder / MODEL, written.source.encode())
    return [folder / MODEL, folder / WEIGHTS]


def load_torch(folder: Path) -> Any:
    """The module of a delivered folder, made by the `load` of its `model.py`."""
    spec = importlib.util.spec_from_file_location("delivered_network", folder / MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def run_torch(folder: Path, inputs: Sequence[Array]) -> list[Array]:
    """Outputs of a delivered folder."""
    import torch

    with torch.no_grad():
        result = load_torch(folder)(*(torch.from_numpy(np.array(value)) for value in inputs))
    return [part.numpy() for part in (result if isinstance(result, tuple) else (result,))]


def write_onnx(spec: Spec, weights: Mapping[str, Array], folder: Path, title: str = "") -> list[Path]:
    """Export the PyTorch program to `model.onnx`, with open batch and time. Raises what `torch.onnx.export` raises."""
    import torch

    with tempfile.TemporaryDirectory(prefix="parity-") as scratch:
        write_torch(spec, weights, Path(scratch), title)
        module = load_torch(Path(scratch))
        parameters = program(spec, weights).inputs
        examples = tuple(
            torch.ones([3, *(7 if n is None else n for n in item.shape)], dtype=getattr(torch, item.dtype))
            for item in spec.inputs
        )
        auto = torch.export.Dim.AUTO
        shapes = {
            name: {axis: auto for axis, n in enumerate((None, *item.shape)) if n is None}
            for name, item in zip(parameters, spec.inputs, strict=True)
        }
        whole = Path(scratch) / ONNX
        torch.onnx.export(
            module,
            examples,
            str(whole),
            dynamo=True,
            external_data=False,
            dynamic_shapes=shapes,
            input_names=[item.name for item in spec.inputs],
            output_names=[tensor.replace(":", "_") for tensor in spec.outputs],
            verbose=False,
        )
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / ONNX, whole.read_bytes())
    return [folder / ONNX]


def run_onnx(folder: Path, inputs: Mapping[str, Array]) -> list[Array]:
    """Outputs of a delivered ONNX file in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / ONNX), providers=["CPUExecutionProvider"])
    return list(session.run(None, dict(inputs)))


# --- called in a worker ------------------------------------------------------------------------------------------


def deliver(target: str, spec: Spec, weights: Mapping[str, Array], folder: Path, title: str) -> list[Path]:
    """Write the files of a target (`torch`, `onnx`) and return their paths."""
    write = {"torch": write_torch, "onnx": write_onnx}[target]
    return write(spec, weights, folder, title)


def outputs(target: str, folder: Path, inputs: Mapping[str, Array]) -> list[Array]:
    """Outputs of the delivered files."""
    return run_onnx(folder, inputs) if target == "onnx" else run_torch(folder, list(inputs.values()))
