"""Merging layers, and the operators of keras.ops between layers."""

from __future__ import annotations

from collections.abc import Mapping

from harness.adapters.keras_model import OPERATOR
from harness.models.keras_program.writers import Part, Site, Unwritten, axes_of, layer, text_of

MERGES = {"Add": "add", "Maximum": "maximum", "Minimum": "minimum", "Multiply": "mul", "Subtract": "sub"}
"""Functions of torch by the layer that applies them from its first input to its last."""
OPERATORS: Mapping[str, str] = {
    "Absolute": "abs",
    "Add": "add",
    "Cos": "cos",
    "Divide": "div",
    "Equal": "eq",
    "Exp": "exp",
    "Expm1": "expm1",
    "Greater": "gt",
    "GreaterEqual": "ge",
    "Less": "lt",
    "LessEqual": "le",
    "Log": "log",
    "Log1p": "log1p",
    "LogicalAnd": "logical_and",
    "LogicalNot": "logical_not",
    "LogicalOr": "logical_or",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Multiply": "mul",
    "Negative": "neg",
    "NotEqual": "ne",
    "Power": "pow",
    "Sin": "sin",
    "Sqrt": "sqrt",
    "Square": "square",
    "Subtract": "sub",
    "Tanh": "tanh",
    "TrueDivide": "div",
}
"""Functions of torch by the operator of keras.ops between layers."""
REDUCTIONS: Mapping[str, str] = {"Any": "any", "Max": "amax", "Mean": "mean", "Min": "amin", "Sum": "sum"}
"""Functions of torch along axes, likewise."""


@layer(*MERGES)
def _merge(site: Site) -> Part:
    return Part(f"Merge({MERGES[site.kind]!r})")


@layer("Average")
def _average(site: Site) -> Part:
    return Part("Merge('add', mean=True)")


@layer("Concatenate")
def _concatenate(site: Site) -> Part:
    return Part(f"Concatenate({int(site.config.get('axis', -1))})")


@layer(*(f"{OPERATOR}{name}" for name in OPERATORS))
def _operator(site: Site) -> Part:
    operands = ["None" if value is None else text_of("operand", value) for value in site.config["operands"]]
    return Part(f"Operate({OPERATORS[site.kind.removeprefix(OPERATOR)]!r}, {', '.join(operands)})")


@layer(*(f"{OPERATOR}{name}" for name in REDUCTIONS))
def _reduction(site: Site) -> Part:
    if site.config.get("axis") is None:
        raise Unwritten("over all axes")
    function, keep = REDUCTIONS[site.kind.removeprefix(OPERATOR)], ", keep=True" * bool(site.config.get("keepdims"))
    return Part(f"Reduce({function!r}, {tuple(axes_of(site.config))}{keep})")
