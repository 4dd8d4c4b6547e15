"""Classes of `keras.layers` and their constructor arguments, read from Keras' source without an import.

The suite's own process never imports a framework. The source suffices: `keras/layers/__init__.py` re-exports every
class, and the class's module contains its `__init__`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Exported:
    """A class that `keras.layers` exports: its names, the documented one first, and its constructor's arguments."""

    names: tuple[str, ...]
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0]


def _root() -> Path:
    module = find_spec("keras")
    if module is None or module.origin is None:
        raise ModuleNotFoundError("keras is not installed, so its layers cannot be listed")
    return Path(module.origin).parent


def _imports(path: Path) -> Iterator[tuple[str, str, str]]:
    """(module, name in that module, name in this file) of each `from` import of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name, alias.asname or alias.name


def _class(root: Path, module: str, name: str) -> ast.ClassDef | None:
    path = root.parent / (module.replace(".", "/") + ".py")
    if not path.exists():
        return None
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return next((node for node in body if isinstance(node, ast.ClassDef) and node.name == name), None)


def _arguments(node: ast.ClassDef) -> tuple[str, ...]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return tuple(arg.arg for arg in (*item.args.args[1:], *item.args.kwonlyargs))
    return ()


@cache
def exported() -> Mapping[str, Exported]:
    """Every class that `keras.layers` exports, by its documented name. Raises ModuleNotFoundError without Keras."""
    root = _root()
    aliases: dict[tuple[str, str], list[str]] = {}
    for module, name, here in _imports(root / "layers" / "__init__.py"):
        aliases.setdefault((module, name), []).append(here)
    classes: dict[str, Exported] = {}
    for (module, name), names in aliases.items():
        node = _class(root, module, name)
        if node is not None:
            # aliases are shorter or older spellings; the documented name is that of the class if it is exported
            ordered = sorted(set(names), key=lambda each: (each != name, each))
            classes[ordered[0]] = Exported(tuple(ordered), _arguments(node))
    return classes
