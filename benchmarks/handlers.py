"""What the source of tf2onnx says: its handlers, and the operators and attributes that each part of it writes.

Read from the syntax tree, at one opset: branches on `ctx.opset` and versions of handlers that this opset does not reach
are left out. A handler is a method `version_N` of a class under `@tf_op`; the one of the highest N up to the opset is
used, and the methods that it calls on its class. Everything else is a function of a rewriter or an optimizer, and is
taken to write what stands in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from onnx import TensorProto

from benchmarks.operator_values import OPSET, schema_of

ROOMS = ("onnx_opset", "rewriter", "optimizer")
BUILT = {
    "make_slice": "Slice",
    "make_squeeze": "Squeeze",
    "make_unsqueeze": "Unsqueeze",
    **{f"make_reduce_{name.lower()}": f"Reduce{name}" for name in ("Max", "Mean", "Min", "Prod", "Sum")},
    "make_reduce_sum_square": "ReduceSumSquare",
}
"""Methods of tf2onnx's `GraphBuilder`, and the operator that each writes."""
PASSED = {
    "BatchNormalization": "epsilon",
    "CumSum": "exclusive reverse",
    "GRU": "direction hidden_size linear_before_reset",
    "LRN": "beta bias",
    "LSTM": "direction hidden_size",
    "TopK": "sorted",
}
"""Attributes that a node keeps from TensorFlow, and those that rewriters put together in a mapping of many nodes."""
COMPUTED = object()
"""A value that is computed while converting."""


class Write(NamedTuple):
    """An operator that a function writes; an attribute of it, or ''; the value, or `COMPUTED`."""

    operator: str
    attribute: str
    value: Any
    function: str


@dataclass(frozen=True)
class Handler:
    """The handler of some TensorFlow operations: `Conv.version_11` in `onnx_opset/nn.py`."""

    file: str
    name: str
    operations: tuple[str, ...]
    first: int


@dataclass
class Source:
    """What was read: handlers in use at the opset, and writes."""

    handlers: list[Handler] = field(default_factory=list)
    writes: set[Write] = field(default_factory=set)


def read(package: Path) -> Source:
    """Read the rooms of tf2onnx whose folder is `package`."""
    source = Source()
    for room in ROOMS:
        for path in sorted((package / room).glob("*.py")):
            _Module(path.relative_to(package).as_posix(), source).visit(ast.parse(path.read_text(encoding="utf-8")))
    for write in [one for one in source.writes if not one.attribute]:
        passed = PASSED.get(write.operator, "").split()
        source.writes |= {Write(write.operator, name, COMPUTED, write.function) for name in passed}
    return source


def _literal(node: ast.AST | None) -> Any:
    """A value that stands in the source: a number, a string, a list of them, or the type `TensorProto.INT64`."""
    if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("TensorProto"):
        return int(TensorProto.DataType.Value(node.attr))
    try:
        return ast.literal_eval(node)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return COMPUTED


def _names(node: ast.AST | None) -> Iterator[str]:
    """Strings that an expression for an operator can be: a constant, or both sides of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _names(node.body)
        yield from _names(node.orelse)


def _items(node: ast.AST | None) -> Iterator[tuple[str, Any]]:
    """Keys and values of `{"axis": 0}` or `dict(axis=0)`."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), _literal(value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        for keyword in node.keywords:
            if keyword.arg:
                yield keyword.arg, _literal(keyword.value)


def _is_reached(test: ast.AST) -> bool | None:
    """Whether a test on `ctx.opset` holds at `OPSET`; None for another test."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and ast.unparse(test.left).endswith("opset"):
        bound = _literal(test.comparators[0])
        holds = {ast.Lt: OPSET.__lt__, ast.LtE: OPSET.__le__, ast.Gt: OPSET.__gt__, ast.GtE: OPSET.__ge__}
        if type(test.ops[0]) in holds and isinstance(bound, int):
            return holds[type(test.ops[0])](bound)
    return None


class _Module(ast.NodeVisitor):
    """Reads one file into a `Source`."""

    def __init__(self, file: str, source: Source) -> None:
        self.file, self.source = file, source
        self.helpers: dict[str, ast.FunctionDef] = {}

    def visit_Module(self, node: ast.Module) -> None:
        self.helpers = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        calls = [one for one in node.decorator_list if isinstance(one, ast.Call)]
        marks = [one for one in calls if ast.unparse(one.func) in ("tf_op", "tfl_op")]
        methods = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}
        if not marks:
            for method in methods.values():
                self._function(f"{node.name}.{method.name}", method, ())
            return
        operations = tuple(name for mark in marks for name in _as_list(_literal(mark.args[0])))
        words = [word for mark in marks for word in mark.keywords]
        renamed = {name for word in words if word.arg == "onnx_op" for name in _names(word.value)}
        versions = [int(name[8:]) for name in methods if name.startswith("version_") and int(name[8:]) <= OPSET]
        if not versions or any(word.arg == "domain" for word in words):
            return
        used = f"version_{max(versions)}"
        name = f"{node.name}.{used}"
        first = (methods[used].decorator_list or [methods[used]])[0].lineno
        self.source.handlers.append(Handler(self.file, name, operations, first))
        subjects = {one for one in (*operations, *renamed) if schema_of(one)}
        for one in renamed or subjects:
            self.source.writes.add(Write(one, "", None, f"{self.file} {name}"))
        nodes = _reached(used, {**self.helpers, **methods})
        types = set(subjects)
        for one in nodes:
            types |= _Function.read("", one).types
        for one in nodes:
            self._function(name, one, tuple(types))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node.name, node, ())

    def _function(self, name: str, node: ast.FunctionDef, subjects: tuple[str, ...]) -> None:
        self.source.writes |= set(_Function.read(f"{self.file} {name}", node).writes(subjects))


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value if isinstance(value, list) else []


def _reached(first: str, functions: dict[str, ast.FunctionDef]) -> list[ast.FunctionDef]:
    """A method, and the methods of its class and functions of its module that it calls, directly or not."""
    reached = [first]
    for name in reached:
        for node in ast.walk(functions[name]):
            called = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if called in functions and called not in reached:
                reached.append(called)
    return [functions[name] for name in reached]


class _Function(ast.NodeVisitor):
    """Reads one function: what it writes whole, and what it sets on nodes that others made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.whole: list[tuple[str, str, Any]] = []
        self.types: set[str] = set()
        self.settings: list[tuple[str, Any]] = []
        self.mappings: dict[str, list[tuple[str, Any]]] = {}

    @classmethod
    def read(cls, name: str, node: ast.FunctionDef) -> _Function:
        """What a function writes."""
        reader = cls(name)
        for statement in node.body:
            reader.visit(statement)
        return reader

    def writes(self, subjects: Sequence[str]) -> Iterator[Write]:
        """All writes; what is set on a node counts for each operator of the function that has such an attribute."""
        for operator, attribute, value in self.whole:
            if schema_of(operator):
                yield Write(operator, attribute, _hashable(value), self.name)
        for operator in self.types:
            if schema_of(operator):
                yield Write(operator, "", None, self.name)
        touched = {*subjects, *self.types}
        for operator in touched:
            schema = schema_of(operator)
            for attribute, value in self.settings if schema else ():
                if isinstance(attribute, str) and attribute in schema.attributes:
                    yield Write(operator, attribute, _hashable(value), self.name)

    def visit_If(self, node: ast.If) -> None:
        reached = _is_reached(node.test)
        for statement in (*(node.body if reached is not False else ()), *(node.orelse if not reached else ())):
            self.visit(statement)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.mappings.setdefault(target.id, []).extend(_items(node.value))
            elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                key = _literal(target.slice)
                if isinstance(key, str):
                    self.mappings.setdefault(target.value.id, []).append((key, _literal(node.value)))
            elif isinstance(target, ast.Attribute) and target.attr == "type":
                self.types |= set(_names(node.value))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        words = {word.arg: word.value for word in node.keywords if word.arg}
        if called == "make_node":
            chosen = words.get("op_type") or (node.args[0] if node.args else None)
            attr = words.get("attr") or (node.args[2] if len(node.args) > 2 else None)
            for operator in _names(chosen):
                self._whole(operator, attr)
        elif called in BUILT:
            self._whole(BUILT[called], node.args[0] if node.args else words.get("kwargs"))
        elif called in ("insert_new_node_on_output", "insert_new_node_on_input"):
            place = 0 if called.endswith("output") else 1
            for operator in _names(words.get("op_type") or (node.args[place] if len(node.args) > place else None)):
                self.whole.append((operator, "", None))
                self.whole += [(operator, key, _literal(value)) for key, value in words.items() if _has(operator, key)]
        elif isinstance(node.func, ast.Name) and node.func.id == "conv_dims_attr" and len(node.args) > 1:
            self.settings.append((_literal(node.args[-1]), COMPUTED))
        elif called == "set_attr" and len(node.args) == 2:
            self.settings.append((_literal(node.args[0]), _literal(node.args[1])))

    def _whole(self, operator: str, attr: ast.AST | None) -> None:
        items = self.mappings.get(attr.id, []) if isinstance(attr, ast.Name) else list(_items(attr))
        self.whole.append((operator, "", None))
        self.whole += [(operator, key, value) for key, value in items if _has(operator, key)]


def _has(operator: str, attribute: str) -> bool:
    schema = schema_of(operator)
    return schema is not None and attribute in schema.attributes


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
