"""The torch artifact: a whole module in one file, as `torch.load(path, weights_only=False)` reads it.

Importers return modules, not files. Some hold what plain pickle refuses (a reference to a Python module, a
local function), which says nothing about the conversion, so cloudpickle writes the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def save_module(module: Any, path: Path) -> Path:
    """Write a `torch.nn.Module` whole. Raises whatever pickling raises."""
    import cloudpickle
    import torch

    torch.save(module, path, pickle_module=cloudpickle)
    return path
