"""Planted faults: hops that carry one known fault each. The suite's own test is that it catches them all.

A planted hop edits what a real one, which it `wraps`, made: as a hop of its own behind it, so that one conversion
serves all faults of a layer, or in its place, where the fault lies inside. It is never among the ordinary routes:
`parity selftest` and `suites/planted` put it beside the real one. A fault is a class with a docstring that says what
is wrong, the `layers` it concerns, and an `edit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules
from typing import Any

from harness.adapters.registry import Plugin, facts_of
from harness.spec import digest

EQUIVALENT: tuple[tuple[str, str], ...] = (
    (
        "ids of an Embedding below zero taken for zero",
        "Keras takes ids from 0 to input_dim - 1: max(id, 0) is the id for every one of them.",
    ),
    (
        "ids of an Embedding, or of CategoryEncoding, rounded instead of truncated when they are cast",
        "Ids are whole numbers by their documentation: rounding and truncating them is the same. No other layer that "
        "Keras documents casts a number with a fraction to an integer.",
    ),
    (
        "crop of a transposed convolution that tf2onnx writes as `pads` turned in the graph",
        "tf2onnx writes pads of zero only and crops by a Slice with bounds that it computes; zeros turned are zeros.",
    ),
    (
        "Dropout of the wrong rate, or noise of the wrong deviation",
        "At inference these layers are the identity, whatever their rate.",
    ),
)
"""Faults that were tried and are none, each with the proof that it computes the same function. They are not counted."""


@dataclass(frozen=True)
class Fault:
    """One planted fault as the self-test knows it; `wraps` names the real hop beneath, `before` those before that."""

    name: str
    does: str
    layers: tuple[str, ...]
    wraps: str
    plugin: Plugin
    before: tuple[str, ...] = ()


def sampled(found: list[Fault]) -> list[Fault]:
    """A tenth of the faults, by digests of their names: the same ones each time, of every family."""
    return [fault for fault in found if int(digest(fault.name), 16) % 10 == 0]


def faults() -> list[Fault]:
    """Every planted fault, by module and name."""
    return [found for module in iter_modules(__path__) for found in _faults_of(f"{__name__}.{module.name}")]


def _faults_of(module: str) -> Iterator[Fault]:
    cls: Any
    for _, cls in getmembers(import_module(module), isclass):
        if cls.__module__ == module and hasattr(cls, "layers"):
            plugin = Plugin(**facts_of(cls, "hops", f"{module}:{cls.__name__}"))
            does = " ".join((cls.__doc__ or "").split())
            yield Fault(cls.name, does, tuple(cls.layers), cls.wraps, plugin, tuple(getattr(cls, "before", ())))
