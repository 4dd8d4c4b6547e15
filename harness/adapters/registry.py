"""What can be plugged together: formats, hops and runtimes, ours and other people's.

Our own classes are found by looking through the packages `formats`, `hops` and `runtimes` beside this module; others
come from the entry point groups `harness.hops` and `harness.runtimes`, or by name (`module:Class`). The suite's process
must not import a framework, so foreign classes, whose modules may do so at their top, are asked for their facts in a
process of their own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from inspect import getmembers, isclass
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from harness.errors import InputError
from harness.installed import is_installed


class PluginError(InputError):
    """A hop or runtime that cannot be used: it does not import, or lacks part of its contract."""


FACTS = MappingProxyType(
    {
        "formats": ("name", "suffix", "dialect", "worker", "requires"),
        "hops": ("name", "source", "target", "requires"),
        "runtimes": ("name", "format", "requires"),
    }
)
METHODS = MappingProxyType({"formats": ("write", "read"), "hops": ("convert",), "runtimes": ("open", "run")})
OPEN_TO_OTHERS = ("hops", "runtimes")
"""Kinds that other packages can add, by an entry point group of that name."""


@dataclass(frozen=True)
class Plugin:
    """Facts about one format, hop or runtime; `reference` (`module:Class`) is how a worker finds it."""

    reference: str
    name: str
    worker: str
    requires: tuple[str, ...]
    source: str = ""
    target: str = ""
    format: str = ""
    suffix: str = ""
    dialect: str | None = None
    opset: int | None = None
    programs: tuple[str, ...] = ()

    @property
    def missing(self) -> str:
        """Why this cannot run here: the distributions and programs it requires that are not installed; '' if it can."""
        lacking = [text for text in self.requires if not is_installed(text)]
        lacking += [text for text in self.programs if shutil.which(text) is None]
        return f"not installed: {', '.join(lacking)}" if lacking else ""


def facts_of(cls: type, kind: str, reference: str) -> dict[str, Any]:
    """The facts that a class declares, as plain data. Raises PluginError for one that breaks the contract."""
    lacking = [name for name in (*FACTS[kind], *METHODS[kind]) if not hasattr(cls, name)]
    if lacking:
        raise PluginError(
            f"{reference} is no {kind[:-1]}: it lacks {', '.join(lacking)}. A {kind[:-1]} is a class with "
            f"{', '.join(FACTS[kind])} and {'(), '.join(METHODS[kind])}(); see docs/extending.md"
        )
    found = {name: getattr(cls, name) for name in FACTS[kind]}
    requires = tuple(found["requires"])
    for text in requires:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise PluginError(f"{reference} requires {text!r}, which is no requirement: {error}") from None
    # A foreign hop runs beside the framework it names first; one that names none runs alone.
    worker = getattr(cls, "worker", None) or (Requirement(requires[0]).name if requires else reference)
    opset = getattr(cls, "opset", None)
    programs = tuple(getattr(cls, "programs", ()))
    more = {"requires": requires, "worker": worker, "reference": reference, "opset": opset, "programs": programs}
    return {**found, **more}


def resolve(reference: str) -> Any:
    """The class or function that `module:name` names. Raises PluginError if there is none."""
    module, _, name = reference.partition(":")
    if not name:
        raise PluginError(f"{reference!r} names no class; write module:Class")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{reference} cannot be imported: {error}") from error


def _own_classes(package: ModuleType, kind: str) -> Iterable[Plugin]:
    for found in iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{found.name}")
        for name, cls in getmembers(module, isclass):
            if cls.__module__ == module.__name__ and all(hasattr(cls, fact) for fact in FACTS[kind]):
                yield Plugin(**facts_of(cls, kind, f"{module.__name__}:{name}"))


def describe_foreign(reference: str, kind: str) -> Plugin:
    """Facts of a class of another package, asked for in a process of its own.

    Raises PluginError with the last line of what that process said.
    """
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "harness.adapters.facts", reference, kind],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PluginError(last.removeprefix("harness.adapters.registry.PluginError: "))
    facts = json.loads(done.stdout.strip().splitlines()[-1])
    return Plugin(**{**facts, "requires": tuple(facts["requires"]), "programs": tuple(facts.get("programs", ()))})


@dataclass(frozen=True)
class Registry:
    """Everything that can be joined into routes."""

    formats: tuple[Plugin, ...]
    hops: tuple[Plugin, ...]
    runtimes: tuple[Plugin, ...]
    problems: tuple[str, ...] = field(default=())

    def format(self, name: str) -> Plugin | None:
        return next((found for found in self.formats if found.name == name), None)

    def runtime_of(self, name: str) -> Plugin | None:
        """The first runtime for a format, one that is installed before others."""
        fitting = [found for found in self.runtimes if found.format == name]
        return next((found for found in fitting if not found.missing), fitting[0] if fitting else None)

    def optional(self, name: str) -> bool:
        """Whether artifacts of a source format may be read back where no runtime of it is installed: it needs a program
        of the system, which a user need not have."""
        return all(found.programs for found in self.runtimes if found.format == name)

    def with_hops(self, references: Iterable[str]) -> Registry:
        """The registry with further hops, by `module:Class`. Raises PluginError."""
        more = tuple(describe_foreign(reference, "hops") for reference in references)
        taken = {hop.name for hop in self.hops}
        for hop in more:
            if hop.name in taken:
                raise PluginError(f"a hop named {hop.name!r} exists already; {hop.reference} needs another name")
        return Registry(self.formats, self.hops + more, self.runtimes, self.problems)


@cache
def installed() -> Registry:
    """Our own plugins and those of installed packages. A broken foreign one is named in `problems`, not raised."""
    found: dict[str, list[Plugin]] = {}
    problems: list[str] = []
    for kind in FACTS:
        found[kind] = list(_own_classes(import_module(f"harness.adapters.{kind}"), kind))
        for entry in entry_points(group=f"harness.{kind}") if kind in OPEN_TO_OTHERS else ():
            try:
                found[kind].append(describe_foreign(entry.value, kind))
            except (PluginError, subprocess.TimeoutExpired) as error:
                problems.append(f"{entry.name} ({entry.value}): {error}")
    return Registry(
        formats=tuple(found["formats"]),
        hops=tuple(found["hops"]),
        runtimes=tuple(found["runtimes"]),
        problems=tuple(problems),
    )
