"""The sections of the page: each is a module here, and the template of the same name beside it.

A section has `PLACE`, which orders the sections, and `facts(look)`, which returns the variables of its template, or
None to omit the section.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from harness.analysis.defects import Defect
from harness.results.file import Results


@dataclass(frozen=True)
class Look:
    """The data of all sections: the results of a run, and its defects."""

    results: Results
    defects: Sequence[Defect]


@dataclass(frozen=True)
class Section:
    """One section of a page: its template, and the template's variables."""

    template: str
    facts: dict[str, Any]


def sections(look: Look) -> list[Section]:
    """The sections of a page, in order."""
    modules = [import_module(f"{__name__}.{item.name}") for item in iter_modules(__path__)]
    pairs = [(module, module.facts(look)) for module in sorted(modules, key=lambda module: int(module.PLACE))]
    return [
        Section(f"sections/{module.__name__.rpartition('.')[2]}.html", facts)
        for module, facts in pairs
        if facts is not None
    ]
