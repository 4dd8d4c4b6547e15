"""Layers that apply an anonymous function, where that is a simple formula of one argument."""

from __future__ import annotations

import re
from typing import Any

from harness.matlab.layers.kind import Read, Unsupported, layer
from harness.matlab.readers.records import Record, inside
from harness.matlab.torch.writers import Module, Site
from harness.oracle.matlab.formula import Argument, FormulaError, Node, Number, parse

SAVED = re.compile(r"sf%\d+(?=@)")
"""What MATLAB writes before the text of an anonymous function in a file."""


def text_of(function: Any) -> str:
    """The text of a function handle, or of what `func2str` made of one; empty for any other value."""
    text = inside(function, "function") if not isinstance(function, str) else function
    return SAVED.sub("", text) if isinstance(text, str) else ""


def _read(record: Record) -> Read:
    for count in ("NumInputs", "NumOutputs"):
        if record.whole(count, 1, 1) != [1]:
            raise Unsupported(f"{count} is not 1")
    text = text_of(record.get("PredictFcn"))
    return {"PredictFcn": simple(text)}, {}


def simple(text: str) -> str:
    """The text of a function that is a simple formula. Raises Unsupported with what is true of any other."""
    try:
        parse(text)
    except FormulaError as why:
        if text.lstrip().startswith("@"):
            raise Unsupported(f"its function {text} is there, and is not read: {why}") from None
        what = f"runs the function {text}" if text else "runs code of a function"
        raise Unsupported(f"{what} that the file does not hold") from None
    return text


@layer("FunctionLayer", read=_read)
def function(site: Site) -> Module:
    """`Call` of the same formula of a tensor."""
    return Module(f"Call(lambda x: {_written(parse(site.config['PredictFcn']))})")


OPERATORS = {"+": "+", "-": "-", ".*": "*", "./": "/", ".^": "**"}
NAMES = {"max": "maximum", "min": "minimum", "logsig": "sigmoid", "tansig": "tanh"}
"""PyTorch's name of a function that has another one there."""
BOUNDS = {"max": "min", "min": "max"}
"""The bound of `torch.clamp`, which takes a number where `maximum` and `minimum` take tensors only."""


def _written(node: Node) -> str:
    """The formula as an expression of Python, in which every operation has its parentheses."""
    if isinstance(node, Number):
        return repr(node.value)
    if isinstance(node, Argument):
        return "x"
    parts = [_written(part) for part in node.parts]
    if node.name in OPERATORS:
        left, right = parts
        return f"({left} {OPERATORS[node.name]} {right})"
    if node.name == "negative":
        return f"(-{parts[0]})"
    numbers = [part for part in node.parts if isinstance(part, Number)]
    if node.name in BOUNDS and numbers:
        (tensor,) = (part for part in node.parts if not isinstance(part, Number))
        return f"torch.clamp({_written(tensor)}, {BOUNDS[node.name]}={numbers[0].value!r})"
    return f"torch.{NAMES.get(node.name, node.name)}({', '.join(parts)})"
