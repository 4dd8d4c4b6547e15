"""Runs a `model.py` that `parity convert` wrote, and leaves nothing beside it."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


class _Unkept(SourceFileLoader):
    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write no bytecode: a delivered folder holds what was delivered."""


def module_of(program: Path) -> ModuleType:
    """The module of a program. Raises what running it raises."""
    name = f"program_{program.stem}"
    spec = spec_from_file_location(name, program, loader=_Unkept(name, str(program)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
