"""The functions of a package as its source has them, each with a digest that changes when what it does may change.

A comment, a docstring and the layout of the text are no part of a digest. It is the same whichever Python parsed the
source, so that digests may be kept beside a release.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from harness.results.changed import MODULE

OF_TESTS = frozenset({"test", "tests"})
"""Folders inside a package whose functions no conversion can enter."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Documented = _Function | ast.ClassDef | ast.Module
_UNSAID = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields of a syntax tree that follow from the rest, or do nothing."""


@dataclass(frozen=True)
class Function:
    """A function or method, with all that is inside it: `OnnxPReLU.forward` in `onnx2torch/activations.py`.

    It begins in the line `first`, with its first decorator, and ends in `last`. Decorators and defaults count for its
    `digest`, and so do its file and its name. `MODULE` begins and ends in line 0. `words` are those of its syntax tree.
    """

    file: str
    name: str
    first: int
    last: int
    digest: str
    words: str = field(default="", repr=False, compare=False)

    def digest_as(self, file: str, name: str) -> str:
        """The digest of the same code in the file `file` and under the name `name`."""
        own, other = (f"name={each.rpartition('.')[2]!r}," for each in (self.name, name))
        return _digest(file, name, self.words.replace(own, other, 1))


def files_of(package: Path) -> Iterator[tuple[str, bytes]]:
    """The sources of a package but its tests: name from the package's own folder on, and content."""
    for path in sorted(package.rglob("*.py")):
        name = PurePosixPath(path.relative_to(package.parent).as_posix())
        if not OF_TESTS.intersection(name.parts[1:-1]):
            yield str(name), path.read_bytes()


def functions_of(file: str, source: bytes) -> list[Function]:
    """What the file does when it is imported, and its functions in order; those inside a function are part of it.

    Raises SyntaxError for what this Python cannot parse.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _Documented) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    members = list(_in(tree, ""))
    found = [_function(file, name, node, _first(node), node.end_lineno or node.lineno) for name, node in members]
    for _, node in members:
        node.body, node.decorator_list, node.returns = [], [], None
        node.args = ast.arguments([], [], None, [], [], None, [])
    return [_function(file, MODULE, tree, 0, 0), *found]


def _function(file: str, name: str, node: ast.AST, first: int, last: int) -> Function:
    words = "".join(_said(node))
    return Function(file, name, first, last, _digest(file, name, words), words)


def _in(tree: ast.AST, prefix: str) -> Iterator[tuple[str, _Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Function):
            yield prefix + node.name, node
        else:
            yield from _in(node, f"{prefix}{node.name}." if isinstance(node, ast.ClassDef) else prefix)


def _first(node: _Function) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _digest(file: str, name: str, words: str) -> str:
    content = blake2b(f"{file} {name} ".encode(), digest_size=6)
    content.update(words.encode("utf-8", "surrogatepass"))
    return content.hexdigest()


def _said(value: object) -> Iterator[str]:
    """The words of a syntax tree. `ast.dump` says the same in other words from one Python to the next."""
    if isinstance(value, ast.Constant):
        yield f"{type(value.value).__name__} {value.value!r},"
    elif isinstance(value, ast.JoinedStr):
        yield "JoinedStr("
        yield from _said(_joined(value.values))
        yield ")"
    elif isinstance(value, ast.AST):
        yield f"{type(value).__name__}("
        for name, part in ast.iter_fields(value):
            if name not in _UNSAID and part is not None and part != []:
                yield f"{name}="
                yield from _said(part)
        yield ")"
    elif isinstance(value, list):
        for part in value:
            yield from _said(part)
    else:
        yield f"{value!r},"


def _joined(values: Iterable[ast.expr]) -> list[object]:
    """The parts of an f-string, neighbouring texts as one: Pythons cut them in different places."""
    parts: list[object] = []
    for value in values:
        text = value.value if isinstance(value, ast.Constant) else None
        if isinstance(text, str) and parts and isinstance(parts[-1], str):
            parts[-1] += text
        elif text != "":
            parts.append(value if text is None else text)
    return parts
