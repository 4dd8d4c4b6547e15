"""Values are frozen: nobody changes what another module keeps."""

from __future__ import annotations

from dataclasses import is_dataclass
from importlib import import_module
from pkgutil import iter_modules

import pytest

import harness.judge
import harness.results

MODULES = ["harness.spec", "harness.outcomes", "harness.workers.protocol"] + [
    f"{package.__name__}.{item.name}"
    for package in (harness.judge, harness.results)
    for item in iter_modules(package.__path__)
]


def values(module: str) -> list[type]:
    """The dataclasses that a module defines."""
    classes = [item for item in vars(import_module(module)).values() if isinstance(item, type)]
    return [item for item in classes if item.__module__ == module and is_dataclass(item)]


@pytest.mark.parametrize("module", MODULES)
def test_every_value_class_is_frozen(module: str) -> None:
    assert not [item.__name__ for item in values(module) if not item.__dataclass_params__.frozen]  # type: ignore[attr-defined]


def test_there_are_some() -> None:
    assert sum(len(values(module)) for module in MODULES) >= 30
