"""Planted faults: hops with one known fault each, all of which the suite must catch.

A planted hop edits the result of the real hop that it `wraps`. It stands behind the real one, so that one conversion
serves all faults of a layer, or replaces it if the fault lies inside. Ordinary routes never have planted hops;
`parity selftest` and `suites/planted` add them. A fault is a class with a docstring that names the error, the `layers`
that may have it, and an `edit`.
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
        "Keras takes ids from 0 to input_dim - 1, and max(id, 0) is the id for each of them.",
    ),
    (
        "ids of an Embedding, or of CategoryEncoding, rounded instead of truncated when they are cast",
        "Ids are whole numbers by their documentation, which rounding and truncating leave alike. No other layer of "
        "Keras casts a number with a fraction to an integer.",
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
"""Edits that are no faults, each with the proof that it computes the same function. They are not counted."""


@dataclass(frozen=True)
class Fault:
    """One planted fault. `wraps` names the real hop that it edits, `before` the hops before that one."""

    name: str
    does: str
    layers: tuple[str, ...]
    wraps: str
    plugin: Plugin
    before: tuple[str, ...] = ()


def sampled(faults: list[Fault]) -> list[Fault]:
    """A tenth of the faults, chosen by the digest of the name: always the same ones, from every family."""
    return [fault for fault in faults if int(digest(fault.name), 16) % 10 == 0]


def faults() -> list[Fault]:
    """Every planted fault, by module and name."""
    return [fault for module in iter_modules(__path__) for fault in _faults_of(f"{__name__}.{module.name}")]


def _faults_of(module: str) -> Iterator[Fault]:
    cls: Any
    for _, cls in getmembers(import_module(module), isclass):
        if cls.__module__ == module and hasattr(cls, "layers"):
            plugin = Plugin(**facts_of(cls, "hops", f"{module}:{cls.__name__}"))
            does = " ".join((cls.__doc__ or "").split())
            yield Fault(cls.name, does, tuple(cls.layers), cls.wraps, plugin, tuple(getattr(cls, "before", ())))
