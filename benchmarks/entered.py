"""Which functions of some packages a program enters, and which of their branches.

`watch` has the packages imported with a mark at the start of each function and of each block of statements in it. That
costs next to nothing, where a trace function triples the time of a conversion. A block is known by its first line.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

MARKS = "__marks__"
"""Name of the set, in each module, of the lines that were entered."""


@dataclass(frozen=True)
class Function:
    """A function or method of a source file: `Conv.version_11` in `tf2onnx/onnx_opset/nn.py`.

    `first` is its first line, which stands for its call; `blocks` are the first lines of its blocks.
    """

    file: str
    name: str
    first: int
    blocks: frozenset[int]


def functions(package: Path, rooms: Sequence[str] = ("",)) -> list[Function]:
    """The functions in some folders of a package, in order. Those inside functions are theirs."""
    return [
        function
        for room in rooms
        for file in sorted((package / room).rglob("*.py"))
        for function in _in_tree(ast.parse(file.read_bytes()), file.relative_to(package.parent).as_posix(), "")
    ]


def _in_tree(tree: ast.AST, file: str, prefix: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(file, prefix + node.name, first_line(node), frozenset(_line(b) for b in blocks(node)))
        elif isinstance(node, ast.ClassDef):
            yield from _in_tree(node, file, f"{prefix}{node.name}.")
        else:
            yield from _in_tree(node, file, prefix)


def first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The first line of a function, that of its first decorator if it has one."""
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of statements in a function, except its own, which its call stands for."""
    for part in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(part, name, None)
            if part is not node and isinstance(block, list) and not isinstance(part, ast.ClassDef):
                yield from [block] if block else []


def _line(block: list[ast.stmt]) -> int:
    return block[0].lineno


def marked(tree: ast.Module) -> ast.Module:
    """The module with a mark in each function and block."""
    for node in list(ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for block in list(blocks(node)):
                if not _is_mark(block[0]):
                    block.insert(0, _mark(_line(block), block[0]))
            after = 1 if ast.get_docstring(node, clean=False) is not None else 0
            node.body.insert(after, _mark(first_line(node), node.body[0]))
    return tree


def _mark(line: int, before: ast.stmt) -> ast.stmt:
    statement = ast.parse(f"{MARKS}.add({line})").body[0]
    for node in ast.walk(statement):
        ast.copy_location(node, before)
    return statement


def _is_mark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and ast.unparse(statement).startswith(f"{MARKS}.add(")


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, marks: set[int]) -> None:
        super().__init__(name, path)
        self.marks = marks

    def get_code(self, fullname: str) -> CodeType:
        return compile(marked(ast.parse(self.get_data(self.path))), self.path, "exec")

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, MARKS, self.marks)
        super().exec_module(module)


class Watch(MetaPathFinder):
    """Imports some packages with marks. `news` returns what was entered since it was last asked."""

    def __init__(self, packages: Sequence[Path]) -> None:
        self._packages = {package.name: package for package in packages}
        self._marks: dict[str, set[int]] = {}
        self._told: dict[str, set[int]] = {}
        sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        package = self._packages.get(fullname.partition(".")[0])
        spec = PathFinder.find_spec(fullname, path) if package else None
        if package and spec and spec.origin and spec.origin.endswith(".py"):
            file = Path(spec.origin).relative_to(package.parent).as_posix()
            spec.loader = _Loader(fullname, spec.origin, self._marks.setdefault(file, set()))
        return spec

    def news(self) -> dict[str, list[int]]:
        """Lines by file, `tf2onnx/onnx_opset/nn.py`, in order."""
        fresh = {file: sorted(lines - self._told.get(file, set())) for file, lines in self._marks.items()}
        self._told = {file: set(lines) for file, lines in self._marks.items()}
        return {file: lines for file, lines in fresh.items() if lines}
