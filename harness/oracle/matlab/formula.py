"""Anonymous functions of one argument as formulas: `@(x)0.001*x`, `@(x)max(x,0).^2`.

Read by a parser of our own, and computed from what it reads: no text is ever run. The order of operators is that of
https://www.mathworks.com/help/matlab/matlab_prog/operator-precedence.html. `*`, `/` and `^` are those of matrices; with
a number on the side that matters they are the same element by element, and elsewhere they are refused. Where MATLAB
goes over to complex numbers (`sqrt`, `log`, a power that is not whole, of negative numbers) there is no number here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.oracle.matlab.recurrent import sigmoid
from harness.spec import Array


class FormulaError(ValueError):
    """A function that is no simple formula; the message says why, as the end of a sentence."""


@dataclass(frozen=True)
class Number:
    """A number, or what is computed of numbers alone."""

    value: float


@dataclass(frozen=True)
class Argument:
    """What the function is called with."""


@dataclass(frozen=True)
class Apply:
    """An operator or a function of `MEANINGS`, of its operands in order."""

    name: str
    parts: tuple[Node, ...]


Node = Number | Argument | Apply

MEANINGS: Mapping[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "negative": np.negative,
    ".*": np.multiply,
    "./": np.divide,
    ".^": np.power,
    **{name: getattr(np, name) for name in ("abs", "cos", "exp", "log", "sign", "sin", "sqrt", "tanh")},
    "max": np.maximum,
    "min": np.minimum,
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": sigmoid,
    "logsig": sigmoid,
    "tansig": np.tanh,
}
"""Operators element by element, and the functions that are read: MATLAB's, and those of its toolbox for networks
(https://www.mathworks.com/help/deeplearning/ref/dlarray.relu.html and the like)."""
FUNCTIONS: Mapping[str, int] = {
    name: 2 if name in ("max", "min") else 1 for name in MEANINGS if name.isalpha() and name != "negative"
}
"""Number of arguments of each function."""
CONSTANTS = {"pi": float(np.pi), "eps": 2.0**-52}
LONGEST, DEEPEST = 200, 40
"""Numbers, names and operators of a text, and parentheses in one another."""
HEAD = re.compile(r"\s*@\s*\(([^)]*)\)(.*)", re.DOTALL)
NUMBER = r"(?:\d+(?:\.(?![*/^])\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?"
"""A point before `*`, `/` or `^` belongs to the operator: `2.^x`."""
TOKEN = re.compile(rf"\s*(?P<token>(?P<number>{NUMBER})|(?P<name>[A-Za-z]\w*)|\.[*/^]|\S)")
SIGNS = ("+", "-")


def parse(text: str) -> Node:
    """The formula of an anonymous function, or of the name of a function. Raises FormulaError."""
    if text in FUNCTIONS and FUNCTIONS[text] == 1:
        return Apply(text, (Argument(),))
    head = HEAD.fullmatch(text)
    if head is None:
        raise FormulaError("it is no anonymous function")
    arguments = [name.strip() for name in head[1].split(",") if name.strip()]
    if len(arguments) != 1 or arguments[0].startswith(("varargin", "~")):
        raise FormulaError("it does not take one argument")
    node = _Parser(head[2], arguments[0]).whole()
    if isinstance(node, Number):
        raise FormulaError("it does not depend on its argument")
    return node


def value_of(node: Node, x: Array) -> Any:
    """The formula of an array, element by element."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Argument):
        return x
    return MEANINGS[node.name](*(value_of(part, x) for part in node.parts))


def _apply(name: str, *parts: Node) -> Node:
    """An operation; of numbers alone, its value."""
    if not all(isinstance(part, Number) for part in parts):
        return Apply(name, parts)
    with np.errstate(all="ignore"):
        value = float(value_of(Apply(name, parts), np.zeros(())))
    if not np.isfinite(value):
        raise FormulaError(f"{name} of numbers is no finite number")
    return Number(value)


class _Parser:
    """One walk over the body of a function, from the operators that bind least to those that bind most."""

    def __init__(self, text: str, argument: str) -> None:
        self.argument, self.depth = argument, 0
        self.tokens = list(TOKEN.finditer(text.rstrip()))
        if len(self.tokens) > LONGEST:
            raise FormulaError(
                f"it has {len(self.tokens)} numbers, names and operators, and at most {LONGEST} are read"
            )
        self.at = 0

    @property
    def next(self) -> str:
        """The next token; empty at the end."""
        return self.tokens[self.at]["token"] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        """The next token, which is no longer the next one then."""
        text = self.next
        if not text:
            raise FormulaError("it ends too soon")
        self.at += 1
        return text

    def expect(self, text: str) -> None:
        came = self.take()
        if came != text:
            raise FormulaError(f"{came!r} is not read where {text!r} should be")

    def whole(self) -> Node:
        node = self.sum()
        if self.next:
            raise FormulaError(f"{self.next!r} is not read")
        return node

    def sum(self) -> Node:
        node = self.product()
        while self.next in SIGNS:
            node = _apply(self.take(), node, self.product())
        return node

    def product(self) -> Node:
        node = self.signed()
        while self.next in ("*", "/", ".*", "./"):
            node = self.of_arrays(self.take(), node, self.signed())
        return node

    def signed(self) -> Node:
        minus = self.signs()
        node = self.power()
        return _apply("negative", node) if minus else node

    def signs(self) -> bool:
        """Whether the signs that come make negative."""
        minus = False
        while self.next in SIGNS:
            minus ^= self.take() == "-"
        return minus

    def power(self) -> Node:
        """From left to right; a sign may be before an exponent, which MATLAB's documentation orders only alone."""
        node = self.operand()
        while self.next in ("^", ".^"):
            name, signed = self.take(), self.next in SIGNS
            minus = self.signs()
            exponent = self.operand()
            if signed and self.next in ("^", ".^"):
                raise FormulaError("a power of a power with a sign has no documented order: it needs parentheses")
            node = self.of_arrays(name, node, _apply("negative", exponent) if minus else exponent)
        return node

    def of_arrays(self, name: str, left: Node, right: Node) -> Node:
        """An operation element by element; one of matrices only where it is the same."""
        numbers = [isinstance(node, Number) for node in (left, right)]
        same = {"*": any(numbers), "/": numbers[1], "^": all(numbers)}
        if not same.get(name, True):
            raise FormulaError(f"{name} is of matrices here, and .{name} of elements is read")
        return _apply(f".{name.lstrip('.')}", left, right)

    def operand(self) -> Node:
        text = self.take()
        match = self.tokens[self.at - 1]
        if match["number"]:
            return Number(float(text.lower().replace("d", "e")))
        if text == "(":
            node = self.inside()
            self.expect(")")
            return node
        if not match["name"]:
            raise FormulaError(f"{text!r} is not read")
        if text == self.argument:
            if self.next == "(":
                raise FormulaError(f"it takes elements of {text}")
            return Argument()
        if self.next == "(":
            return self.call(text)
        if text in CONSTANTS:
            return Number(CONSTANTS[text])
        raise FormulaError(f"the value of {text} is not in its text")

    def call(self, name: str) -> Node:
        if name not in FUNCTIONS:
            raise FormulaError(f"it calls {name}, which is not among {', '.join(sorted(FUNCTIONS))}")
        self.expect("(")
        parts = [self.inside()]
        while len(parts) < FUNCTIONS[name]:
            self.expect(",")
            parts.append(self.inside())
        self.expect(")")
        return _apply(name, *parts)

    def inside(self) -> Node:
        """What is in parentheses, up to their end or to a comma."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError(f"it has more than {DEEPEST} parentheses in one another")
        node = self.sum()
        self.depth -= 1
        return node
