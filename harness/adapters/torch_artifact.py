"""The torch artifact: a whole module in one file, as `torch.load(path, weights_only=False)` reads it.

Importers return modules, not files. Some modules hold objects that plain pickle refuses (a Python module, a local
function). That is no fault of the conversion, so cloudpickle writes the file. A module does not know its inputs; an
attribute stores them for an export back to ONNX.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT_AS = "parity_signature"
"""Attribute of a saved module that stores its inputs."""
_SAVED: dict[str, Any] = {}
"""The module that was saved last in this process, with its path and the state of the file."""


@dataclass(frozen=True)
class Argument:
    """One input of a module: name, shape with the batch axis (None marks an open size) and NumPy dtype name."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


def save_module(module: Any, path: Path, signature: Sequence[Argument] = ()) -> Path:
    """Write a `torch.nn.Module` whole, with its signature. Raises whatever pickling raises."""
    import cloudpickle
    import torch

    setattr(module, KEPT_AS, [(item.name, item.shape, item.dtype) for item in signature])
    torch.save(module, path, pickle_module=cloudpickle)
    _SAVED.update(path=path, state=_state(path), module=module)
    return path


def open_module(path: Path) -> Any:
    """The module of a file. The first to open the file that this process saved last gets the module itself, as a user
    of a converter does, who does not read it back; torch takes longer for that than to convert a small model.

    A file holds code: this one was written by a hop a moment ago. Raises whatever unpickling raises.
    """
    import torch

    saved = dict(_SAVED)
    _SAVED.clear()
    if saved.get("path") == path and saved["state"] == _state(path):
        return saved["module"]
    return torch.load(path, weights_only=False, map_location="cpu")


def _state(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def onnx_signature(model: Any) -> list[Argument]:
    """The inputs of an `onnx.ModelProto`, without initialisers."""
    import onnx

    fixed = {item.name for item in model.graph.initializer}
    return [
        Argument(
            item.name,
            tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in item.type.tensor_type.shape.dim),
            onnx.helper.tensor_dtype_to_np_dtype(item.type.tensor_type.elem_type).name,
        )
        for item in model.graph.input
        if item.name not in fixed
    ]


def signature_of(module: Any) -> list[Argument]:
    """The inputs stored with a module. Raises ValueError if there are none."""
    arguments = getattr(module, KEPT_AS, None)
    if not arguments:
        raise ValueError("the module does not say what inputs it takes: it was saved without a signature")
    return [Argument(name, tuple(shape), dtype) for name, shape, dtype in arguments]


def example_inputs(signature: Sequence[Argument], open_size: int) -> tuple[Any, ...]:
    """A tensor of ones for each argument, with open axes of size `open_size`."""
    import torch

    return tuple(
        torch.ones([open_size if n is None else n for n in item.shape], dtype=getattr(torch, item.dtype))
        for item in signature
    )
